package lenstream.connector.warc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import lenstream.connector.source.Arrival;
import lenstream.connector.source.SplitsAssigned;
import lenstream.core.config.ConfigException;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebConfig;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.ReaderInfo;
import org.apache.flink.api.connector.source.mocks.MockSplitEnumeratorContext;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class WarcSourceTest {
    @RegisterExtension
    static final MiniClusterExtension FLINK = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(2)
            .build());

    private static final byte[] JPEG = {(byte) 0xff, (byte) 0xd8, (byte) 0xff, 1, 2, 3};
    private static final WebConfig LOOPBACK = WebConfig.defaults().withAllowPrivate(List.of("127.0.0.0/8"));

    @TempDir
    Path folder;

    private final Map<String, byte[]> files = new ConcurrentHashMap<>();
    private final AtomicInteger busy = new AtomicInteger();
    private HttpServer server;

    @BeforeEach
    void open() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    @AfterEach
    void close() {
        server.stop(0);
    }

    /** As object stores and their caches answer. */
    private void answer(HttpExchange exchange) throws IOException {
        byte[] file = files.get(exchange.getRequestURI().getPath());
        if (busy.getAndDecrement() > 0) {
            exchange.sendResponseHeaders(503, -1);
        } else if (file == null) {
            exchange.sendResponseHeaders(404, -1);
        } else {
            String[] range = exchange.getRequestHeaders()
                    .getFirst("Range")
                    .substring("bytes=".length())
                    .split("-", -1);
            int from = Integer.parseInt(range[0]);
            int to = Math.min(file.length, Integer.parseInt(range[1]) + 1);
            if (from >= file.length) {
                exchange.sendResponseHeaders(416, -1);
            } else {
                exchange.getResponseHeaders()
                        .set("Content-Range", "bytes " + from + "-" + (to - 1) + "/" + file.length);
                exchange.sendResponseHeaders(206, to - from);
                exchange.getResponseBody().write(file, from, to - from);
            }
        }
        exchange.close();
    }

    private String at(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    @Test
    void archivesOnTheWebAreReadFromAListInParallel() throws Exception {
        var list = new StringBuilder("# as Common Crawl's lists\n");
        for (int i = 0; i < 5; i++) {
            files.put(
                    "/crawl-data/" + i + ".warc.gz",
                    warc("https://site" + i + ".example/", 10).bytes());
            list.append("crawl-data/").append(i).append(".warc.gz\n");
        }
        list.append("crawl-data/missing.warc.gz\n");
        files.put(
                "/crawl-data/CC-1/warc.paths.gz", WarcFile.gzip(list.toString().getBytes(StandardCharsets.UTF_8)));
        busy.set(1);
        WarcSource source = WarcSource.of(List.of(at("/crawl-data/CC-1/warc.paths.gz")), LOOPBACK);
        assertThat(source.count()).isEqualTo(6);
        var env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(2);
        List<Arrival> found = env.fromSource(
                        source, WatermarkStrategy.noWatermarks(), "archives", TypeInformation.of(Arrival.class))
                .executeAndCollect(50);
        assertThat(found)
                .extracting(arrival ->
                        Objects.requireNonNull(arrival.image()).target().url())
                .doesNotHaveDuplicates()
                .hasSize(50);
    }

    @Test
    void aLongFileIsReadInPieces() throws Exception {
        var long1 = new byte[RangeStream.PIECE * 2 + 100];
        new Random(1).nextBytes(long1);
        files.put("/long", long1);
        try (WebClient client =
                WebClient.open(WarcSource.of(List.of(at("/a.warc")), LOOPBACK).web())) {
            for (int offset : new int[] {0, 5, RangeStream.PIECE, long1.length - 1, long1.length}) {
                try (var in = ArchiveFile.open(at("/long"), offset, client)) {
                    assertThat(in.readAllBytes()).isEqualTo(Arrays.copyOfRange(long1, offset, long1.length));
                }
            }
        }
    }

    @Test
    void foldersPatternsAndListsNameArchives() throws Exception {
        Path deep = Files.createDirectories(folder.resolve("deep"));
        for (String name : List.of("a.warc.gz", "b.warc", "c.txt.gz", "deep/d.arc.gz")) {
            Files.write(folder.resolve(name), new byte[] {1});
        }
        Path list = Files.writeString(folder.resolve("mine.paths"), "a.warc.gz\ndeep/d.arc.gz\ns3://b/e.warc.gz\n");
        assertThat(names(folder.toString())).containsExactly("a.warc.gz", "b.warc", "d.arc.gz");
        assertThat(names(folder + "/*.gz")).containsExactly("a.warc.gz", "c.txt.gz");
        assertThat(names(deep + "/d.arc.gz")).containsExactly("d.arc.gz");
        assertThat(names(list.toString())).containsExactly("a.warc.gz", "d.arc.gz", "e.warc.gz");
        assertThatThrownBy(() -> WarcSource.of(
                        List.of("https://data.example/*.warc.gz", "https://data.example/", folder + "/none"), LOOPBACK))
                .isInstanceOfSatisfying(
                        ConfigException.class, e -> assertThat(e.problems()).hasSize(3));
        assertThatThrownBy(() ->
                        WarcSource.of(List.of(at("/no.paths.gz")), LOOPBACK).count())
                .hasMessageContaining("404");
    }

    private List<String> names(String place) throws IOException {
        return new ArchivePlaces(LOOPBACK)
                .list(List.of(place)).stream()
                        .map(split -> split.url().substring(split.url().lastIndexOf('/') + 1))
                        .toList();
    }

    @Test
    void anArchiveIsGivenOutOnceByAllRunsTogether() throws Throwable {
        List<ArchiveSplit> all = splits(3);
        var context = new MockSplitEnumeratorContext<ArchiveSplit>(1);
        ArchiveCheckpoint checkpoint;
        try (var enumerator = new ArchiveEnumerator(context, () -> all, null, "", null)) {
            enumerator.start();
            context.registerReader(new ReaderInfo(0, "host"));
            enumerator.handleSplitRequest(0, null);
            assertThat(given(context)).as("not listed yet").isEmpty();
            context.runNextOneTimeCallable();
            enumerator.handleSplitRequest(0, null);
            assertThat(given(context)).containsExactly(all.get(0), all.get(1));
            enumerator.addSplitsBack(List.of(all.get(1).at(77)), 0);
            var serializer = new ArchiveCheckpointSerializer();
            checkpoint = serializer.deserialize(1, serializer.serialize(enumerator.snapshotState(1)));
        }
        var later = new MockSplitEnumeratorContext<ArchiveSplit>(1);
        try (var enumerator = new ArchiveEnumerator(later, () -> all, null, "", checkpoint)) {
            enumerator.start();
            later.registerReader(new ReaderInfo(0, "host"));
            later.runNextOneTimeCallable();
            for (int i = 0; i < 3; i++) {
                enumerator.handleSplitRequest(0, null);
            }
            assertThat(given(later)).containsExactly(all.get(1).at(77), all.get(2));
            assertThat(later.getSentSourceEvent().get(0)).contains(new SplitsAssigned());
        }
    }

    @Test
    void aHundredThousandArchivesMakeASmallCheckpoint() throws Throwable {
        List<ArchiveSplit> all = splits(100_000);
        var context = new MockSplitEnumeratorContext<ArchiveSplit>(1);
        try (var enumerator = new ArchiveEnumerator(context, () -> all, Duration.ofMinutes(1), "", null)) {
            enumerator.start();
            context.registerReader(new ReaderInfo(0, "host"));
            context.runPeriodicCallable(0);
            byte[] before = new ArchiveCheckpointSerializer().serialize(enumerator.snapshotState(1));
            assertThat(before).as("names that wait are not state").hasSizeLessThan(100);
            for (int i = 0; i < 1_000; i++) {
                enumerator.handleSplitRequest(0, null);
            }
            byte[] after = new ArchiveCheckpointSerializer().serialize(enumerator.snapshotState(2));
            assertThat(after).hasSizeLessThan(8 * 1_000 + 100);
        }
    }

    private static List<ArchiveSplit> given(MockSplitEnumeratorContext<ArchiveSplit> context) {
        return context.getSplitsAssignmentSequence().stream()
                .flatMap(step -> step.assignment().values().stream().flatMap(List::stream))
                .toList();
    }

    private static List<ArchiveSplit> splits(int count) {
        return new ArrayList<>(IntStream.range(0, count)
                .mapToObj(i -> new ArchiveSplit(
                        "https://data.example/crawl-data/CC-MAIN-2024-10/segments/170794/warc/" + i + ".warc.gz",
                        "",
                        Archive.NOWHERE))
                .toList());
    }

    private static WarcFile warc(String site, int images) {
        var file = new WarcFile();
        for (int i = 0; i < images; i++) {
            file.response(site + i + ".jpg", "image/jpeg", JPEG);
        }
        return file;
    }
}
