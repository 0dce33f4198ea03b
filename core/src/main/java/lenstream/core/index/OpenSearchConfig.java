package lenstream.core.index;

import java.io.Serializable;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import lenstream.core.config.Check;
import lenstream.core.config.Default;
import lenstream.core.config.Secret;
import org.jspecify.annotations.Nullable;

/**
 * How OpenSearch is reached. Immutable.
 *
 * @param urls of one or more nodes, {@code http://host:port} or {@code https://host:port}; a node that fails is left out
 *     for a while
 * @param user for HTTP basic authentication; null where the cluster has no users
 * @param password of {@code user}
 * @param connectTimeout to open a connection
 * @param requestTimeout from a request to its answer
 * @param gzip whether request bodies are compressed; worth it on a slow network only
 */
public record OpenSearchConfig(
        List<String> urls,
        @Nullable String user,
        @Nullable Secret password,
        @Default("5s") Duration connectTimeout,
        @Default("60s") Duration requestTimeout,
        @Default("false") boolean gzip)
        implements Serializable {

    public OpenSearchConfig {
        urls = List.copyOf(urls);
        if (urls.isEmpty()) {
            throw new IllegalArgumentException("urls must name at least one node, for example http://127.0.0.1:19200");
        }
        urls.forEach(OpenSearchConfig::requireHttp);
        if ((user == null) != (password == null)) {
            throw new IllegalArgumentException("user and password belong together: give both or neither");
        }
        Check.positive("connect_timeout", connectTimeout);
        Check.positive("request_timeout", requestTimeout);
    }

    /** One node without users, such as the local one. */
    public static OpenSearchConfig at(String url) {
        return new OpenSearchConfig(List.of(url), null, null, Duration.ofSeconds(5), Duration.ofSeconds(60), false);
    }

    public OpenSearchConfig withRequestTimeout(Duration timeout) {
        return new OpenSearchConfig(urls, user, password, connectTimeout, timeout, gzip);
    }

    private static void requireHttp(String url) {
        try {
            URI uri = URI.create(url);
            boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            if (http && uri.getHost() != null && uri.getUserInfo() == null) {
                return;
            }
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(refusal(url), e);
        }
        throw new IllegalArgumentException(refusal(url));
    }

    private static String refusal(String url) {
        return "\"" + url + "\" is no address of OpenSearch; write for example http://127.0.0.1:19200";
    }
}
