package lenstream.search.push;

import java.net.URI;
import lenstream.core.config.Check;
import lenstream.core.config.Default;
import org.jspecify.annotations.Nullable;

/**
 * Who may push and how. Immutable.
 *
 * @param indexnow whether {@code /indexnow} is answered: then whoever proves by a key file to hold a host may have its
 *     pages visited
 * @param perMinute submissions of one host that are taken a minute
 * @param publicUrl where hubs reach this server, for example {@code https://images.example}; null leaves WebSub off
 */
public record PushConfig(
        @Default("false") boolean indexnow,
        @Default("60") int perMinute,
        @Nullable URI publicUrl) {

    public PushConfig {
        Check.range("per_minute", perMinute, 1, 100_000);
        if (publicUrl != null
                && (publicUrl.getHost() == null
                        || !String.valueOf(publicUrl.getScheme()).startsWith("http"))) {
            throw new IllegalArgumentException(
                    "public_url must be like https://images.example, not \"" + publicUrl + "\"");
        }
    }

    public static PushConfig defaults() {
        return new PushConfig(false, 60, null);
    }
}
