package lenstream.connector.duplicates;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.core.image.ImageId;
import lenstream.core.index.Field;
import lenstream.core.index.IndexLayout;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class NearDuplicatesTest {
    @RegisterExtension
    static final MiniClusterExtension FLINK = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(3)
            .build());

    private static final IndexLayout LAYOUT = IndexLayout.withPrefix("dups");
    private static final int FAMILIES = 1_000;
    private static final int COPIES = 3;
    private static final Queue<BulkEntry> WRITTEN = new ConcurrentLinkedQueue<>();
    private static final AtomicBoolean FAILED = new AtomicBoolean();
    private static final AtomicInteger SEEN = new AtomicInteger();

    @BeforeEach
    void nothingIsWritten() {
        WRITTEN.clear();
        SEEN.set(0);
    }

    @Test
    void groupsAreTheSameAfterAFailureInTheMiddle() throws Exception {
        FAILED.set(false);
        define(2, settings()).execute();

        assertThat(FAILED).as("the job failed once and went on").isTrue();
        assertGroups();
    }

    @Test
    void groupsAreTheSameAfterSavepointsThatOtherParallelismsStartFrom(@TempDir Path folder) throws Exception {
        FAILED.set(true); // it does not fail here
        Configuration settings = settings();
        int stops = 0;
        for (int parallelism : List.of(2, 3)) {
            JobClient job = define(parallelism, settings).executeAsync();
            int until = ++stops * FAMILIES * COPIES / 3;
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (SEEN.get() < until) {
                assertThat(System.nanoTime()).as("%s sketches", SEEN).isLessThan(deadline);
                TimeUnit.MILLISECONDS.sleep(5);
            }
            String savepoint = job.stopWithSavepoint(false, folder.toUri().toString(), SavepointFormatType.NATIVE)
                    .get(60, TimeUnit.SECONDS);
            job.getJobExecutionResult().get(60, TimeUnit.SECONDS);
            settings.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
        }
        assertThat(SEEN.get()).as("stopped in the middle").isLessThan(FAMILIES * COPIES);
        define(2, settings).execute();

        assertThat(SEEN.get()).as("nothing twice").isEqualTo(FAMILIES * COPIES);
        assertGroups();
    }

    private static Configuration settings() {
        var settings = new Configuration();
        settings.setString("execution.checkpointing.interval", "50ms");
        settings.setString("state.backend.type", "rocksdb");
        settings.setString("restart-strategy.type", "fixed-delay");
        settings.setString("restart-strategy.fixed-delay.delay", "10ms");
        settings.setString("pipeline.generic-types", "false");
        return settings;
    }

    private static StreamExecutionEnvironment define(int parallelism, Configuration settings) {
        var env = StreamExecutionEnvironment.getExecutionEnvironment(settings);
        env.setParallelism(parallelism);
        DataStream<Sketch> sketches = env.fromSequence(0, FAMILIES * COPIES - 1)
                .map(new FailOnce())
                .map(NearDuplicatesTest::sketch)
                .returns(TypeInformation.of(Sketch.class));
        DataStream<GroupEvent> seen = sketches.map(sketch -> new GroupEvent(
                        GroupEvent.Kind.SEEN,
                        sketch.id(),
                        "",
                        0,
                        0,
                        PageSketch.hash("http://p.test/" + sketch.id()),
                        0))
                .returns(TypeInformation.of(GroupEvent.class));
        NearDuplicates.of(sketches, seen, DuplicateConfig.defaults(), LAYOUT)
                .map(entry -> {
                    WRITTEN.add(entry);
                    return entry;
                })
                .returns(TypeInformation.of(BulkEntry.class))
                .sinkTo(new DiscardingSink<>());
        return env;
    }

    /** Every family is one group, with all its members and pages, whatever was written more than once. */
    private static void assertGroups() throws java.io.IOException {
        Map<String, String> groups = new HashMap<>();
        Map<String, BulkEntry> documents = new HashMap<>();
        for (BulkEntry entry : WRITTEN) {
            if (entry.op() == BulkEntry.Op.UPDATE) {
                groups.merge(
                        entry.id(), json(entry).at("/script/params/group_id").asText(), NearDuplicatesTest::smaller);
            } else {
                documents.merge(entry.id(), entry, (a, b) -> a.version() > b.version() ? a : b);
            }
        }
        for (int family = 0; family < FAMILIES; family++) {
            String expected = null;
            for (int copy = 0; copy < COPIES; copy++) {
                String content = sketch(family + (long) copy * FAMILIES).content();
                expected = expected == null ? content : smaller(expected, content);
            }
            for (int copy = 0; copy < COPIES; copy++) {
                Sketch sketch = sketch(family + (long) copy * FAMILIES);
                assertThat(smaller(groups.getOrDefault(sketch.id(), sketch.content()), sketch.content()))
                        .isEqualTo(expected);
            }
            BulkEntry document = documents.get(expected);
            assertThat(document).isNotNull();
            assertThat(json(document).path(Field.GROUP_SIZE).asInt()).isEqualTo(COPIES);
            assertThat(json(document).path(Field.SEEN_ON).asInt()).isEqualTo(COPIES);
            assertThat(json(document).path(Field.CANONICAL).asText())
                    .as("the one of most pixels")
                    .isEqualTo(sketch(family + 2L * FAMILIES).id());
        }
    }

    /** Image {@code number % FAMILIES}, in a copy whose hash differs in up to seven bits. */
    private static Sketch sketch(long number) {
        var family = new SplittableRandom(number % FAMILIES);
        long hash = family.nextLong();
        var vector = new byte[32];
        family.nextBytes(vector);
        var copy = new SplittableRandom(number);
        for (int i = 0; i < 3 && number >= FAMILIES; i++) {
            hash ^= 1L << copy.nextInt(64);
        }
        String id = ImageId.ofUrl("http://e.test/" + number);
        String content = ImageId.contentOf(ImageId.sha256(("content " + number).getBytes(StandardCharsets.UTF_8)));
        return new Sketch(id, content, 1_000 + number, true, hash, vector, 100 + number, PageSketch.NONE, number);
    }

    private static String smaller(String a, String b) {
        return Comparator.<String>naturalOrder().compare(a, b) <= 0 ? a : b;
    }

    private static JsonNode json(BulkEntry entry) throws java.io.IOException {
        return new ObjectMapper().readTree(entry.json());
    }

    /** Fails after the first checkpoint, once. */
    private static final class FailOnce extends RichMapFunction<Long, Long> implements CheckpointListener {
        private static final long serialVersionUID = 1;
        private transient boolean checkpointed;

        @Override
        public Long map(Long value) {
            if (checkpointed && FAILED.compareAndSet(false, true)) {
                throw new IllegalStateException("as planned");
            }
            int seen = SEEN.incrementAndGet();
            if (!FAILED.get() || seen < FAMILIES * COPIES * 3 / 4) {
                LockSupport.parkNanos(2_000_000); // so that a checkpoint is made before the source has said all
            }
            return value;
        }

        @Override
        public void notifyCheckpointComplete(long id) {
            checkpointed = true;
        }
    }
}
