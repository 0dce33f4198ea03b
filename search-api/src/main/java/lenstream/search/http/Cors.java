package lenstream.search.http;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.net.URI;
import java.util.List;
import lenstream.core.config.Default;

/**
 * Lets pages of other sites call the API from a browser, if they are listed. Credentials are never allowed: tokens travel
 * in {@code Authorization}, which such a page sets itself. Source: the Fetch standard, "CORS protocol". Thread-safe.
 */
public final class Cors implements Filter {
    private static final HeaderName ALLOW_ORIGIN = HeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN;
    private static final String METHODS = "GET, POST, PUT, DELETE";
    private static final String HEADERS = "Authorization, Content-Type, traceparent, Inference-Header-Content-Length";
    private static final String EXPOSED = "Retry-After, Server-Timing, traceresponse, Inference-Header-Content-Length";
    private static final String DAY = "86400";

    private final Config config;

    /** @param origins such as {@code https://app.example}, or {@code *} for every one; none allows none */
    public record Config(@Default("[]") List<String> origins) {
        public Config {
            for (String origin : origins) {
                if (!origin.equals("*") && !isOrigin(origin)) {
                    throw new IllegalArgumentException(
                            "origins must be like https://app.example without a path, or *, not \"" + origin + "\"");
                }
            }
            origins = List.copyOf(origins);
        }

        static Config none() {
            return new Config(List.of());
        }

        private static boolean isOrigin(String text) {
            try {
                URI uri = URI.create(text);
                return uri.getScheme() != null
                        && uri.getScheme().matches("https?")
                        && uri.getHost() != null
                        && (uri.getScheme() + "://" + uri.getAuthority()).equals(text);
            } catch (IllegalArgumentException e) {
                return false;
            }
        }
    }

    public Cors(Config config) {
        this.config = config;
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        String origin = request.headers().first(HeaderNames.ORIGIN).orElse("");
        if (config.origins().isEmpty() || origin.isEmpty()) {
            chain.proceed();
            return;
        }
        boolean any = config.origins().contains("*");
        if (any || config.origins().contains(origin)) {
            response.header(ALLOW_ORIGIN, any ? "*" : origin);
            response.header(HeaderNames.ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
        response.header(HeaderNames.VARY, "Origin");
        boolean preflight = request.prologue().method().equals(Method.OPTIONS)
                && request.headers().contains(HeaderNames.ACCESS_CONTROL_REQUEST_METHOD);
        if (preflight) {
            response.header(HeaderNames.ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            response.header(HeaderNames.ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            response.header(HeaderNames.ACCESS_CONTROL_MAX_AGE, DAY);
            response.status(Status.NO_CONTENT_204).send();
        } else {
            chain.proceed();
        }
    }
}
