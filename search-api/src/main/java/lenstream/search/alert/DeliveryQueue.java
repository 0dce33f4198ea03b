package lenstream.search.alert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.IndexTail;

/**
 * The deliveries in their index, where they outlast this process, and the note of who is at work and how far it has read
 * the matches. One process of the API holds that note at a time; every other stands by and takes over when it is not
 * renewed. Thread-safe but for {@link #hold} and {@link #readTo}, which one thread calls. Blocks. Borrows the client.
 */
final class DeliveryQueue {
    private static final String NOTE = "reader";
    private static final long LEASE_MILLIS = 20_000;
    private static final long RENEWAL_MILLIS = 10_000;
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final IndexClient client;
    private final IndexLayout layout;
    private final String index;
    private final String owner = UUID.randomUUID().toString();

    private IndexTail.Position position = IndexTail.Position.START;
    private long heldUntilMillis;
    private long sequence;
    private long term;

    DeliveryQueue(IndexClient client, IndexLayout layout) {
        this.client = client;
        this.layout = layout;
        this.index = layout.deliveryIndex();
    }

    /** Takes or renews the right to work; false while another process has it. */
    boolean hold(long nowMillis) {
        if (heldUntilMillis - nowMillis > LEASE_MILLIS - RENEWAL_MILLIS) {
            return true;
        }
        IndexSetup.create(client, index, layout.deliveryIndexBody());
        IndexAnswer answer = client.send("GET", "/" + index + "/_doc/" + NOTE, null);
        if (answer.status() == 404) {
            return write(IndexTail.Position.START, nowMillis, "op_type=create");
        }
        JsonNode found = client.required(answer);
        JsonNode note = found.path("_source");
        boolean free =
                note.path("owner").asText().equals(owner) || note.path("until").asLong() <= nowMillis;
        if (!free) {
            heldUntilMillis = 0;
            return false;
        }
        var read = new IndexTail.Position(
                note.path("log").asText(""), note.path("number").asLong(IndexTail.Position.START.number()));
        return write(
                read,
                nowMillis,
                "if_seq_no=" + found.path("_seq_no").asLong() + "&if_primary_term="
                        + found.path("_primary_term").asLong());
    }

    /** How far the matches were read. Only while {@link #hold} says true. */
    IndexTail.Position position() {
        return position;
    }

    /** Notes how far the matches were read; false if another process has taken over. */
    boolean readTo(IndexTail.Position next, long nowMillis) {
        return next.equals(position) || write(next, nowMillis, "if_seq_no=" + sequence + "&if_primary_term=" + term);
    }

    /** Lets the next process begin at once. */
    void release() {
        if (heldUntilMillis > 0) {
            write(position, -LEASE_MILLIS, "if_seq_no=" + sequence + "&if_primary_term=" + term);
            heldUntilMillis = 0;
        }
    }

    private boolean write(IndexTail.Position read, long nowMillis, String condition) {
        ObjectNode note = JSON.objectNode()
                .put("owner", owner)
                .put("until", nowMillis + LEASE_MILLIS)
                .put("log", read.identity())
                .put("number", read.number());
        IndexAnswer answer = client.send("PUT", "/" + index + "/_doc/" + NOTE + "?" + condition, note);
        if (answer.status() == 409) {
            heldUntilMillis = 0;
            return false;
        }
        JsonNode written = client.required(answer);
        sequence = written.path("_seq_no").asLong();
        term = written.path("_primary_term").asLong();
        position = read;
        heldUntilMillis = nowMillis + LEASE_MILLIS;
        return true;
    }

    /** Which of these events a delivery tells of already. */
    Set<String> known(List<String> events) {
        ObjectNode search = JSON.objectNode().put("size", 10_000).put("track_total_hits", false);
        search.putArray("_source").add("events");
        ArrayNode wanted = search.putObject("query").putObject("terms").putArray("events");
        events.forEach(wanted::add);
        var known = new HashSet<String>();
        search(search).forEach(source -> source.path("events").forEach(event -> known.add(event.asText())));
        return known;
    }

    /** Adds new deliveries; they are found when this returns. */
    void add(List<Delivery> deliveries, long nowMillis) {
        if (deliveries.isEmpty()) {
            return;
        }
        var bulk = new StringBuilder();
        for (Delivery delivery : deliveries) {
            bulk.append("{\"index\":{\"_id\":\"")
                    .append(delivery.id())
                    .append("\"}}\n")
                    .append(delivery.json(nowMillis))
                    .append('\n');
        }
        JsonNode answer = client.required(
                client.bulk("/" + index + "/_bulk?refresh=true", bulk.toString().getBytes(StandardCharsets.UTF_8)));
        if (answer.path("errors").asBoolean()) {
            throw new IndexException("OpenSearch at " + client.url() + " refuses deliveries: " + answer.path("items"));
        }
    }

    /** Deliveries whose time has come, the longest due first. */
    List<Delivery> due(long nowMillis, int most) {
        ObjectNode search = JSON.objectNode().put("size", most).put("track_total_hits", false);
        ArrayNode filter = search.putObject("query").putObject("bool").putArray("filter");
        filter.addObject().putObject("term").put("state", Delivery.State.PENDING.word());
        filter.addObject()
                .putObject("range")
                .putObject("next")
                .put("lte", Instant.ofEpochMilli(nowMillis).toString());
        search.putArray("sort").addObject().put("next", "asc");
        return search(search).stream().map(Delivery::of).toList();
    }

    /** Writes how far one is. One whose alert was deleted meanwhile is not brought back. */
    void settle(Delivery delivery, long nowMillis) {
        ObjectNode change = JSON.objectNode();
        change.set("doc", delivery.json(nowMillis));
        IndexAnswer answer = client.send("POST", "/" + index + "/_update/" + delivery.id() + "?refresh=true", change);
        if (answer.status() != 404) {
            client.required(answer);
        }
    }

    /** How many deliveries of an alert are in a state. */
    long count(String alert, Delivery.State state) {
        ObjectNode body = JSON.objectNode();
        ArrayNode filter = body.putObject("query").putObject("bool").putArray("filter");
        filter.addObject().putObject("term").put(Field.ALERT, alert);
        filter.addObject().putObject("term").put("state", state.word());
        return count(body);
    }

    /** How many are on their way, of all alerts. */
    long pending() {
        ObjectNode body = JSON.objectNode();
        body.putObject("query").putObject("term").put("state", Delivery.State.PENDING.word());
        return count(body);
    }

    private long count(ObjectNode body) {
        IndexAnswer answer = client.send("POST", "/" + index + "/_count", body);
        return answer.status() == 404
                ? 0
                : client.required(answer).path("count").asLong();
    }

    /** The delivery of an alert that changed last and was refused. */
    Optional<Delivery> lastRefused(String alert) {
        ObjectNode search = JSON.objectNode().put("size", 20).put("track_total_hits", false);
        search.putObject("query").putObject("term").put(Field.ALERT, alert);
        search.putArray("sort").addObject().put("changed", "desc");
        return search(search).stream()
                .map(Delivery::of)
                .filter(delivery -> delivery.error() != null)
                .findFirst();
    }

    /** Forgets those that ended before this moment. */
    void prune(Instant before) {
        ObjectNode body = JSON.objectNode();
        var bool = body.putObject("query").putObject("bool");
        bool.putArray("filter")
                .addObject()
                .putObject("range")
                .putObject("changed")
                .put("lt", before.toString());
        bool.putArray("must_not").addObject().putObject("term").put("state", Delivery.State.PENDING.word());
        IndexAnswer answer = client.send(
                "POST", "/" + index + "/_delete_by_query?conflicts=proceed&wait_for_completion=false", body);
        if (answer.status() != 404) {
            client.required(answer);
        }
    }

    private List<JsonNode> search(ObjectNode body) {
        var sources = new ArrayList<JsonNode>();
        IndexAnswer answer = client.send("POST", "/" + index + "/_search", body);
        if (answer.status() != 404) {
            client.required(answer).at("/hits/hits").forEach(hit -> sources.add(hit.path("_source")));
        }
        return sources;
    }
}
