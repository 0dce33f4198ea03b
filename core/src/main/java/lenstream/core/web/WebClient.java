package lenstream.core.web;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import lenstream.core.image.Reason;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.apache.hc.client5.http.async.methods.SimpleRequestBuilder;
import org.apache.hc.client5.http.async.methods.SimpleRequestProducer;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManager;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.EntityDetails;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.http.MessageConstraintException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.nio.AsyncResponseConsumer;
import org.apache.hc.core5.http.nio.CapacityChannel;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.http2.H2StreamResetException;
import org.apache.hc.core5.http2.config.H2Config;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.ssl.SSLContexts;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one HTTP client: crawler, API and commands reach the web through it alone. Each connection resolves its host
 * once, refuses addresses that {@link AddressGuard} denies and connects to the address it checked, so neither a
 * redirect nor a rebinding name leads inside a network. Bodies, headers, redirects and every wait have a limit. HTTP/2
 * where the server offers it, keep-alive, gzip, Brotli and Zstandard. Cookies are never kept.
 *
 * <p>Thread-safe. Blocking: call from a virtual thread.
 */
public final class WebClient implements AutoCloseable {
    private static final int MAX_HEADER_LINE = 16 << 10;
    private static final int MAX_HEADERS = 200;
    /** Of all headers of an answer over HTTP/2, where none has a line of its own. */
    private static final int MAX_HEADER_BYTES = 128 << 10;

    private static final Logger LOG = LoggerFactory.getLogger(WebClient.class);

    private final WebConfig config;
    private final AddressGuard guard;
    private final CloseableHttpAsyncClient client;

    private WebClient(WebConfig config, AddressGuard guard, CloseableHttpAsyncClient client) {
        this.config = config;
        this.guard = guard;
        this.client = client;
    }

    @MustBeClosed
    public static WebClient open(WebConfig config) {
        return open(config, SystemDefaultDnsResolver.INSTANCE);
    }

    @MustBeClosed
    static WebClient open(WebConfig config, DnsResolver resolver) {
        return open(config, resolver, SSLContexts.createDefault());
    }

    /** @param tls whom to trust */
    @MustBeClosed
    static WebClient open(WebConfig config, DnsResolver resolver, SSLContext tls) {
        AddressGuard guard = AddressGuard.allowing(config.allowPrivate());
        PoolingAsyncClientConnectionManager connections = PoolingAsyncClientConnectionManagerBuilder.create()
                .setDnsResolver(new GuardedResolver(resolver, guard))
                .setTlsStrategy(
                        ClientTlsStrategyBuilder.create().setSslContext(tls).buildAsync())
                .setMaxConnTotal(config.maxConnections())
                .setMaxConnPerRoute(8)
                .setDefaultConnectionConfig(ConnectionConfig.custom()
                        .setConnectTimeout(Timeout.of(config.connectTimeout()))
                        .setSocketTimeout(Timeout.of(config.firstByteTimeout()))
                        .setTimeToLive(TimeValue.ofMinutes(5))
                        .setValidateAfterInactivity(TimeValue.ofSeconds(2))
                        .build())
                .build();
        CloseableHttpAsyncClient client = HttpAsyncClients.custom()
                .setConnectionManager(connections)
                .setHttp1Config(Http1Config.custom()
                        .setMaxLineLength(MAX_HEADER_LINE)
                        .setMaxHeaderCount(MAX_HEADERS)
                        .build())
                .setH2Config(H2Config.custom()
                        .setMaxHeaderListSize(MAX_HEADER_BYTES)
                        .setPushEnabled(false)
                        .build())
                .setDefaultRequestConfig(RequestConfig.custom()
                        .setResponseTimeout(Timeout.of(config.firstByteTimeout()))
                        .setConnectionRequestTimeout(Timeout.of(config.connectTimeout()))
                        .setRedirectsEnabled(false)
                        .build())
                .disableRedirectHandling()
                .disableCookieManagement()
                .disableAuthCaching()
                .disableAutomaticRetries()
                .disableContentCompression()
                .setUserAgent(config.userAgent())
                .setIoReactorExceptionCallback(WebClient::log)
                .build();
        client.start();
        return new WebClient(config, guard, client);
    }

    /** What may be reached. */
    public AddressGuard guard() {
        return guard;
    }

    /**
     * One request; a redirect is an answer like another.
     *
     * @param headers sent beside {@code User-Agent} and {@code Accept-Encoding}
     * @throws WebException if no whole answer came within the limits; an HTTP error status is an answer
     * @throws InterruptedException if the calling thread was interrupted; the request is given up
     */
    public WebResponse get(CanonicalUrl url, Map<String, String> headers) throws WebException, InterruptedException {
        SimpleRequestBuilder request =
                SimpleRequestBuilder.get(url.value()).setHeader("Accept-Encoding", ContentCoding.ACCEPTED);
        headers.forEach(request::setHeader);
        return send(url, request);
    }

    /**
     * Sends a body; a redirect is an answer like another.
     *
     * @param headers sent beside {@code User-Agent}
     * @throws WebException if no whole answer came within the limits; an HTTP error status is an answer
     * @throws InterruptedException if the calling thread was interrupted; the request is given up
     */
    public WebResponse post(CanonicalUrl url, byte[] body, String contentType, Map<String, String> headers)
            throws WebException, InterruptedException {
        SimpleRequestBuilder request =
                SimpleRequestBuilder.post(url.value()).setBody(body, ContentType.parse(contentType));
        headers.forEach(request::setHeader);
        return send(url, request);
    }

    private WebResponse send(CanonicalUrl url, SimpleRequestBuilder request) throws WebException, InterruptedException {
        var running = client.execute(
                SimpleRequestProducer.create(request.build()),
                new BoundedBody(url, Math.toIntExact(config.maxBytes().bytes())),
                null);
        try {
            WebResponse response = running.get(config.totalTimeout().toMillis(), TimeUnit.MILLISECONDS);
            // on this thread, so that a large body holds up no other connection
            return response.unpacked(Math.toIntExact(config.maxBytes().bytes()));
        } catch (TimeoutException e) {
            throw new WebException(
                    Reason.TIMEOUT,
                    url + ": not complete after " + config.totalTimeout().toMillis() + " ms",
                    e);
        } catch (ExecutionException e) {
            throw failure(url, e.getCause() == null ? e : e.getCause());
        } catch (CancellationException e) {
            throw new WebException(Reason.CONNECTION_FAILED, url + ": the client was closed", e);
        } finally {
            running.cancel(true); // no effect once it is done
        }
    }

    /**
     * A request that follows redirects, every hop within the limits and checked like the first.
     *
     * @throws WebException if no whole answer came within the limits
     * @throws InterruptedException if the calling thread was interrupted
     */
    public WebResponse fetch(CanonicalUrl url, Map<String, String> headers) throws WebException, InterruptedException {
        CanonicalUrl at = url;
        for (int hop = 0; hop <= config.maxRedirects(); hop++) {
            WebResponse response = get(at, headers);
            if (!response.isRedirect()) {
                return response;
            }
            at = redirect(response);
        }
        throw new WebException(
                Reason.TOO_MANY_REDIRECTS, url + ": more than " + config.maxRedirects() + " redirects, last to " + at);
    }

    /**
     * Where a redirect leads.
     *
     * @throws WebException if its target is no URL that can be fetched
     */
    public static CanonicalUrl redirect(WebResponse response) throws WebException {
        String location = response.header("location").orElse("");
        return response.url()
                .resolve(location)
                .orElseThrow(() -> new WebException(
                        Reason.BAD_URL,
                        response.url() + ": redirects to \"" + shortened(location) + "\", which is no URL"));
    }

    @Override
    public void close() {
        client.close(CloseMode.IMMEDIATE);
    }

    /** The reactor reports that its selector is closed when the client is: that is no failure. */
    private static void log(Exception failure) {
        if (!(failure instanceof ClosedSelectorException)) {
            LOG.warn("HTTP client failed", failure);
        }
    }

    private static String shortened(String text) {
        return text.length() <= 200 ? text : text.substring(0, 200) + "…";
    }

    private static WebException failure(CanonicalUrl url, Throwable cause) {
        for (Throwable t = cause; t != null; t = t.getCause()) {
            if (t instanceof WebException own) {
                return own;
            }
        }
        String what = url + ": ";
        return switch (cause) {
            case AddressDeniedException e -> new WebException(Reason.ADDRESS_DENIED, what + e.getMessage(), e);
            case UnknownHostException e -> new WebException(Reason.CONNECTION_FAILED, what + "unknown host", e);
            case ConnectTimeoutException e -> new WebException(Reason.TIMEOUT, what + "no connection in time", e);
            case SocketTimeoutException e -> new WebException(Reason.TIMEOUT, what + "no answer in time", e);
            case H2StreamResetException e
            when String.valueOf(e.getMessage()).startsWith("Timeout") ->
                new WebException(Reason.TIMEOUT, what + "no answer in time", e);
            case ConnectException e -> new WebException(Reason.CONNECTION_FAILED, what + "connection refused", e);
            case ConnectionClosedException e ->
                new WebException(Reason.TRUNCATED_RESPONSE, what + "the connection ended before the body did", e);
            case MessageConstraintException e ->
                new WebException(Reason.UNEXPECTED_STATUS, what + "headers beyond the limits: " + e.getMessage(), e);
            case HttpException e ->
                new WebException(Reason.UNEXPECTED_STATUS, what + "no proper HTTP: " + e.getMessage(), e);
            default -> new WebException(Reason.CONNECTION_FAILED, what + cause.getMessage(), cause);
        };
    }

    /** Resolves a name and leaves out what the guard denies; the connection goes to the address returned here. */
    private record GuardedResolver(DnsResolver resolver, AddressGuard guard) implements DnsResolver {
        @Override
        public InetAddress[] resolve(String host) throws UnknownHostException {
            return allowed(host, -1, resolver.resolve(host));
        }

        @Override
        public List<InetSocketAddress> resolve(String host, int port) throws UnknownHostException {
            return Arrays.stream(allowed(host, port, resolver.resolve(host)))
                    .map(address -> new InetSocketAddress(address, port))
                    .toList();
        }

        @Override
        public @Nullable String resolveCanonicalHostname(String host) {
            return host;
        }

        private InetAddress[] allowed(String host, int port, InetAddress @Nullable [] found)
                throws UnknownHostException {
            if (found == null || found.length == 0) {
                throw new UnknownHostException(host);
            }
            InetAddress[] kept = Arrays.stream(found)
                    .filter(address -> guard.allows(address, port < 0 ? 443 : port))
                    .toArray(InetAddress[]::new);
            if (kept.length == 0) {
                throw new AddressDeniedException(host, port, found[0]);
            }
            return kept;
        }
    }

    /** Collects a body up to a limit and gives up beyond it. Called by one I/O thread at a time. */
    private static final class BoundedBody implements AsyncResponseConsumer<WebResponse> {
        private final CanonicalUrl url;
        private final int limit;
        private final ByteArrayOutputStream body = new ByteArrayOutputStream();
        private int status;
        private final Map<String, List<String>> headers = new HashMap<>();
        private @Nullable FutureCallback<WebResponse> callback;

        BoundedBody(CanonicalUrl url, int limit) {
            this.url = url;
            this.limit = limit;
        }

        @Override
        public void consumeResponse(
                HttpResponse response,
                @Nullable EntityDetails entity,
                HttpContext context,
                FutureCallback<WebResponse> resultCallback)
                throws IOException {
            callback = resultCallback;
            status = response.getCode();
            for (Header header : response.getHeaders()) {
                headers.computeIfAbsent(header.getName().toLowerCase(Locale.ROOT), name -> new ArrayList<>())
                        .add(header.getValue() == null ? "" : header.getValue());
            }
            if (entity == null) {
                complete();
            } else if (entity.getContentLength() > limit) {
                throw tooLarge("declares " + entity.getContentLength() + " bytes");
            }
        }

        @Override
        public void informationResponse(HttpResponse response, HttpContext context) {}

        @Override
        public void updateCapacity(CapacityChannel capacity) throws IOException {
            capacity.update(Integer.MAX_VALUE);
        }

        @Override
        public void consume(ByteBuffer chunk) throws IOException {
            if (body.size() + chunk.remaining() > limit) {
                throw tooLarge("sends more");
            }
            byte[] bytes = new byte[chunk.remaining()];
            chunk.get(bytes);
            body.write(bytes, 0, bytes.length);
        }

        @Override
        public void streamEnd(@Nullable List<? extends Header> trailers) throws IOException {
            complete();
        }

        @Override
        public void failed(Exception cause) {
            if (callback != null) {
                callback.failed(cause);
            }
        }

        @Override
        public void releaseResources() {
            body.reset();
        }

        private void complete() {
            if (callback != null) {
                callback.completed(new WebResponse(url, status, Map.copyOf(headers), body.toByteArray()));
            }
        }

        private WebException tooLarge(String what) {
            return new WebException(Reason.TOO_LARGE, url + ": " + what + ", the limit is " + limit + " bytes");
        }
    }

    /** A host none of whose addresses may be reached. */
    private static final class AddressDeniedException extends UnknownHostException {
        private static final long serialVersionUID = 1;

        AddressDeniedException(String host, int port, InetAddress address) {
            super(host + " leads to " + address.getHostAddress() + (port < 0 ? "" : " port " + port)
                    + ", which is not allowed; list its network under network.allow_private to reach it");
        }
    }
}
