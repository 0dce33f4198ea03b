package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Keeps the one {@link SpacePlan} of an installation in an index of its own, and beside it a sign of life of each process
 * that follows it. Thread-safe; blocking; does not own its client.
 */
public final class SpacePlans {
    /** A sign of life older than this belongs to a process that is gone. */
    public static final long BEAT_LIMIT_MILLIS = 20_000;

    private static final String PLAN = "plan";
    private static final String BEAT = "beat-";
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final IndexClient client;
    private final String index;

    public SpacePlans(IndexClient client, IndexLayout layout) {
        this.client = client;
        this.index = layout.spaceIndex();
    }

    /** A plan and the state of its document, without which it cannot be replaced. */
    public record Kept(SpacePlan plan, long sequence, long term) {}

    /**
     * A sign of life.
     *
     * @param process unique
     * @param kind {@code job} or {@code api}
     * @param fingerprints of the spaces that it writes to, or that it can search
     * @param problem why it does not do what the plan says; empty if it does
     */
    public record Beat(String process, String kind, List<String> fingerprints, long atMillis, String problem) {}

    /** Makes the index where it is absent. */
    public void prepare() {
        ObjectNode body = JSON.objectNode();
        body.putObject("settings").put("number_of_shards", 1).put("auto_expand_replicas", "0-1");
        body.putObject("mappings").put("dynamic", false);
        IndexAnswer answer = client.send("PUT", "/" + index, body);
        if (!answer.ok() && !answer.errorType().equals("resource_already_exists_exception")) {
            throw refused("create " + index, answer);
        }
    }

    /** The present plan; empty if there never was a move. */
    public Optional<Kept> read() {
        IndexAnswer answer = client.send("GET", "/" + index + "/_doc/" + PLAN, null);
        if (answer.status() == 404) {
            return Optional.empty();
        }
        if (!answer.ok()) {
            throw refused("read the plan", answer);
        }
        JsonNode found = answer.json();
        JsonNode plan = found.path("_source");
        return Optional.of(new Kept(
                new SpacePlan(
                        SpacePlan.Phase.valueOf(plan.path("phase").asText()),
                        space(plan.path("from")),
                        space(plan.path("to")),
                        plan.path("started").asLong(),
                        plan.path("changed").asLong(),
                        plan.path("owner").asText(""),
                        plan.path("owned_until").asLong(),
                        plan.path("note").asText("")),
                found.path("_seq_no").asLong(),
                found.path("_primary_term").asLong()));
    }

    /**
     * Replaces the plan, if it is still the one that was read.
     *
     * @param before what was read; empty if there was none
     * @throws IndexException if another process was quicker
     */
    public Kept write(SpacePlan plan, Optional<Kept> before) {
        ObjectNode body = JSON.objectNode()
                .put("phase", plan.phase().name())
                .put("started", plan.startedMillis())
                .put("changed", plan.changedMillis())
                .put("owner", plan.owner())
                .put("owned_until", plan.ownedUntilMillis())
                .put("note", plan.note());
        body.set("from", json(plan.from()));
        body.set("to", json(plan.to()));
        String condition = before.map(b -> "if_seq_no=" + b.sequence() + "&if_primary_term=" + b.term())
                .orElse("op_type=create");
        IndexAnswer answer = client.send("PUT", "/" + index + "/_doc/" + PLAN + "?" + condition, body);
        if (answer.status() == 409) {
            throw new IndexException(
                    "another process changed the move to another encoder meanwhile: see ./lenstream reembed --status");
        }
        if (!answer.ok()) {
            throw refused("write the plan", answer);
        }
        JsonNode written = answer.json();
        return new Kept(
                plan,
                written.path("_seq_no").asLong(),
                written.path("_primary_term").asLong());
    }

    /** Leaves a sign of life. */
    public void beat(Beat beat) {
        ObjectNode body = JSON.objectNode()
                .put("kind", beat.kind())
                .put("at", beat.atMillis())
                .put("problem", beat.problem());
        beat.fingerprints().forEach(body.putArray("fingerprints")::add);
        client.send("PUT", "/" + index + "/_doc/" + BEAT + beat.process(), body);
    }

    /** A process that ends takes its sign of life with it. */
    public void gone(String process) {
        client.send("DELETE", "/" + index + "/_doc/" + BEAT + process, null);
    }

    /** The processes that were alive a moment ago. */
    public List<Beat> alive(long nowMillis) {
        client.send("POST", "/" + index + "/_refresh", null);
        IndexAnswer answer =
                client.send("POST", "/" + index + "/_search", JSON.objectNode().put("size", 1_000));
        if (!answer.ok()) {
            throw refused("read who is alive", answer);
        }
        var beats = new ArrayList<Beat>();
        for (JsonNode hit : answer.json().at("/hits/hits")) {
            String id = hit.path("_id").asText();
            JsonNode source = hit.path("_source");
            if (id.startsWith(BEAT) && source.path("at").asLong() > nowMillis - BEAT_LIMIT_MILLIS) {
                var fingerprints = new ArrayList<String>();
                source.path("fingerprints").forEach(f -> fingerprints.add(f.asText()));
                beats.add(new Beat(
                        id.substring(BEAT.length()),
                        source.path("kind").asText(),
                        fingerprints,
                        source.path("at").asLong(),
                        source.path("problem").asText("")));
            }
        }
        return beats;
    }

    private static ObjectNode json(Space space) {
        return JSON.objectNode().put("fingerprint", space.fingerprint()).put("bundle", space.bundle());
    }

    private static Space space(JsonNode json) {
        return new Space(json.path("fingerprint").asText(), json.path("bundle").asText());
    }

    private IndexException refused(String what, IndexAnswer answer) {
        return new IndexException("OpenSearch at " + client.url() + " does not let us " + what + " (" + answer.status()
                + "): " + answer.text());
    }
}
