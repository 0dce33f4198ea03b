package lenstream.core.command;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import lenstream.core.command.Command.Kind;
import lenstream.core.image.CrawlTarget;
import lenstream.core.index.Field;
import org.jspecify.annotations.Nullable;

/**
 * The command to fetch one image again as if nothing were known of its bytes, so that it goes through decoding and
 * embedding once more. It carries the context in which the image was found, for a job that knows nothing of it.
 */
public final class Recrawl {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Recrawl() {}

    /** A later one of the same image takes the place of one that no job has read yet. */
    public static Command of(CrawlTarget target, long nowMillis) {
        ObjectNode body = JsonNodeFactory.instance
                .objectNode()
                .put(Field.HOST, target.host())
                .put(Field.SITE, target.site())
                .put(Field.PAGE_URL, target.pageUrl())
                .put(Field.TITLE, target.title())
                .put(Field.ALT, target.alt())
                .put(Field.CAPTION, target.caption())
                .put(Field.CREDIT, target.credit())
                .put(Field.LICENSE, target.license())
                .put(Field.PUBLISHED, target.publishedAtMillis())
                .put(Field.VIA, target.via());
        return Command.of("recrawl-" + target.id(), Kind.RECRAWL, target.url(), body.toString(), nowMillis);
    }

    /** What is to be fetched, found at the time of the command; empty for another command. */
    public static Optional<CrawlTarget> target(Command command) {
        String body = command.body();
        if (command.kind() != Kind.RECRAWL || body == null) {
            return Optional.empty();
        }
        try {
            JsonNode json = JSON.readTree(body);
            return Optional.of(new CrawlTarget(
                    command.subject(),
                    json.path(Field.HOST).asText(),
                    json.path(Field.SITE).asText(),
                    text(json, Field.PAGE_URL),
                    text(json, Field.TITLE),
                    text(json, Field.ALT),
                    text(json, Field.CAPTION),
                    text(json, Field.CREDIT),
                    text(json, Field.LICENSE),
                    json.path(Field.PUBLISHED).asLong(CrawlTarget.UNKNOWN_TIME),
                    command.issuedAtMillis(),
                    json.path(Field.VIA).asText()));
        } catch (JsonProcessingException e) {
            return Optional.empty(); // a command that nobody of ours wrote
        }
    }

    private static @Nullable String text(JsonNode json, String field) {
        return json.hasNonNull(field) ? json.get(field).asText() : null;
    }
}
