package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import lenstream.core.config.Secret;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;
import org.opensearch.client.json.jackson.JacksonJsonpMapper;
import org.opensearch.client.opensearch.generic.Body;
import org.opensearch.client.opensearch.generic.OpenSearchGenericClient;
import org.opensearch.client.opensearch.generic.Requests;
import org.opensearch.client.opensearch.generic.Response;
import org.opensearch.client.transport.OpenSearchTransport;
import org.opensearch.client.transport.httpclient5.ApacheHttpClient5TransportBuilder;
import org.slf4j.MDC;

/**
 * The way to OpenSearch, for the writer and the reader alike: bodies that this program wrote, over opensearch-java's
 * transport (keep-alive, a failing node is left out for a while). Nothing that a client of ours sends passes through.
 *
 * <p>Thread-safe. {@link #send} blocks: call it from a virtual thread.
 */
public final class IndexClient implements AutoCloseable {
    /**
     * The key of SLF4J's MDC whose value goes along with each request: the W3C trace context of what caused it. Its trace is
     * also the request's {@code X-Opaque-Id}, which OpenSearch shows in its slow log and list of tasks.
     */
    public static final String TRACE = "traceparent";

    private static final int TRACE_PARTS = 4;

    private final OpenSearchConfig config;
    private final OpenSearchTransport transport;
    private final OpenSearchGenericClient client;

    private IndexClient(OpenSearchConfig config, OpenSearchTransport transport) {
        this.config = config;
        this.transport = transport;
        this.client = new OpenSearchGenericClient(transport);
    }

    @MustBeClosed
    public static IndexClient open(OpenSearchConfig config) {
        HttpHost[] hosts = config.urls().stream().map(IndexClient::host).toArray(HttpHost[]::new);
        OpenSearchTransport transport = ApacheHttpClient5TransportBuilder.builder(hosts)
                .setMapper(new JacksonJsonpMapper())
                .setCompressionEnabled(config.gzip())
                .setConnectionConfigCallback(
                        connection -> connection.setConnectTimeout(Timeout.of(config.connectTimeout())))
                .setRequestConfigCallback(request -> request.setResponseTimeout(Timeout.of(config.requestTimeout()))
                        .setConnectionRequestTimeout(Timeout.of(config.requestTimeout())))
                .setHttpClientConfigCallback(http -> {
                    Secret password = config.password();
                    if (config.user() != null && password != null) {
                        var credentials = new BasicCredentialsProvider();
                        for (HttpHost host : hosts) {
                            credentials.setCredentials(
                                    new AuthScope(host),
                                    new UsernamePasswordCredentials(
                                            config.user(), password.value().toCharArray()));
                        }
                        http.setDefaultCredentialsProvider(credentials);
                    }
                    return http.disableAutomaticRetries();
                })
                .build();
        return new IndexClient(config, transport);
    }

    /** The first node's address, for messages. */
    public String url() {
        return config.urls().getFirst();
    }

    /**
     * One request; every HTTP status is an answer.
     *
     * @param path begins with a slash; parts of it are escaped by the caller
     * @throws IndexUnavailableException if no answer came
     */
    public IndexAnswer send(String method, String path, @Nullable JsonNode body) {
        return send(
                method,
                path,
                body == null ? null : body.toString().getBytes(StandardCharsets.UTF_8),
                "application/json");
    }

    /** As {@link #send(String, String, JsonNode)}, with a body of any kind. */
    public IndexAnswer send(String method, String path, byte @Nullable [] body, String contentType) {
        var answer = sendAsync(method, path, body, contentType);
        try {
            return answer.get();
        } catch (InterruptedException e) {
            answer.cancel(true);
            Thread.currentThread().interrupt();
            throw new IndexUnavailableException("interrupted while OpenSearch worked on " + method + " " + path, e);
        } catch (ExecutionException e) {
            throw failure(e.getCause() == null ? e : e.getCause());
        }
    }

    /**
     * Many writes in one request, as {@link #send(String, String, byte[], String)}; what became of each is in the answer.
     *
     * @param path ends with {@code _bulk} and its parameters
     * @param lines of JSON
     */
    public IndexAnswer bulk(String path, byte[] lines) {
        return send("POST", path, lines, "application/x-ndjson");
    }

    /**
     * The body of an answer that has to be a success.
     *
     * @throws IndexException if it is none, with what OpenSearch says
     */
    public JsonNode required(IndexAnswer answer) {
        if (!answer.ok()) {
            throw new IndexException("OpenSearch at " + url() + " answers " + answer.status() + ": " + answer.text());
        }
        return answer.json();
    }

    /**
     * One request without waiting. The future fails with {@link IndexUnavailableException} if no answer came.
     *
     * @param body sent as it is and not written to until the future is done; null for none
     */
    public CompletableFuture<IndexAnswer> sendAsync(
            String method, String path, byte @Nullable [] body, String contentType) {
        Body content = body == null ? null : Body.from(body, contentType);
        return traced().executeAsync(Requests.create(method, path, List.of(), Map.of(), content))
                .handle((response, failure) -> {
                    if (failure != null) {
                        throw failure(failure);
                    }
                    return answer(response);
                });
    }

    /** The client with the headers of the thread's trace; the transport passes on those of its options alone, not a request's. */
    private OpenSearchGenericClient traced() {
        String parent = MDC.get(TRACE);
        String[] parts = parent == null ? new String[0] : parent.split("-");
        return parts.length < TRACE_PARTS
                ? client
                : client.withTransportOptions(transport.options().with(options -> {
                    options.addHeader(TRACE, parent);
                    options.addHeader("X-Opaque-Id", parts[1]);
                }));
    }

    @Override
    public void close() {
        try {
            transport.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static IndexAnswer answer(Response response) {
        try (response) {
            byte[] bytes = response.getBody().map(Body::bodyAsBytes).orElseGet(() -> new byte[0]);
            return new IndexAnswer(response.getStatus(), bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private IndexException failure(Throwable thrown) {
        Throwable cause = thrown;
        while ((cause instanceof CompletionException || cause instanceof ExecutionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof IndexException own) {
            return own;
        }
        return new IndexUnavailableException(
                "OpenSearch does not answer at " + url()
                        + ": start it with ./lenstream up or name another with --opensearch ("
                        + cause.getClass().getSimpleName()
                        + (cause.getMessage() == null ? "" : ": " + cause.getMessage()) + ")",
                cause);
    }

    private static HttpHost host(String url) {
        try {
            return HttpHost.create(new URI(url));
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(url, e); // OpenSearchConfig checked it
        }
    }
}
