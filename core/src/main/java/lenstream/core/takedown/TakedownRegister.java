package lenstream.core.takedown;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
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
    private static final String PICTURE = "picture";

    private final IndexClient client;
    private final IndexLayout layout;
    private final CommandLog log;
    private final Removal removal;
    private final ReceiptKey key;
    private final Sealing pictures;
    private final String index;

    public TakedownRegister(IndexClient client, IndexLayout layout, ReceiptKey key) {
        this.client = client;
        this.layout = layout;
        this.log = new CommandLog(client, layout);
        this.removal = new Removal(client, layout);
        this.key = key;
        this.pictures = new Sealing(key, "lenstream take-down pictures");
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
                asked(by, reason, subject),
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

    private String asked(String by, @Nullable String reason, TakedownSubject subject) {
        ObjectNode asked = JsonNodeFactory.instance.objectNode().put("by", by);
        byte[] picture = subject.picture();
        if (picture != null) { // nobody who reads the log sees what was taken down
            asked.put(PICTURE, Base64.getEncoder().encodeToString(pictures.seal(picture, subject.text())));
        }
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
        List<Command> log = Takedowns.read(this.log);
        Command before = log.stream()
                .filter(command -> command.key().equals(id))
                .findFirst()
                .orElseThrow(() -> new IndexException("the log lacks the take-down " + id));
        for (Command other : log) { // the same in other spaces
            if (isSameLikeness(before, other)
                    && other.kind() == Kind.TAKEDOWN
                    && !other.key().equals(id)) {
                revoke(other, by);
            }
        }
        return Optional.of(revoke(before, by));
    }

    private static boolean isSameLikeness(Command one, Command other) {
        return one.vector() != null
                && other.vector() != null
                && one.subject().equals(other.subject())
                && one.threshold() == other.threshold();
    }

    private ObjectNode revoke(Command before, String by) {
        var command = new Command(
                before.key(),
                Kind.TAKEDOWN_REVOKE,
                before.subject(),
                before.threshold(),
                before.fingerprint(),
                before.vector(),
                asked(by, null, TakedownSubject.of(before)),
                System.currentTimeMillis(),
                Command.NO_POSITION);
        log.append(command);
        return finish(command);
    }

    /** Makes the vector of a picture in the space that take-downs are carried to. */
    public interface PictureEncoder {
        /** The vector, unit length; empty if this is no image for it. */
        Optional<float[]> vector(byte[] picture);
    }

    /**
     * Puts what looks alike in force in another space, too, from the copy of the picture that was kept; the threshold stays. What
     * is in force there already, or was revoked there since, is left as it is. May be repeated.
     *
     * @param fingerprint of the space
     * @return the subjects of those that cannot be carried: no copy was kept of them, or another key sealed it
     */
    public List<String> carry(String fingerprint, PictureEncoder encoder) {
        List<Command> all = Takedowns.read(log);
        var left = new ArrayList<String>();
        for (Command one : all) {
            if (one.kind() == Kind.TAKEDOWN
                    && one.vector() != null
                    && !fingerprint.equals(one.fingerprint())
                    && all.stream().noneMatch(other -> isCarried(one, other, fingerprint))) {
                Optional<byte[]> picture = picture(one);
                Optional<float[]> vector = picture.flatMap(encoder::vector);
                if (vector.isPresent()) {
                    JsonNode asked = asked(one);
                    takeDown(
                            TakedownSubject.similar(one.subject(), fingerprint, vector.get(), one.threshold())
                                    .withPicture(picture.get()),
                            asked.path("by").asText("unknown"),
                            asked.hasNonNull("reason") ? asked.get("reason").asText() : null);
                } else {
                    left.add(one.subject());
                }
            }
        }
        return left;
    }

    private static boolean isCarried(Command one, Command other, String fingerprint) {
        return fingerprint.equals(other.fingerprint())
                && isSameLikeness(one, other)
                && (other.kind() == Kind.TAKEDOWN || other.issuedAtMillis() >= one.issuedAtMillis());
    }

    private Optional<byte[]> picture(Command takedown) {
        String sealed = asked(takedown).path(PICTURE).asText("");
        try {
            return sealed.isEmpty()
                    ? Optional.empty()
                    : Optional.of(pictures.open(Base64.getDecoder().decode(sealed), takedown.subject()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
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
