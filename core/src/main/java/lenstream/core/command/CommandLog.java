package lenstream.core.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletionException;
import lenstream.core.command.Command.Kind;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import org.jspecify.annotations.Nullable;

/**
 * The commands in OpenSearch, as a log that any number of programs append to and any number of jobs follow.
 *
 * <p>The position of a command is its {@code _seq_no}: the one primary shard of the index gives the numbers out in the
 * order in which it takes the writes, whatever the writers' clocks say. Two writes may become visible in another order
 * than they were numbered, so a reader first asks for the shard's global checkpoint (every number up to it has been
 * carried out and flushed on every copy in sync, and is never given out again), then refreshes, and reads up to the
 * checkpoint only: nothing can appear later below a position that was read. Numbers that deletions, replaced commands or
 * failed writes took are gaps and are passed over. An index that was deleted or restored has another identity, and a
 * reader begins it at its first command.
 *
 * <p>Thread-safe. Blocking. Borrows the client.
 */
public final class CommandLog {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final IndexClient client;
    private final IndexLayout layout;
    private final String index;

    public CommandLog(IndexClient client, IndexLayout layout) {
        this.client = client;
        this.layout = layout;
        this.index = layout.commandIndex();
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
        IndexAnswer answer = bulk(bulk.toByteArray());
        long last = Command.NO_POSITION;
        for (JsonNode item : required(answer).path("items")) {
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
        IndexAnswer stats = client.send("GET", "/" + index + "/_stats/docs?level=shards", null);
        if (stats.status() == 404) {
            return new Page(List.of(), after, false);
        }
        JsonNode found = required(stats).path("indices").path(index);
        String log = found.path("uuid").asText();
        long from = after.log().equals(log) ? after.number() : Command.NO_POSITION;
        long upTo = checkpoint(found);
        if (upTo <= from) {
            return new Page(List.of(), new Position(log, from), false);
        }
        required(client.send("POST", "/" + index + "/_refresh", null));
        ObjectNode search = JSON.objectNode().put("size", limit).put("seq_no_primary_term", true);
        search.putArray("sort").addObject().put("_seq_no", "asc");
        search.putObject("query")
                .putObject("range")
                .putObject("_seq_no")
                .put("gt", from)
                .put("lte", upTo);
        JsonNode hits = required(client.send("POST", "/" + index + "/_search?preference=_primary", search))
                .at("/hits/hits");
        var commands = new ArrayList<Command>();
        for (JsonNode hit : hits) {
            commands.add(command(hit));
        }
        boolean more = commands.size() == limit;
        return new Page(commands, new Position(log, more ? commands.getLast().position() : upTo), more);
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
        return answer.status() == 404 ? 0 : required(answer).path("deleted").asLong();
    }

    /** The greatest number below which none is missing; before the primary has started, none. */
    private static long checkpoint(JsonNode index) {
        for (JsonNode copy : index.at("/shards/0")) {
            if (copy.at("/routing/primary").asBoolean()) {
                return copy.at("/seq_no/global_checkpoint").asLong(Command.NO_POSITION);
            }
        }
        return Command.NO_POSITION;
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

    private IndexAnswer bulk(byte[] lines) {
        try {
            return client.sendAsync("POST", "/" + index + "/_bulk", lines, "application/x-ndjson")
                    .join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof IndexException own ? own : new IndexException("append to " + index, e);
        }
    }

    private JsonNode required(IndexAnswer answer) {
        if (!answer.ok()) {
            throw new IndexException(
                    "OpenSearch at " + client.url() + " answers " + answer.status() + ": " + answer.text());
        }
        return answer.json();
    }
}
