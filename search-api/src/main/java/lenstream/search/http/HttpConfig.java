package lenstream.search.http;

import java.time.Duration;
import java.util.List;
import lenstream.core.config.Check;
import lenstream.core.config.ConfigReader;
import lenstream.core.config.DataSize;
import lenstream.core.config.Default;
import org.jspecify.annotations.Nullable;

/**
 * How the server treats requests. Immutable.
 *
 * @param maxBody largest request body
 * @param maxConcurrent most requests that ever work at once; how many do is found from how long they take, and who finds
 *     no room is sent away with 429
 * @param maxConnections connections at once; more are refused
 * @param idleTimeout after which a connection without a request is closed
 * @param headerTimeout longest time from a request's first line to the end of its headers
 * @param bodyTimeout longest time for a whole body
 * @param requestTimeout longest time from a whole request to its answer; an embedding that would end later is not begun
 * @param tokens bearer tokens; none leaves reads open and keeps writes to this machine
 * @param rateLimit how often one client may ask
 * @param cors which other sites' pages may ask
 * @param accessLog whether each request is written down
 * @param behindProxy whether the last address of {@code X-Forwarded-For} is the client's, because a proxy of ours wrote it
 * @param tls PEM files; null for plain HTTP
 */
public record HttpConfig(
        @Default("32MiB") DataSize maxBody,
        @Default("64") int maxConcurrent,
        @Default("2000") int maxConnections,
        @Default("60s") Duration idleTimeout,
        @Default("10s") Duration headerTimeout,
        @Default("60s") Duration bodyTimeout,
        @Default("30s") Duration requestTimeout,
        @Default("[]") List<AccessToken> tokens,
        @Default("{}") RateLimit.Config rateLimit,
        @Default("{}") Cors.Config cors,
        @Default("none") AccessLog.Content accessLog,
        @Default("false") boolean behindProxy,
        @Nullable TlsFiles tls) {
    public HttpConfig {
        Check.range("max_body", maxBody.bytes(), 1, Integer.MAX_VALUE - 64);
        Check.range("max_concurrent", maxConcurrent, 1, 10_000);
        Check.range("max_connections", maxConnections, 1, 1_000_000);
        Check.positive("idle_timeout", idleTimeout);
        Check.positive("header_timeout", headerTimeout);
        Check.positive("body_timeout", bodyTimeout);
        Check.positive("request_timeout", requestTimeout);
        if (tokens.stream().map(AccessToken::name).distinct().count() < tokens.size()) {
            throw new IllegalArgumentException(
                    "tokens must have different names: logs tell their holders apart by them");
        }
        tokens = List.copyOf(tokens);
    }

    public static HttpConfig defaults() {
        return of("{}");
    }

    /** From the keys of {@code http:} in the server's file. */
    public static HttpConfig of(String yaml) {
        return ConfigReader.parse("http", yaml, HttpConfig.class);
    }

    /** How the server shows itself to the outside: the scheme of its address. */
    public String scheme() {
        return tls == null ? "http" : "https";
    }

    public HttpConfig withTokens(List<AccessToken> known) {
        return new HttpConfig(
                maxBody,
                maxConcurrent,
                maxConnections,
                idleTimeout,
                headerTimeout,
                bodyTimeout,
                requestTimeout,
                known,
                rateLimit,
                cors,
                accessLog,
                behindProxy,
                tls);
    }
}
