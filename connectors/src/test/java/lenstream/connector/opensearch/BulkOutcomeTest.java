package lenstream.connector.opensearch;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import lenstream.connector.opensearch.BulkOutcome.Fatal;
import lenstream.connector.opensearch.BulkOutcome.Reject;
import lenstream.connector.opensearch.BulkOutcome.Retry;
import lenstream.connector.opensearch.BulkOutcome.Stale;
import lenstream.connector.opensearch.BulkOutcome.Written;
import org.junit.jupiter.api.Test;

/** The bodies are OpenSearch's own. */
class BulkOutcomeTest {
    @Test
    void writtenItemsAreWritten() throws Exception {
        assertThat(outcome("{\"index\":{\"status\":201}}")).isEqualTo(new Written());
        assertThat(outcome("{\"index\":{\"status\":200}}")).isEqualTo(new Written());
    }

    @Test
    void deletingWhatIsNotThereIsSuccess() throws Exception {
        assertThat(outcome("{\"delete\":{\"status\":404}}")).isEqualTo(new Written());
    }

    @Test
    void anOlderVersionIsStale() throws Exception {
        assertThat(
                        outcome(
                                "{\"index\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\","
                                        + "\"reason\":\"[a]: version conflict, current version [5] is higher than the one provided [4]\"}}}"))
                .isEqualTo(new Stale());
    }

    @Test
    void aBusyClusterIsWaitedFor() throws Exception {
        assertThat(outcome("{\"index\":{\"status\":429,\"error\":{\"type\":\"rejected_execution_exception\","
                        + "\"reason\":\"queue full\"}}}"))
                .isEqualTo(new Retry(429, "rejected_execution_exception", true));
        assertThat(outcome("{\"index\":{\"status\":503,\"error\":{\"type\":\"unavailable_shards_exception\","
                        + "\"reason\":\"primary shard is not active\"}}}"))
                .isEqualTo(new Retry(503, "unavailable_shards_exception", true));
    }

    @Test
    void aBlockedIndexIsWaitedFor() throws Exception {
        assertThat(
                        outcome(
                                "{\"index\":{\"status\":403,\"error\":{\"type\":\"cluster_block_exception\","
                                        + "\"reason\":\"index [i] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];\"}}}"))
                .isEqualTo(new Retry(403, "cluster_block_exception", true));
    }

    @Test
    void anInternalErrorIsRetriedWithALimit() throws Exception {
        assertThat(outcome("{\"index\":{\"status\":500,\"error\":{\"type\":\"exception\",\"reason\":\"x\"}}}"))
                .isInstanceOfSatisfying(
                        Retry.class, retry -> assertThat(retry.busy()).isFalse());
    }

    @Test
    void aBadDocumentIsRejectedWithItsReason() throws Exception {
        assertThat(outcome("{\"index\":{\"status\":400,\"error\":{\"type\":\"mapper_parsing_exception\","
                        + "\"reason\":\"failed to parse field [embedding]\"}}}"))
                .isEqualTo(new Reject(400, "mapper_parsing_exception: failed to parse field [embedding]"));
    }

    @Test
    void missingIndexAndRefusedUserAreFatal() throws Exception {
        assertThat(outcome("{\"index\":{\"status\":404,\"error\":{\"type\":\"index_not_found_exception\","
                        + "\"reason\":\"no such index [x]\"}}}"))
                .isInstanceOf(Fatal.class);
        assertThat(BulkOutcome.of(401, "", "Unauthorized")).isInstanceOf(Fatal.class);
    }

    private static BulkOutcome outcome(String item) throws Exception {
        return BulkOutcome.ofItem(new ObjectMapper().readTree(item));
    }
}
