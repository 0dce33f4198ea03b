package lenstream.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import lenstream.websim.Fate;
import lenstream.websim.Oracle;
import lenstream.websim.SimImage;
import lenstream.websim.SimPlan;
import lenstream.websim.SimServer;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.test.junit5.InjectClusterRESTAddress;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * Crawls a web of simulated hosts over real HTTP, with the topology that runs in production, and compares the index with an
 * oracle that knows the web's formula and nothing of the crawler. Two parts are stand-ins, because decoding and embedding
 * 200,000 pictures takes hours on two cores: the embedding is one number ({@link OneNumberEmbedding}), and the index
 * is a map ({@link SimIndex}).
 *
 * <p>{@code -Dlenstream.websim=full} takes the large web instead of the small one, {@code -Dlenstream.seed=N} another one.
 */
class SimulatedWebTest {
    private static final int ROUNDS = 3;
    private static final int PARALLELISM = 2;
    /** Every second round runs with one subtask more: the state moves with its hosts and sites. */
    private static final int SLOTS = PARALLELISM + 1;

    @RegisterExtension
    static final MiniClusterExtension FLINK = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(SLOTS)
            .setConfiguration(JobSettings.fastMetrics())
            .build());

    private static final boolean FULL =
            System.getProperty("lenstream.websim", "small").equals("full");
    private static final long SEED = Long.getLong("lenstream.seed", 42);

    @TempDir
    Path folder;

    @BeforeEach
    void empty() {
        SimIndex.clear();
    }

    @Test
    void whatMustBeInIsInAndNothingElseAndNoHostIsPressed(@InjectClusterRESTAddress URI rest) throws Exception {
        try (SimServer server = SimServer.named(FULL ? SimPlan.full(SEED) : SimPlan.small(SEED))) {
            var oracle = new Oracle(server.web());
            var crawl = crawl(server, rest);
            for (int round = 1; round <= ROUNDS; round++) {
                round(crawl, server, round);
                assertThat(oracle.differences(SimIndex.images(), round, 20))
                        .as("index after round %d of seed %d", round, SEED)
                        .isEmpty();
                assertThat(server.offences()).as("round %d", round).isEmpty();
            }
        }
    }

    /** Nothing leads to these images any more, nor to the sites that closed: only their own visits tell. */
    @Test
    @EnabledIfSystemProperty(
            named = "lenstream.websim",
            matches = "full",
            disabledReason = "waits for most of a minute")
    void whatIsNamedNoMoreGoesByItsOwnVisits(@InjectClusterRESTAddress URI rest) throws Exception {
        SimPlan plan = SimPlan.small(SEED).withSize(12, 4, 25);
        Duration interval = Duration.ofSeconds(16); // a round must end within it
        try (SimServer server = SimServer.named(plan)) {
            var crawl = crawl(server, rest).revisiting(interval);
            for (int round = 1; round <= ROUNDS; round++) {
                round(crawl, server, round);
                TimeUnit.MILLISECONDS.sleep(interval.toMillis() + 500); // what is known is due in the next round
            }
            assertThat(new Oracle(server.web()).withRevisits().differences(SimIndex.images(), ROUNDS, 20))
                    .isEmpty();
            assertThat(server.web().all()).anyMatch(image -> image.fate() == Fate.VANISHED);
            assertThat(server.offences()).isEmpty();
        }
    }

    @Test
    void anUnchangedWebIsAskedOnceForEachResourceAndSendsNoImage(@InjectClusterRESTAddress URI rest) throws Exception {
        SimPlan plan = FULL
                ? SimPlan.full(SEED).withSize(300, 100, 95)
                : SimPlan.small(SEED).withSize(15, 5, 30);
        try (SimServer server = SimServer.named(plan.withCalm())) {
            var crawl = crawl(server, rest);
            round(crawl, server, 1);
            long downloads = server.downloads();
            assertThat(downloads).isEqualTo(server.web().images());
            assertThat(new Oracle(server.web()).differences(SimIndex.images(), 1, 20))
                    .isEmpty();
            long writes = SimIndex.writes();

            round(crawl, server, 2);
            assertThat(server.downloads() - downloads).as("images sent").isZero();
            assertThat(SimIndex.writes() - writes).as("documents written").isZero();
            assertThat(server.askedBeside())
                    .allSatisfy((url, times) -> assertThat(times).as(url).isEqualTo(1));
            for (SimImage image : server.web().all()) {
                assertThat(server.asked(image)).as(image.path()).isEqualTo(1);
            }
            assertThat(server.offences()).isEmpty();
        }
    }

    private SimCrawl crawl(SimServer server, URI rest) {
        return new SimCrawl(
                server, rest, folder, Duration.ofSeconds(FULL ? 10 : 1), Duration.ofMillis(FULL ? 100 : 10));
    }

    /** One round and its figures. */
    private static void round(SimCrawl crawl, SimServer server, int round) throws Exception {
        long start = System.nanoTime();
        long requests = server.requests();
        long downloads = server.downloads();
        Map<Integer, Long> before = server.statuses();
        CrawlCounts counts = crawl.round(round, round % 2 == 0 ? SLOTS : PARALLELISM);
        double seconds = (System.nanoTime() - start) / 1e9;
        var statuses = new ArrayList<String>();
        server.statuses()
                .forEach((status, count) -> statuses.add(status + ": " + (count - before.getOrDefault(status, 0L))));
        System.out.printf(
                Locale.ROOT,
                "web of %d hosts and %d images, round %d: %.1f s, %d requests (%.0f/s), %d images sent, found %d, fetched %d,"
                        + " unchanged %d, rejected %d, indexed %d; answers %s%n",
                server.web().hosts(),
                server.web().images(),
                round,
                seconds,
                server.requests() - requests,
                (server.requests() - requests) / seconds,
                server.downloads() - downloads,
                counts.found(),
                counts.fetched(),
                counts.unchanged(),
                counts.fetchRejected(),
                SimIndex.images().size(),
                String.join(", ", statuses));
    }
}
