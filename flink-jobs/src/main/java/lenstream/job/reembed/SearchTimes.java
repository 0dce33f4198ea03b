package lenstream.job.reembed;

import com.fasterxml.jackson.databind.JsonNode;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexUnavailableException;

/**
 * How many searches an index has answered and how long they took, told to a {@link Pace} about once a second. Confined to
 * one thread; blocks for a small request. Borrows the client.
 */
final class SearchTimes {
    private static final long PERIOD_NANOS = 1_000_000_000;

    private final IndexClient client;
    private final String index;
    private long lookedNanos;
    private long searches = -1;
    private long millis;

    SearchTimes(IndexClient client, String index) {
        this.client = client;
        this.index = index;
    }

    /** Looks if it is time to. An index that does not answer says nothing. */
    void tell(Pace pace, long nowNanos) {
        if (searches >= 0 && nowNanos - lookedNanos < PERIOD_NANOS) {
            return;
        }
        lookedNanos = nowNanos;
        try {
            IndexAnswer answer = client.send("GET", "/" + index + "/_stats/search", null);
            if (answer.ok()) {
                JsonNode search = answer.json().at("/_all/total/search");
                long total = search.path("query_total").asLong();
                long took = search.path("query_time_in_millis").asLong();
                if (searches >= 0 && total >= searches) { // a shard that moved begins to count anew
                    pace.observe(total - searches, took - millis);
                }
                searches = total;
                millis = took;
            }
        } catch (IndexUnavailableException e) {
            searches = Math.max(searches, 0); // who embeds next waits for it anyway
        }
    }
}
