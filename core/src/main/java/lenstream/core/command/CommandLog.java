package lenstream.core.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import lenstream.core.command.Command.Kind;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.IndexTail;
import org.jspecify.annotations.Nullable;

/**
 * The commands in OpenSearch, as a log that any number of programs append to and any number of jobs follow.
 *
 * <p>The position of a command is its place in the index, see {@link IndexTail}: a reader misses none, whoever writes at
 * the same time. A later command of the same key replaces the earlier one. An index that was deleted or restored has another
 * identity, and a reader begins it at its first command.
 *
 * <p>Thread-safe. Blocking. Borrows the client.
 */
public final class CommandLog {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final IndexClient client;
    private final IndexLayout layout;
    private final String index;
    private final IndexTail tail;

    public CommandLog(IndexClient client, IndexLayout layout) {
        this.client = client;
        this.layout = layout;
        this.index = layout.commandIndex();
        this.tail = new IndexTail(client, index);
    }

    /**
     * Where a reader stands. Immutable.
     *
     * @param log identity of the index; empty before the first one was seen
     * @param number of the last command that was read
     */
    public record Position(String log, long number) {
        /** Before everything. */
        public static final Position START = new Position("", Command.NO_POSITION);
    }

    /**
     * Some commands in order. Immutable.
     *
     * @param next where to go on; everything before it was read
     * @param more whether there was more to read at once
     */
    public record Page(List<Command> commands, Position next, boolean more) {
        public Page {
            commands = List.copyOf(commands);
        }
    }

    /**
     * Appends in this order. A repetition under the same keys is harmless.
     *
     * @return the position of the last one
     * @throws IndexException if the index refuses one
     * @throws lenstream.core.index.IndexUnavailableException if no answer came; the commands may stand in the log
     */
    public long append(List<Command> commands) {
        IndexSetup.create(client, index, layout.commandIndexBody()); // else a first write would guess a mapping
        var bulk = new ByteArrayOutputStream();
        for (Command command : commands) {
            ObjectNode action = JSON.objectNode();
            action.putObject("index").put("_id", command.key());
            bulk.writeBytes((action + "\n" + json(command) + "\n").getBytes(UTF_8));
        }
        IndexAnswer answer = client.bulk("/" + index + "/_bulk", bulk.toByteArray());
        long last = Command.NO_POSITION;
        for (JsonNode item : client.required(answer).path("items")) {
            JsonNode result = item.path("index");
            if (result.path("status").asInt() >= 300) {
                throw new IndexException("OpenSearch at " + client.url() + " refuses the command "
                        + result.path("_id").asText() + ": " + result.path("error"));
            }
            last = Math.max(last, result.path("_seq_no").asLong());
        }
        return last;
    }

    /** As {@link #append(List)}. */
    public long append(Command command) {
        return append(List.of(command));
    }

    /**
     * The commands after a position, oldest first. An index that does not exist holds none.
     *
     * @param limit of commands at once, 1 to 10,000
     */
    public Page read(Position after, int limit) {
        IndexTail.Page page = tail.read(new IndexTail.Position(after.log(), after.number()), limit);
        return new Page(
                page.hits().stream().map(CommandLog::command).toList(),
                new Position(page.next().identity(), page.next().number()),
                page.more());
    }

    /**
     * Forgets commands of a kind that were given before this moment. A job that has not read them by now never will.
     *
     * @return how many
     */
    public long prune(Kind kind, Instant before) {
        ObjectNode body = JSON.objectNode();
        var all = body.putObject("query").putObject("bool").putArray("filter");
        all.addObject().putObject("term").put("kind", kind.name());
        all.addObject().putObject("range").putObject("issued").put("lt", before.toString());
        IndexAnswer answer = client.send("POST", "/" + index + "/_delete_by_query?conflicts=proceed", body);
        return answer.status() == 404
                ? 0
                : client.required(answer).path("deleted").asLong();
    }

    private static ObjectNode json(Command command) {
        ObjectNode json = JSON.objectNode()
                .put("key", command.key())
                .put("kind", command.kind().name())
                .put("subject", command.subject())
                .put("issued", command.issuedAtMillis());
        float[] vector = command.vector();
        if (vector != null) {
            json.put("threshold", command.threshold())
                    .put("fingerprint", command.fingerprint())
                    .put("vector", base64(vector));
        }
        if (command.body() != null) {
            json.put("body", command.body());
        }
        return json;
    }

    private static Command command(JsonNode hit) {
        JsonNode json = hit.path("_source");
        String vector = text(json, "vector");
        return new Command(
                json.path("key").asText(),
                Kind.valueOf(json.path("kind").asText()),
                json.path("subject").asText(),
                json.path("threshold").asDouble(),
                text(json, "fingerprint"),
                vector == null ? null : floats(vector),
                text(json, "body"),
                json.path("issued").asLong(),
                hit.path("_seq_no").asLong());
    }

    private static @Nullable String text(JsonNode json, String field) {
        return json.hasNonNull(field) ? json.get(field).asText() : null;
    }

    private static String base64(float[] vector) {
        ByteBuffer bytes = ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(vector);
        return Base64.getEncoder().encodeToString(bytes.array());
    }

    private static float[] floats(String base64) {
        ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(base64)).order(ByteOrder.LITTLE_ENDIAN);
        var vector = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(vector);
        return vector;
    }
}
