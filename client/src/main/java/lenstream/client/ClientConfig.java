package lenstream.client;

import java.net.URI;
import java.time.Duration;
import java.util.Objects;

/**
 * How a client reaches its server. Immutable.
 *
 * @param server scheme, host and port, perhaps a path that a proxy put before it
 * @param token sent as bearer token; empty for none
 * @param timeout of a call, its repetitions included
 * @param attempts of a call that only reads, when the server is busy (429), not ready (503) or does not answer
 */
public record ClientConfig(URI server, String token, Duration timeout, int attempts) {
    public ClientConfig {
        String scheme = String.valueOf(server.getScheme());
        if (server.getHost() == null || !(scheme.equals("http") || scheme.equals("https"))) {
            throw new IllegalArgumentException("server must be an http or https URL with a host, not " + server);
        }
        Objects.requireNonNull(token, "token");
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("timeout must be positive, not " + timeout);
        }
        if (attempts < 1) {
            throw new IllegalArgumentException("attempts must be at least 1, not " + attempts);
        }
    }

    /** Without a token; 30 s and three attempts a call. */
    public static ClientConfig of(URI server) {
        return new ClientConfig(server, "", Duration.ofSeconds(30), 3);
    }

    public ClientConfig withToken(String bearer) {
        return new ClientConfig(server, bearer, timeout, attempts);
    }

    public ClientConfig withTimeout(Duration limit) {
        return new ClientConfig(server, token, limit, attempts);
    }

    public ClientConfig withAttempts(int number) {
        return new ClientConfig(server, token, timeout, number);
    }

    /** Leaves the token out. */
    @Override
    public String toString() {
        return "ClientConfig[server=" + server + ", token=" + (token.isEmpty() ? "none" : "***") + ", timeout="
                + timeout + ", attempts=" + attempts + "]";
    }
}
