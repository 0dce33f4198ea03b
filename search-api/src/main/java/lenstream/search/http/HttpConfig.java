package lenstream.search.http;

import java.util.List;
import lenstream.core.config.Check;
import lenstream.core.config.DataSize;
import lenstream.core.config.Default;

/**
 * How the server treats requests. Immutable.
 *
 * @param maxBody largest request body
 * @param maxConcurrent requests that work at once; more wait a moment and are then sent away with 429
 * @param tokens bearer tokens; none leaves reads open and keeps writes to this machine
 */
public record HttpConfig(
        @Default("32MiB") DataSize maxBody,
        @Default("64") int maxConcurrent,
        @Default("[]") List<AccessToken> tokens) {
    public HttpConfig {
        Check.range("max_body", maxBody.bytes(), 1, Integer.MAX_VALUE - 64);
        Check.range("max_concurrent", maxConcurrent, 1, 10_000);
        if (tokens.stream().map(AccessToken::name).distinct().count() < tokens.size()) {
            throw new IllegalArgumentException(
                    "tokens must have different names: logs tell their holders apart by them");
        }
        tokens = List.copyOf(tokens);
    }

    public static HttpConfig defaults() {
        return new HttpConfig(DataSize.ofMebibytes(32), 64, List.of());
    }

    public HttpConfig withMaxBody(DataSize size) {
        return new HttpConfig(size, maxConcurrent, tokens);
    }

    public HttpConfig withMaxConcurrent(int requests) {
        return new HttpConfig(maxBody, requests, tokens);
    }

    public HttpConfig withTokens(List<AccessToken> known) {
        return new HttpConfig(maxBody, maxConcurrent, known);
    }
}
