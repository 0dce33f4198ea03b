package lenstream.connector.opensearch;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import lenstream.connector.opensearch.FaultProxy.Fault;
import lenstream.connector.opensearch.FaultProxy.Seen;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.model.Fingerprint;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The sink in a real job, a real OpenSearch, and faults between them: after each case the index holds exactly what {@link
 * Observations} says. The stream of every case has duplicates and older observations after newer ones.
 */
@ExtendWith(TestNode.class)
abstract class SinkFaultCases {
    private static final Fingerprint FINGERPRINT = new Fingerprint("test-1-00000000");
    private static final AtomicInteger CASES = new AtomicInteger();
    private static final BulkConfig BULK = new BulkConfig(
            BulkConfig.defaults().bytes(),
            100,
            2,
            Duration.ofMillis(20),
            3,
            Duration.ofMillis(20),
            Duration.ofMillis(400));

    /** Failures that are left for {@link FailNow}. */
    private static final AtomicInteger FAILURES = new AtomicInteger();

    private IndexLayout layout = IndexLayout.defaults();

    /** Images of a case. */
    abstract int images();

    /** How long an outage lasts. */
    abstract Duration outage();

    /** How often a server that was killed is killed. */
    abstract int kills();

    @BeforeEach
    void prepare() {
        layout = IndexLayout.withPrefix("faults-" + CASES.getAndIncrement());
        try (IndexClient client = direct()) {
            IndexSetup.prepare(client, layout, FINGERPRINT, 4, Duration.ofSeconds(60));
        }
    }

    /** Every second request meets a fault, each kind in turn; and the job itself fails twice and starts from a checkpoint. */
    @Test
    void everyFaultInTurn() throws Exception {
        Fault[] faults = Fault.values();
        try (FaultProxy proxy =
                proxy(seen -> seen.number() % 2 == 0 ? Fault.NONE : faults[seen.number() / 2 % faults.length])) {
            FAILURES.set(2);
            Observations stream = run(config(proxy), BULK.count() / 3);
            assertThat(FAILURES).as("failures of the job that are left").hasValueLessThanOrEqualTo(0);
            assertThat(faults)
                    .as("faults that struck")
                    .allMatch(fault -> proxy.strikes(fault).sum() > 0);
            check(stream);
        }
    }

    /** Back-pressure instead of loss, and instead of a storm: each request in flight comes back at the longest delay. */
    @Test
    void aClusterThatRefusesEverythingForAWhile() throws Exception {
        var busyUntil = new AtomicLong(Long.MAX_VALUE);
        var refused = new AtomicInteger();
        try (FaultProxy proxy = proxy(seen -> {
            busyUntil.compareAndSet(Long.MAX_VALUE, System.nanoTime() + outage().toNanos());
            boolean busy = System.nanoTime() < busyUntil.get();
            refused.addAndGet(busy ? 1 : 0);
            return busy ? Fault.BUSY : Fault.NONE;
        })) {
            Observations stream = run(config(proxy), BULK.count());
            check(stream);
            long shortestSpan = BULK.longestDelay().toMillis() / 2;
            long doublings = 10;
            assertThat(refused.get()).as("requests that a busy cluster got").isBetween(2, (int)
                    (BULK.inFlight() * (doublings + outage().toMillis() / shortestSpan)));
            System.out.printf("busy for %s: %d requests refused%n", outage(), refused.get());
        }
    }

    @Test
    void aServerThatIsKilledAndComesBack() throws Exception {
        var killed = new AtomicInteger();
        var dying = new AtomicBoolean(); // other requests go on meanwhile, and are refused
        try (FaultProxy proxy = proxy(seen -> {
            if (seen.number() % 10 == 9 && killed.get() < kills() && dying.compareAndSet(false, true)) {
                try {
                    TestNode.kill();
                    killed.incrementAndGet();
                    TestNode.restart();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                } finally {
                    dying.set(false);
                }
            }
            return Fault.NONE;
        })) {
            Observations stream = run(config(proxy), BULK.count());
            assertThat(killed).hasValue(kills());
            // the sink may be through before the node has said that it is up again
            for (int left = 600; dying.get() && left > 0; left--) {
                Thread.sleep(100);
            }
            check(stream);
        }
    }

    @Test
    void aNetworkThatIsCutAndMended() throws Exception {
        var proxies = new FaultProxy[1];
        try (FaultProxy proxy = proxy(seen -> {
            if (seen.number() == 7) {
                proxies[0].cut(true);
                after(outage(), () -> proxies[0].cut(false));
            }
            return Fault.NONE;
        })) {
            proxies[0] = proxy;
            check(run(config(proxy), BULK.count()));
        }
    }

    /** What OpenSearch does to an index when the disk is full, again with each look, and lifts when there is room again. */
    @Test
    void aFullDiskThatIsCleared() throws Exception {
        var blocked = new AtomicInteger();
        try (FaultProxy proxy = proxy(seen -> {
            if (seen.number() == 5 && blocked.getAndIncrement() == 0) {
                blockUntil(System.nanoTime() + outage().toNanos());
            }
            return Fault.NONE;
        })) {
            check(run(config(proxy), BULK.count()));
            assertThat(blocked).hasPositiveValue();
        }
    }

    /** A whole batch takes longer than the time-out: only smaller ones get through. */
    @Test
    void aClusterTooSlowForWholeBatches() throws Exception {
        try (FaultProxy proxy =
                FaultProxy.start(TestNode::port, seen -> Fault.SLOW, seen -> Duration.ofMillis(6L * seen.items()), 1)) {
            check(run(config(proxy).withRequestTimeout(Duration.ofMillis(450)), BULK.count()));
            // 76 items take longer than the time-out
            assertThat(proxy.largest.get()).as("batches began too large").isGreaterThan(75);
        }
    }

    /** Two nodes, of which one goes for good; bodies are compressed. */
    @Test
    void aNodeThatGoesIsReplacedByTheOther() throws Exception {
        var proxies = new FaultProxy[1];
        try (FaultProxy first = proxy(seen -> {
                    if (seen.number() == 3) {
                        proxies[0].cut(true);
                    }
                    return Fault.NONE;
                });
                FaultProxy second = proxy(seen -> Fault.NONE)) {
            proxies[0] = first;
            var both = new OpenSearchConfig(
                    List.of(first.url(), second.url()),
                    null,
                    null,
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(10),
                    true);
            check(run(both, BULK.count()));
            assertThat(first.requests()).as("requests of the first node").isPositive();
            assertThat(second.requests()).as("requests of the second node").isPositive();
            assertThat(second.gzipped.sum()).as("compressed requests").isEqualTo(second.requests());
        }
    }

    /** @param batch most entries of a request */
    private Observations run(OpenSearchConfig config, int batch) throws Exception {
        var bulk = new BulkConfig(
                BULK.bytes(),
                batch,
                BULK.inFlight(),
                BULK.linger(),
                BULK.maxAttempts(),
                BULK.firstDelay(),
                BULK.longestDelay());
        var stream = new Observations(layout, FINGERPRINT, images(), 4, CASES.get());
        var settings = new Configuration();
        settings.setString("pipeline.generic-types", "false");
        settings.setString("execution.checkpointing.interval", "100ms");
        settings.setString("restart-strategy.type", "fixed-delay");
        settings.setString("restart-strategy.fixed-delay.attempts", "5");
        settings.setString("restart-strategy.fixed-delay.delay", "100ms");
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, settings);
        env.fromData(TypeInformation.of(BulkEntry.class), stream.entries().toArray(BulkEntry[]::new))
                .map(new FailNow(stream.entries().size() / 2))
                .returns(TypeInformation.of(BulkEntry.class))
                .keyBy(BulkEntry::id, Types.STRING)
                .sinkTo(new OpenSearchSink(config, layout, bulk))
                .uid("sink");
        long start = System.nanoTime();
        JobClient job = env.executeAsync();
        job.getJobExecutionResult().get(outage().toSeconds() * (1 + kills()) + 240, TimeUnit.SECONDS);
        System.out.printf(
                "%d entries of %d images in %.1f s%n",
                stream.entries().size(), images(), (System.nanoTime() - start) / 1e9);
        return stream;
    }

    private static void check(Observations stream) {
        try (IndexClient client = direct()) {
            IndexSetup.await(client, Duration.ofSeconds(60));
            stream.assertIndexed(client);
        }
    }

    /** Again and again, since this node's own disk monitor sees no need and lifts the block. */
    private void blockUntil(long nanos) {
        boolean on = System.nanoTime() < nanos;
        block(on);
        if (on) {
            after(Duration.ofMillis(500), () -> blockUntil(nanos));
        }
    }

    private void block(boolean on) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        if (on) {
            settings.put("index.blocks.read_only_allow_delete", true);
        } else {
            settings.putNull("index.blocks.read_only_allow_delete");
        }
        String indices = layout.imageIndex(FINGERPRINT) + "," + layout.thumbnailIndex();
        try (IndexClient client = direct()) {
            assertThat(client.send("PUT", "/" + indices + "/_settings", settings)
                            .ok())
                    .isTrue();
        }
    }

    private static void after(Duration time, Runnable action) {
        Thread.ofPlatform().daemon().name("after").start(() -> {
            try {
                Thread.sleep(time); // the length of an outage, not a wait for something
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            action.run();
        });
    }

    @MustBeClosed
    private static FaultProxy proxy(Function<Seen, Fault> script) throws IOException {
        return FaultProxy.start(TestNode::port, script, seen -> Duration.ofMillis(300), 1);
    }

    private static OpenSearchConfig config(FaultProxy proxy) {
        return OpenSearchConfig.at(proxy.url()).withRequestTimeout(Duration.ofSeconds(10));
    }

    @MustBeClosed
    private static IndexClient direct() {
        return IndexClient.open(OpenSearchConfig.at(TestNode.url()));
    }

    /** Fails the job in the middle of the stream, as often as {@link #FAILURES} says. */
    private static final class FailNow implements MapFunction<BulkEntry, BulkEntry> {
        private static final long serialVersionUID = 1;

        private final int at;
        private int seen;

        FailNow(int at) {
            this.at = at;
        }

        @Override
        public BulkEntry map(BulkEntry entry) {
            if (++seen >= at && FAILURES.getAndDecrement() > 0) {
                throw new IllegalStateException("a failure on purpose");
            }
            return entry;
        }
    }
}
