package lenstream.connector.fetch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebConfig;
import lenstream.core.web.WebResponse;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.state.rocksdb.RocksDBConfigurableOptions;
import org.apache.flink.state.rocksdb.RocksDBOptions;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;
import org.rocksdb.CompressionType;

/**
 * The visit operator on RocksDB as a job runs it, with politeness and robots rules, over a transport that answers in this
 * process: every URL is a small image with an ETag, no host has a robots.txt, nothing takes time. For benchmarks.
 * Confined to one thread.
 */
public final class VisitBench implements AutoCloseable {
    private static final int WAITING = 2_000;
    private static final FetchConfig CONFIG = FetchConfig.defaults()
            .withWeb(WebConfig.defaults().withAllowPrivate(List.of("10.0.0.0/8")))
            .withMinDelay(Duration.ZERO);

    private final Path folder;
    private final Harness harness;
    private long ahead;
    private long sent;

    private VisitBench(Path folder, Harness harness) {
        this.folder = folder;
        this.harness = harness;
    }

    /**
     * Starts with nothing known.
     *
     * @param cacheMebibytes for RocksDB's caches and write buffers
     * @param asJob whether RocksDB is set as a job sets it; else as Flink does
     */
    @SuppressWarnings("MustBeClosed") // the operator closes its web
    public static VisitBench open(int cacheMebibytes, boolean asJob) throws Exception {
        Path folder = Files.createTempDirectory("visit-bench");
        var settings = new Configuration();
        settings.set(RocksDBOptions.FIX_PER_SLOT_MEMORY_SIZE, MemorySize.ofMebiBytes(cacheMebibytes));
        settings.set(RocksDBOptions.LOCAL_DIRECTORIES, folder.toString());
        if (asJob) {
            settings.set(RocksDBConfigurableOptions.USE_BLOOM_FILTER, true);
            settings.set(RocksDBOptions.USE_PARTITIONED_INDEX_FILTERS, true);
            settings.set(RocksDBConfigurableOptions.COMPRESSION_PER_LEVEL, List.of(CompressionType.LZ4_COMPRESSION));
        }
        var backend = new EmbeddedRocksDBStateBackend().configure(settings, VisitBench.class.getClassLoader());
        var factory = new VisitOperatorFactory(CONFIG, job -> PoliteWeb.over(new Answers(), CONFIG));
        var harness = new Harness(factory);
        harness.setStateBackend(backend);
        harness.setup(TypeInformation.of(FetchedImage.class)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        harness.setProcessingTime(System.currentTimeMillis());
        harness.open();
        return new VisitBench(folder, harness);
    }

    /** Gives a target to the operator, and lets it work while many wait. */
    public void send(CrawlTarget target) throws Exception {
        harness.process(new StreamRecord<>(target));
        if (++sent % 256 == 0) {
            harness.setProcessingTime(System.currentTimeMillis() + ahead);
            clear();
        }
        while (operator().pending() > WAITING) {
            work();
        }
    }

    /**
     * Writes down URLs as if each had been visited now, without a visit: state for a benchmark at a tenth of the time.
     *
     * @param targets of one host, which nothing else is known of and nothing waits for
     */
    public void know(List<CrawlTarget> targets) throws Exception {
        long now = System.currentTimeMillis() + ahead;
        VisitOperator operator = operator();
        String host = targets.getFirst().host();
        operator.setCurrentKey(host);
        var wheel = new RevisitWheel(operator.getKeyedStateStore());
        MapState<String, KnownUrl> known = operator.getKeyedStateStore().getMapState(KnownUrls.ROWS);
        RevisitWheel.Ends ends = wheel.ends();
        for (CrawlTarget target : targets) {
            CanonicalUrl url = CanonicalUrl.of(target.url()).orElseThrow();
            byte[] body = Answers.body(url);
            Observation seen = Observation.NONE.fetched(
                    new FetchOutcome.Validators(Answers.etag(url), null), ImageId.sha256(body), now, now);
            Schedule next = CONFIG.revisit().after(Schedule.NONE, Observation.NONE, seen, now, now);
            long until = wheel.file(ends, RevisitWheel.ringOf(next.dueAtMillis() - now), target.id(), now);
            known.put(
                    target.id(),
                    KnownUrl.named(target).visited(seen, next.filed(until)).withLedger(now));
        }
        ends.timerAt(ends.firstDueMillis());
        operator.getInternalTimerService("revisits", VoidNamespaceSerializer.INSTANCE, operator)
                .registerProcessingTimeTimer(VoidNamespace.INSTANCE, ends.timerAtMillis());
        wheel.save(ends);
    }

    /** Works until nothing waits. */
    public void drain() throws Exception {
        harness.setProcessingTime(System.currentTimeMillis() + ahead);
        while (operator().pending() > 0) {
            work();
        }
        clear();
    }

    /** Lets go of what the operator has emitted, as the next operator of a job would: the heap is to be the operator's own. */
    private void clear() {
        harness.getOutput().clear();
        for (OutputTag<?> side : List.of(VisitOperatorFactory.REJECTIONS, VisitOperatorFactory.LEDGER)) {
            var emitted = harness.getSideOutput(side);
            if (emitted != null) {
                emitted.clear();
            }
        }
    }

    /** Lets time pass, and visits what has become due. */
    public void later(Duration time) throws Exception {
        ahead += time.toMillis();
        drain();
    }

    /** Visits so far that ended with bytes, or without. */
    public long visits() {
        return operator().visits();
    }

    /** What RocksDB keeps on disk. */
    public long diskBytes() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }

    private VisitOperator operator() {
        return harness.visits();
    }

    /** Runs what has come back; while nothing has, time goes on. */
    private void work() throws Exception {
        TaskMailbox mailbox = harness.getTaskMailbox();
        var mail = mailbox.tryTake(TaskMailbox.MIN_PRIORITY);
        if (mail.isEmpty()) {
            harness.setProcessingTime(System.currentTimeMillis() + ahead);
            Thread.yield();
        }
        while (mail.isPresent()) {
            mail.get().run();
            mail = mailbox.tryTake(TaskMailbox.MIN_PRIORITY);
        }
    }

    @Override
    public void close() throws Exception {
        harness.close();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** Flink's own harness of two inputs takes an operator only, not the factory that gives it its mailbox. */
    private static final class Harness extends AbstractStreamOperatorTestHarness<FetchedImage> {
        Harness(VisitOperatorFactory factory) throws Exception {
            super(factory, 128, 1, 0);
            KeySelector<CrawlTarget, String> byHost = CrawlTarget::host;
            config.setStatePartitioner(0, byHost);
            config.setStateKeySerializer(Types.STRING.createSerializer(executionConfig.getSerializerConfig()));
            config.serializeAllConfigs();
        }

        VisitOperator visits() {
            return (VisitOperator) operator;
        }

        void process(StreamRecord<CrawlTarget> element) throws Exception {
            visits().setKeyContextElement1(element);
            visits().processElement1(element);
        }
    }

    private static final class Answers implements PoliteWeb.Transport {
        @Override
        public WebResponse get(CanonicalUrl url, Map<String, String> headers) {
            if (url.path().equals("/robots.txt")) {
                return new WebResponse(url, 404, Map.of(), new byte[0]);
            }
            String etag = etag(url);
            if (etag.equals(headers.get("If-None-Match"))) {
                return new WebResponse(url, 304, Map.of(), new byte[0]);
            }
            return new WebResponse(url, 200, Map.of("etag", List.of(etag)), body(url));
        }

        static String etag(CanonicalUrl url) {
            return '"' + Integer.toHexString(url.value().hashCode()) + '"';
        }

        static byte[] body(CanonicalUrl url) {
            return ("\u00ff\u00d8\u00ff" + url.value()).getBytes(StandardCharsets.ISO_8859_1);
        }

        @Override
        public void close() {}
    }
}
