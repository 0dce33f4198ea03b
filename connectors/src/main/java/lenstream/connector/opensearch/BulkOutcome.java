package lenstream.connector.opensearch;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;

/** What OpenSearch did with one item of a bulk request. */
sealed interface BulkOutcome {
    /**
     * Faults of a moment, whatever status they carry: an overloaded node, a shard on its way, a full disk or a read-only
     * index, an index that somebody closed.
     */
    Set<String> PASSING = Set.of(
            "rejected_execution_exception",
            "opensearch_rejected_execution_exception",
            "circuit_breaking_exception",
            "cluster_block_exception",
            "unavailable_shards_exception",
            "illegal_index_shard_state_exception",
            "index_shard_closed_exception",
            "index_closed_exception",
            "shard_not_found_exception",
            "shard_not_in_primary_mode_exception",
            "no_longer_primary_shard_exception",
            "node_closed_exception",
            "node_not_connected_exception",
            "process_cluster_event_timeout_exception");

    /** The document is as the item says: written, deleted, or deleted already. */
    record Written() implements BulkOutcome {}

    /** A newer version is there (409 with {@code external_gte}); nothing was to do. */
    record Stale() implements BulkOutcome {}

    /**
     * Not now.
     *
     * @param status of the item or the request; 0 if no answer came
     * @param busy whether the cluster is overloaded, blocked or away, which says nothing about the item
     */
    record Retry(int status, String type, boolean busy) implements BulkOutcome {}

    /** The item itself is at fault. */
    record Reject(int status, String reason) implements BulkOutcome {}

    /** The set-up is at fault: no item can succeed. */
    record Fatal(int status, String reason) implements BulkOutcome {}

    /** The outcome of one element of {@code items}. */
    static BulkOutcome ofItem(JsonNode item) {
        JsonNode result = item.elements().next();
        JsonNode error = result.path("error");
        String cause = error.at("/caused_by/reason").asText("");
        String reason = error.path("reason").asText("") + (cause.isEmpty() ? "" : ": " + cause);
        int status = result.path("status").asInt();
        String type = error.path("type").asText("");
        if (item.has("update") && (status == 400 || status == 409 || type.equals("document_missing_exception"))) {
            return new Retry(status, type + ": " + reason, false); // what it changes is still on its way, perhaps
        }
        return of(status, type, reason);
    }

    /**
     * Classifies an item's or a request's status.
     *
     * @param type of the error; empty if there is none
     */
    static BulkOutcome of(int status, String type, String reason) {
        if (status >= 200 && status < 300 || status == 404 && type.isEmpty()) {
            return new Written();
        }
        if (PASSING.contains(type)) {
            return new Retry(status, type, true);
        }
        String why = type + ": " + reason;
        return switch (status) {
            case 409 -> new Stale();
            case 429, 502, 503, 504 -> new Retry(status, type, true);
            case 401, 403 ->
                new Fatal(status, "OpenSearch refuses this user (" + why + "): check user, password and rights");
            case 404 ->
                new Fatal(status, "an index is missing (" + why + "): start with IndexSetup, as the commands do");
            default -> status >= 500 ? new Retry(status, why, false) : new Reject(status, why);
        };
    }
}
