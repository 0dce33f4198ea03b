package lenstream.connector.crawl;

import java.io.Serializable;
import java.util.Map;
import lenstream.core.config.Check;
import lenstream.core.config.Default;
import lenstream.core.config.Secret;

/**
 * A Kafka topic whose messages are URLs: of images, or of pages and feeds to be read for theirs. Immutable.
 *
 * @param servers where brokers answer, {@code HOST:PORT} with commas in between
 * @param topic its name
 * @param group under which offsets are committed with each checkpoint
 * @param start where a group begins that has committed nothing
 * @param properties of Kafka's consumer beyond these, for instance how to sign in
 */
public record UrlTopic(
        String servers,
        String topic,
        @Default("lenstream") String group,
        @Default("earliest") Start start,
        @Default("{}") Map<String, Secret> properties)
        implements Serializable {

    /** Where to begin. */
    public enum Start {
        EARLIEST,
        LATEST
    }

    public UrlTopic {
        Check.notBlank("servers", servers);
        Check.notBlank("group", group);
        if (!topic.matches("[a-zA-Z0-9._-]{1,249}")) {
            throw new IllegalArgumentException(
                    "topic must be a name of letters, digits, \".\", \"_\" and \"-\", not \"" + topic + "\"");
        }
        if (!servers.matches("[^\\s,/]+:[0-9]{1,5}(\\s*,\\s*[^\\s,/]+:[0-9]{1,5})*")) {
            throw new IllegalArgumentException("servers must be HOST:PORT, more with commas, not \"" + servers + "\"");
        }
        properties = Map.copyOf(properties);
    }

    /**
     * From {@code HOST:PORT,HOST:PORT/TOPIC}.
     *
     * @throws IllegalArgumentException if it is not of that form
     */
    public static UrlTopic parse(String text) {
        int slash = text.lastIndexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException("write HOST:PORT/TOPIC, not \"" + text + "\"");
        }
        return new UrlTopic(text.substring(0, slash), text.substring(slash + 1), "lenstream", Start.EARLIEST, Map.of());
    }

    /** Names it in documents and messages. */
    public String url() {
        return "kafka://" + topic;
    }
}
