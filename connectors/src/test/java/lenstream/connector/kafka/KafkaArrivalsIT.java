package lenstream.connector.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import lenstream.connector.crawl.UrlTopic;
import lenstream.connector.source.Arrival;
import lenstream.connector.source.TestServer;
import lenstream.core.config.ConfigException;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Reason;
import lenstream.core.image.Rejection;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A topic of a real broker. */
@Timeout(90)
class KafkaArrivalsIT {
    private static final Queue<Arrival> SEEN = new ConcurrentLinkedQueue<>();

    private static TestServer kafka;

    @TempDir
    Path savepoints;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // closed in stop()
    static void start() throws Exception {
        kafka = TestServer.kafka();
        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", kafka.address()))) {
            admin.createTopics(List.of(new NewTopic("urls", 2, (short) 1)))
                    .all()
                    .get(30, TimeUnit.SECONDS);
        }
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    @Test
    void everyMessageArrivesOnceOverASavepointAndABadOneIsData() throws Exception {
        UrlTopic topic = UrlTopic.parse(kafka.address() + "/urls");
        KafkaArrivals.check(topic);
        JobClient job = submit(topic, null);
        send(
                "https://example.org/a.JPG".getBytes(StandardCharsets.UTF_8),
                "https://example.org/page".getBytes(StandardCharsets.UTF_8),
                "{\"url\":\"https://example.org/b\",\"page\":\"https://example.org/\",\"alt\":\"a b\u00e9e\"}"
                        .getBytes(StandardCharsets.UTF_8),
                "file:///etc/passwd".getBytes(StandardCharsets.UTF_8),
                new byte[] {(byte) 0xc3, (byte) 0x28});
        send(new ProducerRecord<>("urls", null)); // a deletion
        await(() -> SEEN.size() == 5);
        String savepoint = job.stopWithSavepoint(false, savepoints.toUri().toString(), SavepointFormatType.NATIVE)
                .get(60, TimeUnit.SECONDS);
        assertThat(SEEN)
                .filteredOn(arrival -> arrival.target() != null)
                .extracting(
                        arrival -> target(arrival).url() + " " + target(arrival).alt())
                .containsExactlyInAnyOrder("https://example.org/a.JPG null", "https://example.org/b a b\u00e9e");
        assertThat(SEEN)
                .filteredOn(arrival -> arrival.page() != null)
                .extracting(arrival -> Objects.requireNonNull(arrival.page()).subject())
                .containsExactly("https://example.org/page");
        assertThat(SEEN)
                .filteredOn(arrival -> arrival.rejection() != null)
                .hasSize(2)
                .allSatisfy(arrival -> {
                    Rejection rejection = Objects.requireNonNull(arrival.rejection());
                    assertThat(rejection.reason()).isEqualTo(Reason.BAD_URL);
                    assertThat(rejection.target().url()).startsWith("kafka://urls/");
                });

        SEEN.clear();
        send("https://example.org/c.png".getBytes(StandardCharsets.UTF_8));
        JobClient again = submit(topic, savepoint);
        await(() -> !SEEN.isEmpty());
        send("https://example.org/d.png".getBytes(StandardCharsets.UTF_8));
        await(() -> SEEN.size() >= 2);
        again.cancel().get(60, TimeUnit.SECONDS);
        assertThat(SEEN)
                .extracting(arrival -> target(arrival).url())
                .containsExactlyInAnyOrder("https://example.org/c.png", "https://example.org/d.png");
    }

    @Test
    void aTopicThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> KafkaArrivals.check(UrlTopic.parse(kafka.address() + "/none")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("no topic \"none\"");
    }

    private static CrawlTarget target(Arrival arrival) {
        return Objects.requireNonNull(arrival.target());
    }

    private static JobClient submit(UrlTopic topic, @Nullable String savepoint) throws Exception {
        var settings = new Configuration();
        settings.set(PipelineOptions.GENERIC_TYPES, false);
        if (savepoint != null) {
            settings.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
        }
        var env = StreamExecutionEnvironment.createLocalEnvironment(1, settings);
        env.fromSource(
                        KafkaArrivals.source(topic),
                        WatermarkStrategy.noWatermarks(),
                        "arrivals",
                        TypeInformation.of(Arrival.class))
                .uid("arrivals")
                .map(arrival -> {
                    SEEN.add(arrival);
                    return arrival;
                })
                .returns(Arrival.class)
                .uid("seen")
                .sinkTo(new DiscardingSink<>());
        return env.executeAsync("kafka");
    }

    private static void send(byte[]... values) throws Exception {
        for (byte[] value : values) {
            send(new ProducerRecord<>("urls", value));
        }
    }

    private static void send(ProducerRecord<byte[], byte[]> message) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", kafka.address());
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.send(message).get(30, TimeUnit.SECONDS);
        }
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
            LockSupport.parkNanos(20_000_000);
        }
    }
}
