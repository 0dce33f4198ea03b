package lenstream.connector.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import lenstream.connector.opensearch.BatchToEntries;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.connector.opensearch.GuardedEntries;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import lenstream.core.command.CommandLog;
import lenstream.core.command.CommandLog.Page;
import lenstream.core.command.CommandLog.Position;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.PixelRules;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.index.SpaceWatch;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.model.Fingerprint;
import lenstream.core.takedown.FollowedTakedowns;
import lenstream.core.takedown.LateRemoval;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.util.ProcessFunctionTestHarnesses;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command log and the source that tails it, with a real OpenSearch and real jobs. */
@Timeout(120)
class CommandSourceIT {
    private static final Queue<Command> SEEN = new ConcurrentLinkedQueue<>();

    private static final Fingerprint SPACE = new Fingerprint("lensmini-1-00000000");

    private static LocalOpenSearch node;
    private static IndexClient client;
    private static int tests;

    private IndexLayout layout = IndexLayout.defaults();
    private CommandLog log;

    @TempDir
    Path savepoints;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // closed in stop()
    static void start() throws Exception {
        Path root = Path.of(System.getProperty("lenstream.root", ".."));
        Path run = Files.createDirectories(Path.of("target/it"))
                .resolve("commands-" + ProcessHandle.current().pid());
        node = LocalOpenSearch.start(
                LocalOpenSearch.Config.of(root.resolve("infra/opensearch/target/opensearch"), run)
                        .withQuickStart(true),
                line -> {});
        client = IndexClient.open(OpenSearchConfig.at("http://127.0.0.1:" + node.httpPort()));
        IndexSetup.await(client, Duration.ofSeconds(60));
    }

    @AfterAll
    static void stop() {
        client.close();
        node.close();
    }

    @BeforeEach
    void aLogOfItsOwn() {
        tests++;
        layout = IndexLayout.withPrefix("commands-" + tests);
        log = new CommandLog(client, layout);
        SEEN.clear();
    }

    @Test
    void commandsComeBackInOrderWithAllTheySay() {
        var similar = new Command(
                "t:1",
                Kind.TAKEDOWN,
                "similar",
                0.93,
                "lensmini-1-00000000",
                new float[] {0.6f, -0.8f},
                "{\"reason\":\"x\"}",
                42,
                -1);
        log.append(similar);
        long last = log.append(List.of(push("p1"), push("p2")));
        Page page = log.read(Position.START, 10);
        assertThat(page.commands()).extracting(Command::key).containsExactly("t:1", "p1", "p2");
        assertThat(page.commands().getFirst())
                .usingRecursiveComparison()
                .isEqualTo(similar.at(page.commands().getFirst().position()));
        assertThat(page.commands().getLast().position()).isEqualTo(last);
        assertThat(log.read(page.next(), 10).commands()).isEmpty();
    }

    @Test
    void whatIsTakenDownBeforeAJobBeginsDoesNotPassItsFirstBatch() throws Exception {
        IndexSetup.prepare(client, layout, SPACE, 2, Duration.ofSeconds(30));
        log.append(Command.of("takedown-1", Kind.TAKEDOWN, "http://a.test/down.png", null, 1));
        var entries = new GuardedEntries(
                new BatchToEntries(layout, PixelRules.NONE),
                new SpaceWatch.Where(OpenSearchConfig.at("http://127.0.0.1:" + node.httpPort()), layout));
        try (var harness = ProcessFunctionTestHarnesses.forBroadcastProcessFunction(entries, TakedownState.TAKEDOWNS)) {
            harness.processElement(batch("http://a.test/down.png", "http://a.test/up.png"), 0);
            assertThat(harness.extractOutputValues())
                    .filteredOn(entry -> layout.isImageIndex(entry.index()))
                    .extracting(BulkEntry::id)
                    .containsExactly(ImageId.ofUrl("http://a.test/up.png"));
        }
    }

    @Test
    void whatOvertookATakedownIsRemovedWhenTheWorkHasEnded() {
        IndexSetup.prepare(client, layout, SPACE, 2, Duration.ofSeconds(30));
        var followed = new FollowedTakedowns(log);
        assertThat(followed.now().covers("http://a.test/late.png")).isEmpty();
        long now = System.currentTimeMillis();
        log.append(List.of(
                Command.of("takedown-1", Kind.TAKEDOWN, "http://a.test/late.png", null, now),
                Command.of("takedown-2", Kind.TAKEDOWN, "http://a.test/kept.png", null, now - 3_600_000),
                Command.of("takedown-3", Kind.TAKEDOWN_REVOKE, "http://a.test/back.png", null, now)));
        assertThat(followed.now().covers("http://a.test/late.png")).contains("takedown-1");
        assertThat(followed.now().covers("http://a.test/back.png")).isEmpty();
        for (String name : List.of("late", "kept", "back")) {
            String url = "http://a.test/" + name + ".png";
            String path = "/" + layout.imageIndex(SPACE) + "/_doc/" + ImageId.ofUrl(url)
                    + "?version_type=external&version=" + (now - 10_000);
            ObjectNode document = JsonNodeFactory.instance.objectNode();
            document.put("id", ImageId.ofUrl(url)).put("url", url).put("host", "a.test");
            document.putArray("embedding").add(1).add(0);
            assertThat(client.send("PUT", path, document).ok()).isTrue();
        }
        assertThat(LateRemoval.since(Instant.ofEpochMilli(now - 1_000), client, layout)
                        .images())
                .isEqualTo(1);
        assertThat(IndexCounts.images(client, layout, SPACE)).isEqualTo(2);
    }

    @Test
    void aLaterCommandOfTheSameKeyTakesTheEarlierOnesPlace() {
        log.append(List.of(push("a"), push("b")));
        Position before = log.read(Position.START, 10).next();
        log.append(push("a"));
        assertThat(log.read(before, 10).commands()).extracting(Command::key).containsExactly("a");
        assertThat(log.read(Position.START, 10).commands())
                .extracting(Command::key)
                .containsExactly("b", "a");
    }

    @Test
    void aReaderInPagesMissesNothingWhileManyWrite() throws Exception {
        int writers = 8;
        int each = 150;
        var threads = new ArrayList<Thread>();
        for (int w = 0; w < writers; w++) {
            int writer = w;
            threads.add(Thread.ofVirtual().start(() -> {
                for (int i = 0; i < each; i++) {
                    log.append(push(writer + "-" + i));
                }
            }));
        }
        var seen = new ArrayList<String>();
        Position position = Position.START;
        while (seen.size() < writers * each) { // the test's time-out ends it otherwise
            Page page = log.read(position, 37);
            page.commands().forEach(command -> seen.add(command.key()));
            position = page.next();
        }
        for (Thread thread : threads) {
            thread.join(Duration.ofSeconds(30));
        }
        assertThat(seen).doesNotHaveDuplicates().hasSize(writers * each);
        for (int w = 0; w < writers; w++) {
            String prefix = w + "-";
            assertThat(seen.stream().filter(key -> key.startsWith(prefix)))
                    .as("what one writer appended keeps its order")
                    .containsExactlyElementsOf(
                            IntStream.range(0, each).mapToObj(i -> prefix + i).toList());
        }
    }

    @Test
    void anIndexMadeAnewIsReadFromItsBeginning() {
        log.append(List.of(push("a"), push("b"), push("c")));
        Position old = log.read(Position.START, 10).next();
        client.send("DELETE", "/" + layout.commandIndex(), null);
        assertThat(log.read(old, 10).commands()).isEmpty();
        log.append(push("d"));
        assertThat(log.read(old, 10).commands()).extracting(Command::key).containsExactly("d");
    }

    @Test
    void prunedCommandsLeaveGapsThatReadersPass() {
        log.append(List.of(push("old"), Command.of("t", Kind.TAKEDOWN, "e.example", null, 1)));
        log.read(Position.START, 10);
        assertThat(log.prune(Kind.PUSH, Instant.now().plusSeconds(60))).isEqualTo(1);
        log.append(push("new"));
        assertThat(log.read(Position.START, 10).commands())
                .extracting(Command::key)
                .containsExactly("t", "new");
    }

    @Test
    void aJobGoesOnWhereItsSavepointStands() throws Exception {
        JobClient job = submit(null); // before there is an index at all
        log.append(List.of(push("a"), push("b")));
        await(() -> SEEN.size() == 2);
        String savepoint = job.stopWithSavepoint(false, savepoints.toUri().toString(), SavepointFormatType.NATIVE)
                .get(60, TimeUnit.SECONDS);
        log.append(push("c"));
        SEEN.clear();
        JobClient again = submit(savepoint);
        await(() -> !SEEN.isEmpty());
        log.append(push("d"));
        await(() -> SEEN.size() == 2);
        again.cancel().get(60, TimeUnit.SECONDS);
        assertThat(SEEN).extracting(Command::key).containsExactly("c", "d");
    }

    private JobClient submit(@org.jspecify.annotations.Nullable String savepoint) throws Exception {
        var settings = new Configuration();
        settings.set(PipelineOptions.GENERIC_TYPES, false);
        if (savepoint != null) {
            settings.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
        }
        var env = StreamExecutionEnvironment.createLocalEnvironment(1, settings);
        env.fromSource(
                        new CommandSource(OpenSearchConfig.at("http://127.0.0.1:" + node.httpPort()), layout, 50),
                        WatermarkStrategy.noWatermarks(),
                        "commands",
                        TypeInformation.of(Command.class))
                .uid("commands")
                .map(command -> {
                    SEEN.add(command);
                    return command;
                })
                .returns(Command.class)
                .uid("seen")
                .sinkTo(new DiscardingSink<>());
        return env.executeAsync("commands");
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
            java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
        }
    }

    private static Command push(String key) {
        return Command.of(key, Kind.PUSH, "https://e.example/" + key + ".jpg", null, System.currentTimeMillis());
    }

    private static ArrowBatch batch(String... urls) {
        var rows = new ArrayList<EmbeddedImage>();
        for (String url : urls) {
            var target = new CrawlTarget(
                    url, "a.test", "http://a.test/", null, null, null, null, null, null, 1, 1, CrawlTarget.PUSH);
            byte[] bytes = url.getBytes(StandardCharsets.UTF_8);
            rows.add(EmbeddedImage.embedded(
                    new FetchedImage(target, bytes, ImageId.sha256(bytes), 1),
                    "image/png",
                    64,
                    48,
                    1,
                    new float[] {1, 0},
                    null,
                    null));
        }
        try (var allocator = new RootAllocator()) {
            return ArrowBatch.of(rows, SPACE.value(), 2, allocator);
        }
    }
}
