package lenstream.core.web;

import io.soabase.recordbuilder.core.RecordBuilder;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import lenstream.core.config.Check;
import lenstream.core.config.DataSize;

/**
 * How the network may be used.
 *
 * @param allowPrivate special networks that may be reached, in CIDR notation
 * @param userAgent sent with every request; names the product and a contact
 * @param maxBytes largest body, before and after decompression
 * @param maxRedirects hops that {@link WebClient#fetch} follows
 * @param connectTimeout to open a connection, TLS included
 * @param firstByteTimeout from request to first byte of the answer, and between bytes
 * @param totalTimeout for one request with its body
 * @param maxConnections open at once, in all
 */
@RecordBuilder
public record WebConfig(
        List<String> allowPrivate,
        String userAgent,
        DataSize maxBytes,
        int maxRedirects,
        Duration connectTimeout,
        Duration firstByteTimeout,
        Duration totalTimeout,
        int maxConnections)
        implements WebConfigBuilder.With, Serializable {

    public WebConfig {
        allowPrivate = List.copyOf(allowPrivate);
        AddressGuard.allowing(allowPrivate); // refuses what is no network
        Check.notBlank("user_agent", userAgent);
        Check.positive("max_bytes", maxBytes.bytes());
        Check.range("max_bytes", maxBytes.bytes(), 1, Integer.MAX_VALUE - 64);
        Check.range("max_redirects", maxRedirects, 0, 20);
        Check.positive("connect_timeout", connectTimeout);
        Check.positive("first_byte_timeout", firstByteTimeout);
        Check.positive("total_timeout", totalTimeout);
        Check.range("max_connections", maxConnections, 1, 10_000);
    }

    /** An honest User-Agent: the product token of robots.txt and where to complain. */
    public static String userAgent(String contact) {
        return "lenstream/1.0 (+" + contact + ")";
    }

    public static WebConfig defaults() {
        return new WebConfig(
                List.of(),
                userAgent("https://lenstream.example/bot"),
                DataSize.ofMebibytes(30),
                5,
                Duration.ofSeconds(10),
                Duration.ofSeconds(15),
                Duration.ofSeconds(30),
                256);
    }

    /** The same with less time for a request; what is part of it takes no longer either. */
    @Override
    public WebConfig withTotalTimeout(Duration timeout) {
        return new WebConfig(
                allowPrivate,
                userAgent,
                maxBytes,
                maxRedirects,
                connectTimeout.compareTo(timeout) < 0 ? connectTimeout : timeout,
                firstByteTimeout.compareTo(timeout) < 0 ? firstByteTimeout : timeout,
                timeout,
                maxConnections);
    }
}
