package lenstream.connector.kafka;

import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import lenstream.connector.crawl.UrlTopic;
import lenstream.connector.source.Arrival;
import lenstream.core.config.ConfigException;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * Reads a topic of URLs with Flink's connector, which an installation adds if it wants it. Offsets are state, and committed
 * for others to see; without state a job begins where its group stands. The stream has no end.
 */
public final class KafkaArrivals {
    private static final String CONNECTOR = "org.apache.flink.connector.kafka.source.KafkaSource";
    private static final int ANSWER_MILLIS = 10_000;

    private KafkaArrivals() {}

    /** @throws ConfigException if the connector is not there */
    public static Source<Arrival, ?, ?> source(UrlTopic topic) {
        requireConnector();
        return Wired.source(topic);
    }

    /**
     * Asks the brokers for the topic. Blocks for seconds.
     *
     * @throws ConfigException if the connector is not there, nobody answers, or there is no such topic
     */
    public static void check(UrlTopic topic) throws InterruptedException {
        requireConnector();
        Wired.check(topic);
    }

    private static void requireConnector() {
        try {
            Class.forName(CONNECTOR, false, KafkaArrivals.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new ConfigException(
                    "kafka",
                    List.of("the Kafka connector is not there; fetch it with: ./lenstream add kafka (for a container"
                            + " image put its jars, in infra/extras/target/lib/kafka, into Flink's lib folder)"));
        }
    }

    /** Loaded only where Kafka's classes are. */
    private static final class Wired {
        private Wired() {}

        static Source<Arrival, ?, ?> source(UrlTopic topic) {
            OffsetResetStrategy reset =
                    OffsetResetStrategy.valueOf(topic.start().name().toUpperCase(Locale.ROOT));
            return KafkaSource.<Arrival>builder()
                    .setTopics(topic.topic())
                    .setStartingOffsets(OffsetsInitializer.committedOffsets(reset))
                    .setDeserializer(new UrlMessages())
                    .setProperties(properties(topic))
                    .build();
        }

        private static Properties properties(UrlTopic topic) {
            var properties = new Properties();
            topic.properties().forEach((key, value) -> properties.setProperty(key, value.value()));
            properties.setProperty("bootstrap.servers", topic.servers());
            properties.setProperty("group.id", topic.group());
            return properties;
        }

        static void check(UrlTopic topic) throws InterruptedException {
            Properties properties = properties(topic);
            properties.setProperty("default.api.timeout.ms", Integer.toString(ANSWER_MILLIS));
            properties.setProperty("request.timeout.ms", Integer.toString(ANSWER_MILLIS / 2));
            try (Admin admin = Admin.create(properties)) {
                admin.describeTopics(List.of(topic.topic()))
                        .allTopicNames()
                        .get(2L * ANSWER_MILLIS, TimeUnit.MILLISECONDS);
            } catch (ExecutionException e) {
                throw e.getCause() instanceof UnknownTopicOrPartitionException
                        ? problem("there is no topic \"" + topic.topic() + "\" at " + topic.servers())
                        : problem("no broker answers at " + topic.servers() + ": " + e.getMessage());
            } catch (TimeoutException e) {
                throw problem("no broker answers at " + topic.servers());
            } catch (org.apache.kafka.common.KafkaException e) {
                throw problem("Kafka refuses the settings: " + e.getMessage());
            }
        }

        private static ConfigException problem(String what) {
            return new ConfigException("kafka", List.of(what));
        }
    }
}
