package lenstream.connector.crawl;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import lenstream.connector.fetch.FetchConfig;
import lenstream.connector.fetch.VisitOperatorFactory;
import lenstream.core.command.Command;
import lenstream.core.config.DataSize;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Rejection;
import lenstream.core.web.WebConfig;
import lenstream.gallery.GallerySite;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Metric;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Source and visit operator as a job wires them, against the gallery's web site. */
@Timeout(120)
class CrawlJobTest {
    private static final InMemoryReporter METRICS = InMemoryReporter.createWithRetainedMetrics();

    @RegisterExtension
    static final MiniClusterExtension FLINK = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(4)
            .setConfiguration(METRICS.addToConfiguration(new Configuration()))
            .build());

    private static final Command NO_COMMAND = Command.of("none", Command.Kind.RECRAWL, "nothing", null, 0);
    private static final Queue<FetchedImage> IMAGES = new ConcurrentLinkedQueue<>();
    private static final Queue<Rejection> REJECTIONS = new ConcurrentLinkedQueue<>();

    @TempDir
    Path savepoints;

    @BeforeEach
    void forget() {
        IMAGES.clear();
        REJECTIONS.clear();
    }

    @AfterEach
    void forgetAgain() {
        forget();
    }

    @Test
    void everyImageOfTheGalleryIsFetchedOnceWithItsContext() throws Exception {
        try (GallerySite site = GallerySite.open(gallery(), 0, Integer.MAX_VALUE, false)) {
            JobClient job = submit(FrontierSource.once(seeds(site)), null, 1);
            awaitDry(job.getJobID(), 1);
            job.cancel().get(30, TimeUnit.SECONDS);
            assertThat(IMAGES)
                    .extracting(image -> image.target().url())
                    .containsExactlyInAnyOrderElementsOf(site.published().stream()
                            .map(picture -> site.uriOf(picture).toString())
                            .toList());
            assertThat(IMAGES)
                    .allSatisfy(image -> assertThat(image.target().alt()).isNotBlank());
            for (var closed : site.closedToRobots()) {
                assertThat(site.requests(closed.getPath())).isEmpty();
            }
            assertThat(site.requests())
                    .filteredOn(request -> request.path().startsWith("/images/"))
                    .hasSize(site.published().size());
        }
    }

    @Test
    void aSecondCrawlDownloadsOnlyWhatIsNewOrChanged() throws Exception {
        try (GallerySite site = GallerySite.open(gallery(), 0, 60, false)) {
            Seeds seeds = seeds(site);
            JobClient first = submit(FrontierSource.once(seeds), null, 2);
            awaitDry(first.getJobID(), 2);
            String savepoint = stop(first);
            assertThat(IMAGES).hasSize(60);
            int before = site.requests().size();

            forget();
            JobClient second = submit(FrontierSource.once(seeds), savepoint, 1); // another parallelism too
            awaitDry(second.getJobID(), 1);
            String again = stop(second);
            assertThat(IMAGES).isEmpty();
            assertThat(REJECTIONS).isEmpty();
            var asked = site.requests().subList(before, site.requests().size());
            assertThat(asked)
                    .filteredOn(request -> request.path().startsWith("/images/"))
                    .allMatch(request -> request.status() == 304);
            assertThat(asked.stream()
                            .collect(Collectors.groupingBy(GallerySite.Request::path, Collectors.counting()))
                            .values())
                    .allMatch(count -> count == 1);

            forget();
            site.publish(5);
            site.replace(site.published().get(3), new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff, 7}, "image/jpeg");
            JobClient third = submit(FrontierSource.once(seeds), again, 1);
            awaitDry(third.getJobID(), 1);
            stop(third);
            assertThat(IMAGES).hasSize(6);
        }
    }

    @Test
    void changedSeedsAndASavepointKeepAllThatIsKnown() throws Exception {
        try (GallerySite stays = GallerySite.open(gallery(), 0, 20, false);
                GallerySite leaves = GallerySite.open(gallery(), 0, 10, false);
                GallerySite comes = GallerySite.open(gallery(), 0, 5, false)) {
            String savepoint = crawl(seeds("{url: '" + stays.uri() + "'}, {url: '" + leaves.uri() + "'}"), null);
            assertThat(IMAGES).hasSize(30);

            int before = leaves.requests().size();
            String changed = "{url: '" + stays.uri() + "', interval: 7s, exclude: ['/no/such/**'], max_images: 50},"
                    + " {url: '" + comes.uri() + "'}";
            String next = crawl(seeds(changed), savepoint);
            assertThat(IMAGES)
                    .as("of what was there nothing is downloaded again")
                    .hasSize(5)
                    .allMatch(image -> image.target().site().equals(comes.uri().toString()));
            assertThat(leaves.requests()).as("it is no longer a seed").hasSize(before);

            crawl(seeds("{url: '" + leaves.uri() + "'}"), next);
            assertThat(IMAGES).as("what was known of it was kept").isEmpty();
            assertThat(REJECTIONS).isEmpty();
        }
    }

    /** One round, from its start to its savepoint. */
    private String crawl(Seeds seeds, @Nullable String savepoint) throws Exception {
        forget();
        JobClient job = submit(FrontierSource.once(seeds), savepoint, 1);
        awaitDry(job.getJobID(), 1);
        return stop(job);
    }

    @Test
    void aFollowedSiteGivesItsNewImagesWithinItsInterval() throws Exception {
        try (GallerySite site = GallerySite.open(gallery(), 0, 40, false)) {
            JobClient job = submit(FrontierSource.follow(seeds(site)), null, 1);
            await(() -> IMAGES.size() == 40);
            site.publish(4);
            await(() -> IMAGES.size() == 44);
            job.cancel().get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void hostileAnswersAreRejectedWithTheirReasonAndStopNothing() throws Exception {
        try (GallerySite site = GallerySite.open(gallery(), 0, 10, true)) {
            JobClient job = submit(FrontierSource.once(seeds(site)), null, 1);
            awaitDry(job.getJobID(), 1);
            job.cancel().get(30, TimeUnit.SECONDS);
            Map<String, String> reasons = REJECTIONS.stream()
                    .collect(Collectors.toMap(
                            rejection -> rejection.target().url(),
                            rejection -> rejection.stage() + " " + rejection.reason(),
                            (first, second) -> second));
            assertThat(site.hostile())
                    .isNotEmpty()
                    .filteredOn(hostile -> hostile.stage().equals("FETCH"))
                    .allSatisfy(hostile -> assertThat(reasons)
                            .as(hostile.path())
                            .containsEntry(
                                    site.uri().resolve(hostile.path()).toString(),
                                    hostile.stage() + " " + hostile.reason()));
            assertThat(IMAGES)
                    .extracting(image -> image.target().url())
                    .containsAll(site.hostile().stream()
                            .filter(hostile -> hostile.indexed())
                            .map(hostile -> site.uri().resolve(hostile.path()).toString())
                            .toList());
        }
    }

    /** Autoscalers read this metric of the source and of what stands behind it. */
    @Test
    void whatWaitsIsReportedAsPendingRecords() throws Exception {
        try (GallerySite site = GallerySite.open(gallery(), 0, 20, false)) {
            Seeds slow = seeds(site).withFetch(seeds(site).fetch().withMinDelay(Duration.ofSeconds(1)));
            JobClient job = submit(FrontierSource.once(slow), null, 1);
            await(() -> pending(job.getJobID()).equals(2L)); // resources to be read, and images to be fetched
            job.cancel().get(30, TimeUnit.SECONDS);

            JobClient quick = submit(FrontierSource.once(seeds(site)), null, 1);
            awaitDry(quick.getJobID(), 1);
            await(() -> metrics(quick.getJobID(), "pendingRecords").size() == 2 && pending(quick.getJobID()) == 0);
            quick.cancel().get(30, TimeUnit.SECONDS);
        }
    }

    /** How many operators report something to do. */
    private static Long pending(JobID job) {
        return metrics(job, "pendingRecords").stream()
                .filter(metric -> ((Gauge<?>) metric).getValue() instanceof Long records && records > 0)
                .count();
    }

    private JobClient submit(FrontierSource source, @Nullable String savepoint, int parallelism) throws Exception {
        var settings = new Configuration();
        settings.set(PipelineOptions.GENERIC_TYPES, false);
        settings.set(PipelineOptions.OBJECT_REUSE, true);
        if (savepoint != null) {
            settings.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
        }
        var env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.configure(settings);
        env.setParallelism(parallelism);
        env.setMaxParallelism(128);
        var targets = env.fromSource(
                        source, WatermarkStrategy.noWatermarks(), "frontier", TypeInformation.of(CrawlTarget.class))
                .uid("frontier");
        var commands = env.fromData(TypeInformation.of(Command.class), NO_COMMAND);
        var fetched = targets.keyBy(CrawlTarget::host, Types.STRING)
                .connect(commands.broadcast())
                .transform(
                        "visit",
                        TypeInformation.of(FetchedImage.class),
                        new VisitOperatorFactory(source.seeds().fetch(), true))
                .uid("visit");
        targets.getTransformation().setCoLocationGroupKey("hosts");
        fetched.getTransformation().setCoLocationGroupKey("hosts");
        fetched.map(image -> {
                    IMAGES.add(image);
                    return image;
                })
                .uid("images")
                .returns(FetchedImage.class)
                .sinkTo(new DiscardingSink<>());
        fetched.getSideOutput(VisitOperatorFactory.REJECTIONS)
                .map(rejection -> {
                    REJECTIONS.add(rejection);
                    return rejection;
                })
                .uid("rejections")
                .returns(Rejection.class)
                .sinkTo(new DiscardingSink<>());
        return env.executeAsync("crawl");
    }

    private String stop(JobClient job) throws Exception {
        return job.stopWithSavepoint(false, savepoints.toUri().toString(), SavepointFormatType.CANONICAL)
                .get(60, TimeUnit.SECONDS);
    }

    private static Seeds seeds(GallerySite site) {
        return seeds("{url: '" + site.uri() + "', interval: 1s}");
    }

    /** @param sites as they stand in the file */
    private static Seeds seeds(String sites) {
        var web = WebConfig.defaults()
                .withAllowPrivate(List.of("127.0.0.0/8"))
                .withMaxBytes(DataSize.ofMebibytes(30))
                .withTotalTimeout(Duration.ofSeconds(2));
        var file = lenstream.core.config.ConfigReader.parse(
                "seeds",
                "sites: [" + sites + "]\nnetwork: {allow_private: [127.0.0.0/8], min_delay: 0}",
                SeedsFile.class);
        return Seeds.of("seeds", file)
                .withFetch(FetchConfig.defaults()
                        .withWeb(web)
                        .withMinDelay(Duration.ZERO)
                        .withAttempts(2)
                        .withBackoff(Duration.ofMillis(100)));
    }

    private static void awaitDry(JobID job, int readers) throws Exception {
        await(() -> {
            var dry = metrics(job, "lenstream_sites_dry");
            long visited = count(job, "lenstream_fetched")
                    + count(job, "lenstream_unchanged")
                    + count(job, "lenstream_fetch_rejected")
                    + count(job, "lenstream_visit_merged");
            return dry.size() == readers
                    && dry.stream()
                            .allMatch(metric -> ((Gauge<?>) metric).getValue().equals(1))
                    && count(job, "lenstream_found") == visited;
        });
    }

    private static long count(JobID job, String name) {
        return metrics(job, name).stream()
                .mapToLong(metric -> ((Counter) metric).getCount())
                .sum();
    }

    private static List<Metric> metrics(JobID job, String name) {
        return new ArrayList<>(METRICS.findMetrics(job, name).values());
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(Condition condition) throws Exception {
        Instant end = Instant.now().plusSeconds(60);
        while (!condition.holds()) {
            assertThat(Instant.now()).as("within the time limit").isBefore(end);
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    private static Path gallery() {
        return Path.of(System.getProperty("lenstream.root"), "gallery");
    }
}
