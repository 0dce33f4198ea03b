package lenstream.search.remote;

import io.soabase.recordbuilder.core.RecordBuilder;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import lenstream.core.config.Check;
import lenstream.core.config.Default;
import lenstream.core.config.Secret;
import org.jspecify.annotations.Nullable;

/**
 * Where the towers run that queries are embedded with. What is read of an image, its preprocessing, the tokens of a text and the
 * pooling stay here and follow the bundle, whose golden vectors the other side must give. Immutable.
 *
 * @param urls of one or more servers with the same models, as {@code grpc://host:8001}, {@code http://host:8000}, with TLS {@code
 *     grpcs://} or {@code https://}; asked in turn. They are the operator's own: no address is refused
 * @param imageModel name of the image tower there; null for the encoder's name and {@code -image}
 * @param textModel name of the text tower there; null for the encoder's name and {@code -text}
 * @param timeout longest time for an answer
 * @param startTimeout how long the models are waited for at the start
 * @param batch most images of a call; how many texts the bundle says
 * @param calls at once, for each tower
 * @param token sent as {@code Authorization: Bearer}; null for none
 * @param authority PEM file of the authorities that the servers' certificates must come from; null for the JDK's
 */
@RecordBuilder
public record RemoteConfig(
        List<String> urls,
        @Nullable String imageModel,
        @Nullable String textModel,
        @Default("2s") Duration timeout,
        @Default("60s") Duration startTimeout,
        @Default("8") int batch,
        @Default("4") int calls,
        @Nullable Secret token,
        @Nullable Path authority)
        implements RemoteConfigBuilder.With {
    private static final Set<String> SCHEMES = Set.of("grpc", "grpcs", "http", "https");

    public RemoteConfig {
        urls = List.copyOf(urls);
        if (urls.isEmpty()) {
            throw new IllegalArgumentException("urls must name at least one server, for example grpc://127.0.0.1:8001");
        }
        urls.forEach(RemoteConfig::uri);
        Check.positive("timeout", timeout);
        Check.positive("start_timeout", startTimeout);
        Check.range("batch", batch, 1, 256);
        Check.range("calls", calls, 1, 256);
        if (authority != null && !Files.isReadable(authority)) {
            throw new IllegalArgumentException("authority: there is no readable file " + authority);
        }
    }

    /** One server, all else by default. */
    public static RemoteConfig at(String url) {
        return new RemoteConfig(
                List.of(url), null, null, Duration.ofSeconds(2), Duration.ofSeconds(60), 8, 4, null, null);
    }

    static URI uri(String url) {
        try {
            URI uri = URI.create(url);
            if (uri.getScheme() != null
                    && SCHEMES.contains(uri.getScheme())
                    && uri.getHost() != null
                    && uri.getPort() > 0
                    && uri.getUserInfo() == null) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(refusal(url), e);
        }
        throw new IllegalArgumentException(refusal(url));
    }

    private static String refusal(String url) {
        return "\"" + url + "\" is no address of an inference server; write for example grpc://127.0.0.1:8001 or"
                + " http://127.0.0.1:8000";
    }
}
