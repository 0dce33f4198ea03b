package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.local.LocalFlinkCluster;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.takedown.TakedownSubject;
import lenstream.websim.Oracle;
import lenstream.websim.SimImage;
import lenstream.websim.SimPlan;
import lenstream.websim.SimServer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * What a crawl on a standalone cluster of two or three TaskManagers survives: the product as it is, its processes killed
 * outright, on a simulated web whose server counts every request. After each case the index must equal the oracle's, no
 * host may have been asked early, and no image may have been sent more often than once and once more for each fault.
 *
 * <p>Some ten minutes on two cores, so only with {@code -Dlenstream.faults=true}.
 */
@Tag("faults")
@EnabledIfSystemProperty(
        named = "lenstream.faults",
        matches = "true",
        disabledReason = "minutes of its own; see PERFORMANCE.md")
@TestInstance(Lifecycle.PER_CLASS)
@TestMethodOrder(OrderAnnotation.class)
class ClusterFaultsIT {
    private static final Path WORK = Path.of("target/it/faults").toAbsolutePath();
    private static final Path ROOT = LauncherProcess.ROOT;
    private static final long SEED = Long.getLong("lenstream.seed", 7);
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final Duration DELAY = Duration.ofMillis(250);
    private static final int INTERRUPTED = 130;
    private static final Pattern SAVEPOINT = Pattern.compile("savepoint: (\\S+)");

    private LocalOpenSearch node;
    private LocalFlinkCluster cluster;

    @BeforeAll
    void up() throws IOException {
        DemoIT.delete(WORK);
        Files.createDirectories(WORK);
        node = LocalOpenSearch.start(
                LocalOpenSearch.Config.of(ROOT.resolve("infra/opensearch/target/opensearch"), WORK.resolve("node"))
                        .withHeap("512m"),
                line -> {});
        cluster = LocalFlinkCluster.start(
                LocalFlinkCluster.Config.of(ROOT.resolve("infra/flink/target/flink"), WORK.resolve("flink"))
                        .withTaskManagers(2)
                        .withHighlyAvailable(true),
                line -> {});
    }

    @AfterAll
    void down() {
        if (cluster != null) {
            cluster.close();
        }
        if (node != null) {
            node.close();
        }
    }

    @Test
    @Order(1)
    void aTaskManagerIsKilled() throws Exception {
        try (SimServer web = SimServer.numbered(plan())) {
            var run = new Run("taskmanager", web);
            try (LauncherProcess crawl = run.crawl(2)) {
                awaitDownloads(web, 0.3, crawl);
                long start = System.nanoTime();
                kill(cluster.taskManagerPids().getFirst());
                cluster.addTaskManager(line -> {});
                finish(crawl);
                run.assertRight(1, 1, start);
            }
        }
    }

    /**
     * As often as {@code -Dlenstream.kills} says, each time at another moment, be it in the middle of the first checkpoint. The
     * TaskManager answers nobody for up to a second before it dies, as one does that is out of memory: whoever has asked it
     * for metrics waits, and with them everybody who wants metrics from Flink.
     */
    @Test
    @Order(1)
    void aTaskManagerIsKilledAtAnyMoment() throws Exception {
        var random = new Random(SEED);
        for (int kill = 1; kill <= Integer.getInteger("lenstream.kills", 1); kill++) {
            double share = random.nextDouble(0.65);
            long mute = random.nextLong(1_000);
            SimPlan small = SimPlan.small(SEED + kill).withSize(15, 8, 20).withDelay(DELAY);
            try (SimServer web = SimServer.numbered(small)) {
                var run = new Run("kill-" + kill, web);
                try (LauncherProcess crawl = run.crawl(2)) {
                    awaitDownloads(web, share, crawl);
                    List<Long> alive = cluster.taskManagerPids();
                    long victim = alive.get(random.nextInt(alive.size()));
                    long start = System.nanoTime();
                    signal("STOP", victim);
                    TimeUnit.MILLISECONDS.sleep(mute);
                    kill(victim);
                    cluster.addTaskManager(line -> {});
                    finish(crawl);
                    System.out.printf(Locale.ROOT, "killed after %.2f of the images, mute for %d ms: ", share, mute);
                    run.assertRight(1, 1, start);
                }
            }
        }
    }

    /** Accepted by a server that died before it removed anything; then a TaskManager dies as well. */
    @Test
    @Order(2)
    void aTaskManagerIsKilledThatHasHeardOfATakedown() throws Exception {
        try (SimServer web = SimServer.numbered(plan())) {
            var run = new Run("takedown", web);
            try (LauncherProcess crawl = run.crawl(2)) {
                awaitDownloads(web, 0.3, crawl);
                await(() -> run.documents() > 0, "a first image", crawl);
                run.takeDownTheHostWithMost();
                long start = System.nanoTime();
                TimeUnit.MILLISECONDS.sleep(900); // the log is looked at twice a second
                kill(cluster.taskManagerPids().getFirst());
                cluster.addTaskManager(line -> {});
                finish(crawl);
                run.assertRight(1, 1, start);
            }
        }
    }

    @Test
    @Order(2)
    void theJobManagerIsKilled() throws Exception {
        try (SimServer web = SimServer.numbered(plan())) {
            var run = new Run("jobmanager", web);
            try (LauncherProcess crawl = run.crawl(2)) {
                awaitDownloads(web, 0.3, crawl);
                long start = System.nanoTime();
                kill(cluster.jobManagerPid());
                cluster.replaceJobManager(line -> {});
                finish(crawl);
                run.assertRight(1, 1, start);
            }
        }
    }

    @Test
    @Order(3)
    void fromTwoSubtasksToThreeAndBackAndANewProgram() throws Exception {
        cluster.addTaskManager(line -> {});
        // slower than the encoder, so that a stop finds little on its way and leaves much to do
        SimPlan slow = plan().withSize(20, 10, 40).withDelay(Duration.ofMillis(400));
        try (SimServer web = SimServer.numbered(slow)) {
            var run = new Run("rescale", web);
            String savepoint = "";
            int stops = 0;
            for (int parallelism : List.of(2, 3)) {
                long indexed = run.documents();
                try (LauncherProcess crawl = run.crawl(parallelism, savepoint)) {
                    await(() -> run.documents() >= indexed + 100, "100 images more than " + indexed, crawl);
                    crawl.interrupt();
                    assertThat(crawl.await(LIMIT)).as(crawl.err()).isEqualTo(INTERRUPTED);
                    savepoint = savepoint(crawl);
                    stops++;
                    System.out.printf("stopped %d subtasks with %d images indexed%n", parallelism, run.documents());
                }
            }
            long start = System.nanoTime();
            try (LauncherProcess crawl = run.crawl(2, savepoint)) {
                finish(crawl);
                savepoint = savepoint(crawl);
            }
            run.assertRight(1, stops, start);

            // an upgrade is a stop and a start with another jar; everything known comes along
            long sent = web.downloads();
            web.beginRound(2);
            start = System.nanoTime();
            try (LauncherProcess crawl = run.crawl(3, savepoint)) {
                finish(crawl);
            }
            run.assertRight(2, stops, start);
            assertThat(web.downloads() - sent)
                    .as("only what is new or changed is sent again")
                    .isLessThan(sent / 3);
        }
    }

    /** 30 hosts and some 900 images that take about a minute at the hosts' pace. */
    private static SimPlan plan() {
        return SimPlan.small(SEED).withSize(20, 10, 30).withDelay(DELAY);
    }

    private static void finish(LauncherProcess crawl) throws InterruptedException {
        assertThat(crawl.await(LIMIT)).as(crawl.err()).isZero();
    }

    private static String savepoint(LauncherProcess crawl) {
        Matcher line = SAVEPOINT.matcher(crawl.err());
        assertThat(line.find()).as(crawl.err()).isTrue();
        return line.group(1);
    }

    private static void signal(String name, long pid) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                        .start()
                        .waitFor())
                .isZero();
    }

    private static void kill(long pid) throws IOException, InterruptedException {
        signal("KILL", pid);
        ProcessHandle.of(pid)
                .ifPresent(process ->
                        process.onExit().orTimeout(20, TimeUnit.SECONDS).join());
    }

    /** Waits until a share of the images has been sent. */
    private static void awaitDownloads(SimServer web, double share, LauncherProcess crawl) throws InterruptedException {
        await(() -> web.downloads() >= share * web.web().images(), "a share of " + share, crawl);
    }

    private static void await(BooleanSupplier condition, String what, LauncherProcess crawl)
            throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(crawl.isAlive()).as(crawl.err()).isTrue();
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    /** One web, one index. */
    private final class Run {
        private final String name;
        private final SimServer web;
        private final IndexLayout layout;
        private final Path seeds;
        private int submissions;
        private String down = "";

        Run(String name, SimServer web) throws IOException {
            this.name = name;
            this.web = web;
            this.layout = IndexLayout.withPrefix(name);
            String sites = IntStream.range(0, web.web().plan().sites())
                    .mapToObj(site -> "{url: \"" + web.web().seed(site) + "\"}")
                    .collect(Collectors.joining(", "));
            this.seeds = Files.writeString(WORK.resolve(name + ".yaml"), """
                    sites: [%s]
                    network: {allow_private: ["127.0.0.0/8"], min_delay: %dms, contact: "https://lenstream.example/test"}
                    limits: {timeout: 20s}
                    """.formatted(
                            sites, web.web().plan().delay().toMillis()));
        }

        LauncherProcess crawl(int parallelism) {
            return crawl(parallelism, "");
        }

        LauncherProcess crawl(int parallelism, String savepoint) {
            submissions++;
            String[] words = {
                "crawl",
                seeds.toString(),
                "--opensearch",
                node.uri().toString(),
                "--data",
                WORK.resolve("data").toString(),
                "--prefix",
                name,
                "--cluster",
                "127.0.0.1:" + cluster.restPort(),
                "--parallelism",
                Integer.toString(parallelism)
            };
            if (savepoint.isEmpty()) {
                return LauncherProcess.start(WORK, words);
            }
            String[] more = java.util.Arrays.copyOf(words, words.length + 2);
            more[words.length] = "--savepoint";
            more[words.length + 1] = savepoint;
            return LauncherProcess.start(WORK, more);
        }

        /** Images in the index as it can be searched now; 0 before there is one. */
        long documents() {
            try (IndexClient client =
                    IndexClient.open(OpenSearchConfig.at(node.uri().toString()))) {
                return IndexCounts.images(client, layout, IndexOracle.fingerprint());
            } catch (IndexUnavailableException e) {
                return 0;
            }
        }

        /** Of the host of which most is indexed now. */
        void takeDownTheHostWithMost() {
            down = indexed().keySet().stream()
                    .collect(Collectors.groupingBy(url -> URI.create(url).getAuthority(), Collectors.counting()))
                    .entrySet()
                    .stream()
                    .max(Map.Entry.comparingByValue())
                    .orElseThrow()
                    .getKey();
            try (IndexClient client =
                    IndexClient.open(OpenSearchConfig.at(node.uri().toString()))) {
                TakedownSubject subject = TakedownSubject.parse(down);
                new CommandLog(client, layout)
                        .append(Command.of(
                                subject.id(), Command.Kind.TAKEDOWN, subject.text(), null, System.currentTimeMillis()));
            }
        }

        private boolean isDown(String url) {
            return !down.isEmpty() && URI.create(url).getAuthority().equals(down);
        }

        /** @param faults how often the job was interrupted */
        void assertRight(int round, int faults, long since) {
            Map<String, String> indexed = indexed();
            var repeated = new HashMap<Integer, Integer>();
            for (SimImage image : web.web().all()) {
                int sent = web.downloads(image);
                repeated.merge(sent, 1, Integer::sum);
                // a second edition is sent once more; what is refused for its answer is asked for by every submission
                boolean isIn = indexed.containsKey(web.web().url(image));
                assertThat(sent).as("%s", image).isLessThanOrEqualTo((isIn ? round : submissions) + faults);
            }
            System.out.printf(
                    Locale.ROOT,
                    "%s, round %d: %d of %d images indexed, %d sent (images by times sent: %s), %.0f s since the last fault%n",
                    name,
                    round,
                    indexed.size(),
                    web.web().images(),
                    web.downloads(),
                    repeated,
                    (System.nanoTime() - since) / 1e9);
            assertThat(indexed.keySet()).as("what is taken down").noneMatch(this::isDown);
            assertThat(new Oracle(web.web()).differences(indexed, round, 1_000))
                    .filteredOn(difference -> !isDown(difference.substring(0, difference.indexOf(": "))))
                    .isEmpty();
            assertThat(web.offences()).isEmpty();
        }

        private Map<String, String> indexed() {
            try (var index = new IndexOracle(node.uri().toString(), layout)) {
                var images = new HashMap<String, String>();
                for (JsonNode hit : index.images()) {
                    images.put(
                            hit.path(Field.URL).asText(), hit.path(Field.SHA256).asText());
                }
                return images;
            }
        }
    }
}
