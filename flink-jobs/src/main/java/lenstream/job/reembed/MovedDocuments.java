package lenstream.job.reembed;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.core.command.CommandLog;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.index.MultiGet;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.index.Quantisation;
import lenstream.core.takedown.FollowedTakedowns;
import lenstream.core.takedown.Takedowns;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The documents of the new index: those of the old one as they are now, with another vector and fingerprint and the same
 * version. Everything else about an image was found out once and is taken along. A document that changed meanwhile is
 * left to whoever changed it, and what a take-down covers at this moment, by its URL or by what it looks like in the new
 * space, is not moved.
 */
final class MovedDocuments extends RichFlatMapFunction<ArrowBatch, BulkEntry> {
    private static final long serialVersionUID = 1;
    private static final Logger LOG = LoggerFactory.getLogger(MovedDocuments.class);
    private static final long RETRY_MILLIS = 1_000;

    private final OpenSearchConfig openSearch;
    private final IndexLayout layout;
    private final String from;
    private final String to;
    private transient @Nullable IndexClient client;
    private transient @Nullable FollowedTakedowns takedowns;
    private transient @Nullable Quantisation kept;

    MovedDocuments(OpenSearchConfig openSearch, IndexLayout layout, String from, String to) {
        this.openSearch = openSearch;
        this.layout = layout;
        this.from = from;
        this.to = to;
    }

    @Override
    @SuppressWarnings("MustBeClosed") // freed in close()
    public void open(OpenContext context) {
        client = IndexClient.open(openSearch);
        takedowns = new FollowedTakedowns(new CommandLog(client, layout));
    }

    @Override
    public void flatMap(ArrowBatch batch, Collector<BulkEntry> out) throws InterruptedException {
        ArrowBatch.Contents contents;
        try (var memory = new RootAllocator()) {
            contents = batch.read(memory);
        }
        List<EmbeddedImage> embedded =
                contents.rows().stream().filter(row -> row.embedding() != null).toList();
        List<String> ids =
                embedded.stream().map(row -> row.target().id()).distinct().toList();
        IndexClient open = requireNonNull(client);
        Map<String, MultiGet.Found> old = waiting(() -> MultiGet.of(open, from, ids, List.of()));
        if (kept == null) {
            kept = waiting(() -> IndexSetup.quantisation(open, to));
        }
        Quantisation written = kept;
        Takedowns down = waiting(requireNonNull(takedowns)::now); // after the documents: the later word counts
        for (EmbeddedImage row : embedded) {
            MultiGet.Found document = old.get(row.target().id());
            float[] vector = row.embedding();
            if (document != null
                    && vector != null
                    && document.source().path(Field.SHA256).asText().equals(row.sha256())
                    && down.covers(row.target().url()).isEmpty()
                    && down.covers(contents.fingerprint(), vector).isEmpty()) {
                out.collect(BulkEntry.index(
                        to,
                        row.target().id(),
                        document.version(),
                        moved(document.source(), written.written(vector), contents.fingerprint()),
                        0));
            }
        }
    }

    /** A document with another vector. */
    static byte[] moved(JsonNode source, ArrayNode vector, String fingerprint) {
        ObjectNode document = source.deepCopy();
        document.put(Field.FINGERPRINT, fingerprint);
        document.set(Field.EMBEDDING, vector);
        return document.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** A cluster that is away is waited for, as the sink does. */
    private static <T> T waiting(Supplier<T> question) throws InterruptedException {
        while (true) {
            try {
                return question.get();
            } catch (IndexUnavailableException e) {
                LOG.warn("the index does not answer, waiting", e);
                Thread.sleep(RETRY_MILLIS);
            }
        }
    }

    @Override
    public void close() {
        if (client != null) {
            client.close();
            client = null;
        }
    }
}
