package lenstream.core.takedown;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import lenstream.core.command.CommandLog;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.takedown.Removal.Removed;
import org.jspecify.annotations.Nullable;

/**
 * Takes down, revokes, and keeps a signed receipt of each. First the command is in the log, so that no running job can
 * write what is removed next; a job that does not run reads it when it starts. Then the indices are emptied of what it
 * covers. Then the receipt is kept. Whoever was interrupted may ask again: the same subject is the same take-down; and what
 * nobody asks for again is brought to its end by {@link UnfinishedTakedowns}. Thread-safe; blocks.
 */
public final class TakedownRegister {
    private static final int MOST = 10_000;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final IndexClient client;
    private final IndexLayout layout;
    private final CommandLog log;
    private final Removal removal;
    private final ReceiptKey key;
    private final String index;

    public TakedownRegister(IndexClient client, IndexLayout layout, ReceiptKey key) {
        this.client = client;
        this.layout = layout;
        this.log = new CommandLog(client, layout);
        this.removal = new Removal(client, layout);
        this.key = key;
        this.index = layout.takedownIndex();
    }

    /**
     * Takes down. When this returns, no search finds it.
     *
     * @param by who asked, for the receipt
     * @param reason why, for the receipt; null for none
     * @return the entry of the register, with its receipts
     * @throws IndexException if the index refuses or does not answer; asking again goes on where it stopped
     */
    public ObjectNode takeDown(TakedownSubject subject, String by, @Nullable String reason) {
        var command = new Command(
                subject.id(),
                Kind.TAKEDOWN,
                subject.text(),
                subject.threshold(),
                subject.fingerprint(),
                subject.vector(),
                asked(by, reason),
                System.currentTimeMillis(),
                Command.NO_POSITION);
        log.append(command);
        return finish(command);
    }

    /**
     * Does what follows once a take-down or its revocation stands in the log. May be repeated; each time signs another
     * receipt.
     *
     * @return the entry with its receipts
     */
    ObjectNode finish(Command command) {
        boolean takesDown = command.kind() == Kind.TAKEDOWN;
        Removed removed = takesDown ? removal.of(command) : Removed.NOTHING;
        JsonNode asked = asked(command);
        return keep(
                command,
                takesDown ? "takedown" : "revocation",
                asked.path("by").asText("unknown"),
                asked.hasNonNull("reason") ? asked.get("reason").asText() : null,
                removed);
    }

    /** Whether what follows from a command was done, or from a later one of its key. */
    boolean isFinished(Command command) {
        return get(command.key())
                .filter(entry ->
                        Instant.parse(entry.path("issued").asText()).toEpochMilli() >= command.issuedAtMillis())
                .isPresent();
    }

    private static String asked(String by, @Nullable String reason) {
        ObjectNode asked = JsonNodeFactory.instance.objectNode().put("by", by);
        if (reason != null) {
            asked.put("reason", reason);
        }
        return asked.toString();
    }

    private static JsonNode asked(Command command) {
        try {
            return command.body() == null ? JsonNodeFactory.instance.missingNode() : JSON.readTree(command.body());
        } catch (JsonProcessingException e) {
            throw new IndexException("the log holds a take-down that cannot be read: " + command.key(), e);
        }
    }

    /**
     * Revokes. A later crawl may bring back what was removed; nothing comes back by itself.
     *
     * @return the entry with its receipts; empty if there is no such take-down
     */
    public Optional<ObjectNode> revoke(String id, String by) {
        Optional<ObjectNode> entry = get(id);
        if (entry.isEmpty()) {
            return Optional.empty();
        }
        Command before = find(id).orElseThrow(() -> new IndexException("the log lacks the take-down " + id));
        var command = new Command(
                id,
                Kind.TAKEDOWN_REVOKE,
                before.subject(),
                before.threshold(),
                before.fingerprint(),
                before.vector(),
                asked(by, null),
                System.currentTimeMillis(),
                Command.NO_POSITION);
        log.append(command);
        return Optional.of(finish(command));
    }

    /** The entry of this id with its receipts. */
    public Optional<ObjectNode> get(String id) {
        IndexAnswer answer = client.send("GET", "/" + index + "/_doc/" + id, null);
        return answer.status() == 404
                ? Optional.empty()
                : Optional.of((ObjectNode) client.required(answer).path("_source"));
    }

    /** Every entry, the newest first. */
    public List<ObjectNode> all() {
        ObjectNode search = JsonNodeFactory.instance.objectNode().put("size", MOST);
        search.putArray("sort").addObject().put("issued", "desc");
        IndexAnswer answer = client.send("POST", "/" + index + "/_search", search);
        var found = new ArrayList<ObjectNode>();
        if (answer.status() != 404) {
            client.required(answer).at("/hits/hits").forEach(hit -> found.add((ObjectNode) hit.path("_source")));
        }
        return found;
    }

    private Optional<Command> find(String id) {
        return Takedowns.read(log).stream()
                .filter(command -> command.key().equals(id))
                .findFirst();
    }

    private ObjectNode keep(Command command, String event, String by, @Nullable String reason, Removed removed) {
        String id = command.key();
        TakedownSubject subject = TakedownSubject.of(command);
        ObjectNode said = JsonNodeFactory.instance
                .objectNode()
                .put("id", id)
                .put("event", event)
                .put("scope", subject.scope().name().toLowerCase(Locale.ROOT))
                .put("subject", subject.text());
        if (subject.vector() != null) {
            said.put("threshold", subject.threshold()).put("fingerprint", subject.fingerprint());
        }
        said.put("issued", Instant.ofEpochMilli(command.issuedAtMillis()).toString())
                .put("by", by);
        if (reason != null) {
            said.put("reason", reason);
        }
        said.putObject("removed")
                .put("images", removed.images())
                .put("thumbnails", removed.thumbnails())
                .put("dead_letters", removed.deadLetters());
        ObjectNode entry = get(id).orElseGet(JsonNodeFactory.instance::objectNode);
        ArrayNode receipts = entry.withArray("receipts");
        receipts.add(key.sign(said));
        said.properties().forEach(field -> {
            if (!field.getKey().equals("event")) {
                entry.set(field.getKey(), field.getValue());
            }
        });
        entry.put("state", event.equals("takedown") ? "in_force" : "revoked");
        IndexSetup.create(client, index, layout.takedownIndexBody());
        client.required(client.send("PUT", "/" + index + "/_doc/" + id + "?refresh=true", entry));
        return entry;
    }
}
