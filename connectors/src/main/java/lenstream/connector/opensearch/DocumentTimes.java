package lenstream.connector.opensearch;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import lenstream.core.image.CrawlTarget;
import lenstream.core.index.Field;

/**
 * The times on an image's way that its document names, epoch ms; {@link CrawlTarget#UNKNOWN_TIME} for one it does not.
 *
 * @param source the kind of resource it was found in
 * @param observedMillis when its bytes came
 * @param embeddedMillis when the document was made
 */
record DocumentTimes(
        String source, long publishedMillis, long discoveredMillis, long observedMillis, long embeddedMillis) {
    private static final JsonFactory JSON = new JsonFactory();

    /** Reads the document as far as the vector, before which everything stands. */
    static DocumentTimes of(byte[] document) {
        String source = "unknown";
        long published = CrawlTarget.UNKNOWN_TIME;
        long discovered = CrawlTarget.UNKNOWN_TIME;
        long observed = CrawlTarget.UNKNOWN_TIME;
        long embedded = CrawlTarget.UNKNOWN_TIME;
        try (JsonParser json = JSON.createParser(document)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME
                    && !json.currentName().equals(Field.EMBEDDING)) {
                String field = json.currentName();
                json.nextToken();
                switch (field) {
                    case Field.VIA -> source = json.getText();
                    case Field.PUBLISHED -> published = time(json);
                    case Field.DISCOVERED -> discovered = time(json);
                    case Field.OBSERVED -> observed = time(json);
                    case Field.INDEXED -> embedded = time(json);
                    default -> json.skipChildren();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e); // we wrote it ourselves
        }
        return new DocumentTimes(source, published, discovered, observed, embedded);
    }

    private static long time(JsonParser json) throws IOException {
        return Instant.parse(json.getText()).toEpochMilli();
    }
}
