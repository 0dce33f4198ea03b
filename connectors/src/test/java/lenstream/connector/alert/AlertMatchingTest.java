package lenstream.connector.alert;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.List;
import lenstream.connector.command.TakedownState;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.core.alert.AlertRule;
import lenstream.core.alert.ImageFilter;
import lenstream.core.command.Command;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import lenstream.core.index.IndexLayout;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.co.CoBroadcastWithNonKeyedOperator;
import org.apache.flink.streaming.util.TwoInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AlertMatchingTest {
    private static final IndexLayout LAYOUT = IndexLayout.withPrefix("alerts");
    private static final String SPACE = "lensmini-1-00000000";
    private static final String ALERT = "0123456789abcdef0123456789abcdef";
    private static final String NEAR = "https://a.test/near.png";
    private static final String FAR = "https://a.test/far.png";

    @Test
    void anImageThatIsNearBecomesOneDocumentHoweverOftenItComes() throws Exception {
        try (var harness = open(null)) {
            harness.processElement1(batch(1_000), 0);
            assertThat(written(harness)).as("nobody has asked yet").isEmpty();
            harness.processElement2(put(), 0);
            harness.processElement1(batch(2_000), 0);
            harness.processElement1(batch(2_000), 0);
            List<BulkEntry> written = written(harness);
            assertThat(written).extracting(BulkEntry::index).containsOnly("alerts-matches");
            assertThat(written)
                    .extracting(BulkEntry::id)
                    .containsOnly(ImageId.ofUrl(ALERT + " " + ImageId.ofUrl(NEAR)));
            assertThat(written).extracting(BulkEntry::version).containsExactly(2_000L, 2_000L);
            assertThat(new ObjectMapper()
                            .readTree(written.getFirst().json())
                            .path("url")
                            .asText())
                    .isEqualTo(NEAR);
        }
    }

    @Test
    void alertsAndTakedownsAreRememberedAndEndWhenTheyAreCalledBack() throws Exception {
        OperatorSubtaskState state;
        try (var harness = open(null)) {
            harness.processElement2(put(), 0);
            harness.processElement2(Command.of("takedown-1", Command.Kind.TAKEDOWN, NEAR, null, 1), 0);
            harness.processElement1(batch(1_000), 0);
            assertThat(written(harness)).as("what is taken down is no match").isEmpty();
            state = harness.snapshot(1, 1);
        }
        try (var harness = open(state)) {
            harness.processElement1(batch(2_000), 0);
            assertThat(written(harness)).as("restored, too").isEmpty();
            harness.processElement2(Command.of("takedown-1", Command.Kind.TAKEDOWN_REVOKE, NEAR, null, 2), 0);
            harness.processElement1(batch(3_000), 0);
            assertThat(written(harness)).as("the alert was restored").hasSize(1);
            harness.processElement2(AlertRule.delete(ALERT, SPACE, 3), 0);
            harness.processElement1(batch(4_000), 0);
            assertThat(written(harness)).hasSize(1);
            state = harness.snapshot(2, 2);
        }
        try (var harness = open(state)) {
            harness.processElement1(batch(5_000), 0);
            assertThat(written(harness)).as("deleted stays deleted").isEmpty();
        }
    }

    @Test
    void anAlertOfANewerProgramStopsNobody() throws Exception {
        try (var harness = open(null)) {
            Command mine = put();
            harness.processElement2(
                    new Command(
                            "alert-x",
                            mine.kind(),
                            "x",
                            0.5,
                            SPACE,
                            new float[] {1, 0},
                            "{\"alert\":\"x\",\"filter\":{\"smell\":[\"good\"]}}",
                            1,
                            1),
                    0);
            harness.processElement2(mine, 0);
            harness.processElement1(batch(1_000), 0);
            assertThat(written(harness)).hasSize(1);
        }
    }

    private static TwoInputStreamOperatorTestHarness<ArrowBatch, Command, BulkEntry> open(
            @Nullable OperatorSubtaskState state) throws Exception {
        var operator = new CoBroadcastWithNonKeyedOperator<>(
                new AlertMatching(LAYOUT, null), List.of(AlertState.ALERTS, TakedownState.TAKEDOWNS));
        var harness = new TwoInputStreamOperatorTestHarness<>(operator);
        if (state != null) {
            harness.initializeState(state);
        }
        harness.open();
        return harness;
    }

    private static List<BulkEntry> written(TwoInputStreamOperatorTestHarness<?, ?, BulkEntry> harness) {
        return harness.extractOutputValues();
    }

    private static Command put() {
        return new AlertRule(ALERT, SPACE, new float[] {1, 0}, 0.9, ImageFilter.NONE).put("a name", 1);
    }

    /** One image that is near the alert, one that is not, one that was rejected. */
    private static ArrowBatch batch(long version) {
        try (var allocator = new RootAllocator()) {
            var rejected = EmbeddedImage.rejected(
                    fetched("https://a.test/bad.png", version), null, Stage.DECODE, Reason.CORRUPT, "cut short");
            return ArrowBatch.of(
                    List.of(image(NEAR, version, 1, 0), rejected, image(FAR, version, 0, 1)), SPACE, 2, allocator);
        }
    }

    private static EmbeddedImage image(String url, long version, float... embedding) {
        return EmbeddedImage.embedded(fetched(url, version), "image/png", 64, 48, 1, embedding, null, null);
    }

    private static FetchedImage fetched(String url, long version) {
        byte[] bytes = url.getBytes(StandardCharsets.UTF_8);
        var target = new CrawlTarget(
                url, "a.test", "https://a.test/", null, null, null, null, null, null, 1, 1, CrawlTarget.PUSH);
        return new FetchedImage(target, bytes, ImageId.sha256(bytes), version);
    }
}
