package lenstream.connector.opensearch;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.IntSupplier;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * A loopback proxy between a client and OpenSearch that does to bulk requests what networks, gateways and overloaded
 * clusters do. Which fault a request meets is decided by a script; what it does to the items of a request by a seeded
 * generator. Requests other than {@code _bulk} pass.
 *
 * <p>A thread a connection; thread-safe.
 */
final class FaultProxy implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What befalls a bulk request. */
    enum Fault {
        NONE,
        /** The cluster is overloaded: the whole request is refused. */
        BUSY,
        UNAVAILABLE,
        BAD_GATEWAY,
        /** A gateway's own error page, which is no JSON. */
        ERROR_PAGE,
        /** 200 with a body that is none of OpenSearch's. */
        NONSENSE,
        /** The connection ends before anything was forwarded. */
        DROP_REQUEST,
        /** Half of the request reaches the server. */
        CUT_REQUEST,
        /** The server works, its answer is lost. */
        DROP_ANSWER,
        /** Half of the answer comes back. */
        CUT_ANSWER,
        /** Some items never reach the server, and the answer says that it refused them. */
        REFUSE_ITEMS,
        /** The server takes all items, and the answer says that it refused some of them. */
        DENY_ITEMS,
        /** The request arrives twice. */
        TWICE,
        /** The request passes, and arrives once more when others have passed: an old write after newer ones. */
        AGAIN_LATER,
        SLOW
    }

    /**
     * A bulk request on its way.
     *
     * @param number of the request at this proxy, from 0
     * @param items in it
     */
    record Seen(int number, int items, boolean gzip) {}

    private final Map<Fault, LongAdder> struck = new EnumMap<>(Fault.class);

    final LongAdder gzipped = new LongAdder();
    final AtomicInteger largest = new AtomicInteger();

    private final ServerSocket server;
    private final IntSupplier upstream;
    private final Function<Seen, Fault> script;
    private final Random random;
    private final Function<Seen, Duration> slowness;
    private final AtomicInteger requests = new AtomicInteger();
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("fault-proxy-later").factory());
    private volatile boolean cut;

    private FaultProxy(
            ServerSocket server,
            IntSupplier upstream,
            Function<Seen, Fault> script,
            Function<Seen, Duration> slowness,
            long seed) {
        this.server = server;
        this.upstream = upstream;
        this.script = script;
        this.slowness = slowness;
        this.random = new Random(seed);
        for (Fault fault : Fault.values()) {
            struck.put(fault, new LongAdder());
        }
    }

    /**
     * Starts listening on a free loopback port.
     *
     * @param upstream port of the server, which may change
     * @param script fault of each bulk request
     * @param slowness how long a {@link Fault#SLOW} request takes
     */
    static FaultProxy start(
            IntSupplier upstream, Function<Seen, Fault> script, Function<Seen, Duration> slowness, long seed)
            throws IOException {
        var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        var proxy = new FaultProxy(server, upstream, script, slowness, seed);
        Thread.ofPlatform().daemon().name("fault-proxy").start(proxy::accept);
        return proxy;
    }

    String url() {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    /** How often a fault struck. */
    LongAdder strikes(Fault fault) {
        return Objects.requireNonNull(struck.get(fault));
    }

    int requests() {
        return requests.get();
    }

    /** Cuts the network: connections end, and new ones are accepted and ended. Or mends it. */
    void cut(boolean now) {
        cut = now;
        if (now) {
            connections.forEach(FaultProxy::closeQuietly);
        }
    }

    @Override
    public void close() throws IOException {
        later.shutdownNow();
        server.close();
        connections.forEach(FaultProxy::closeQuietly);
        http.shutdownNow();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                if (cut) {
                    client.close();
                } else {
                    connections.add(client);
                    Thread.ofVirtual().start(() -> serve(client));
                }
            } catch (IOException closed) {
                // the loop's condition tells
            }
        }
    }

    private void serve(Socket client) {
        try (client) {
            var in = new BufferedInputStream(client.getInputStream());
            OutputStream out = client.getOutputStream();
            while (true) {
                Message request = Message.read(in);
                if (request == null || cut || !answer(request, out)) {
                    return;
                }
            }
        } catch (IOException | InterruptedException gone) {
            // either side ended: the connection is over
        } finally {
            connections.remove(client);
        }
    }

    /** @return whether the connection goes on */
    private boolean answer(Message request, OutputStream out) throws IOException, InterruptedException {
        if (!request.path().startsWith("/_bulk")) {
            write(out, forward(request, request.body()));
            return true;
        }
        byte[] plain = request.plainBody();
        List<Item> items = Item.of(plain);
        var seen = new Seen(requests.getAndIncrement(), items.size(), request.isGzip());
        largest.accumulateAndGet(items.size(), Math::max);
        if (seen.gzip()) {
            gzipped.increment();
        }
        Fault fault = script.apply(seen);
        strikes(fault).increment();
        switch (fault) {
            case NONE -> write(out, forward(request, request.body()));
            case BUSY -> write(out, error(429, "rejected_execution_exception", "queue is full"));
            case UNAVAILABLE -> write(out, error(503, "cluster_block_exception", "no master"));
            case BAD_GATEWAY -> write(out, new Answer(502, "<html>bad gateway</html>".getBytes(UTF_8)));
            case ERROR_PAGE -> write(out, new Answer(500, "<html>oops</html>".getBytes(UTF_8)));
            case NONSENSE -> write(out, new Answer(200, "<html>welcome</html>".getBytes(UTF_8)));
            case DROP_REQUEST -> {
                return false;
            }
            case CUT_REQUEST -> {
                cutRequest(request);
                return false;
            }
            case DROP_ANSWER -> {
                forward(request, request.body());
                return false;
            }
            case CUT_ANSWER -> {
                byte[] whole = forward(request, request.body()).bytes();
                out.write(whole, 0, whole.length / 2);
                out.flush();
                return false;
            }
            case REFUSE_ITEMS -> write(out, someRefused(request, items, false));
            case DENY_ITEMS -> write(out, someRefused(request, items, true));
            case TWICE -> {
                forward(request, request.body());
                write(out, forward(request, request.body()));
            }
            case AGAIN_LATER -> {
                write(out, forward(request, request.body()));
                later.schedule(() -> forwardQuietly(request), 100 + random.nextInt(900), TimeUnit.MILLISECONDS);
            }
            case SLOW -> {
                // a latch that nobody counts down: the wait that ends with the proxy's own close is not needed
                new CountDownLatch(1).await(slowness.apply(seen).toMillis(), TimeUnit.MILLISECONDS);
                write(out, forward(request, request.body()));
            }
        }
        return true;
    }

    private void forwardQuietly(Message request) {
        try {
            forward(request, request.body());
        } catch (IOException lost) {
            // an old copy that is lost on its way is no fault of its own
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
        }
    }

    private Answer forward(Message request, byte[] body) throws IOException, InterruptedException {
        var builder = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + upstream.getAsInt() + request.path()))
                .timeout(Duration.ofSeconds(60))
                .method(request.method(), HttpRequest.BodyPublishers.ofByteArray(body));
        if (!request.contentType().isEmpty()) {
            builder.header("Content-Type", request.contentType());
        }
        if (body == request.body() && request.isGzip()) {
            builder.header("Content-Encoding", "gzip");
        }
        HttpResponse<byte[]> answer = http.send(builder.build(), HttpResponse.BodyHandlers.ofByteArray());
        return new Answer(answer.statusCode(), answer.body());
    }

    /** Sends the head and half of the body, then ends the connection. */
    private void cutRequest(Message request) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), upstream.getAsInt())) {
            byte[] body = request.plainBody();
            socket.getOutputStream()
                    .write((request.method() + " " + request.path() + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                                    + request.contentType() + "\r\nContent-Length: " + body.length + "\r\n\r\n")
                            .getBytes(ISO_8859_1));
            socket.getOutputStream().write(body, 0, body.length / 2);
            socket.getOutputStream().flush();
        }
    }

    /** About a third of the items are refused, each for a reason of its own. */
    private Answer someRefused(Message request, List<Item> items, boolean butTaken)
            throws IOException, InterruptedException {
        var refused = new boolean[items.size()];
        var passed = new ByteArrayOutputStream();
        for (int i = 0; i < refused.length; i++) {
            refused[i] = random.nextInt(3) == 0;
            if (butTaken || !refused[i]) {
                passed.writeBytes(items.get(i).lines());
            }
        }
        Answer real = passed.size() == 0 ? null : forward(request, passed.toByteArray());
        if (real != null && real.status() != 200) {
            return real;
        }
        JsonNode realItems = real == null
                ? JSON.createArrayNode()
                : JSON.readTree(real.body()).path("items");
        ArrayNode answered = JSON.createArrayNode();
        int next = 0;
        for (int i = 0; i < refused.length; i++) {
            JsonNode outcome = butTaken || !refused[i] ? realItems.get(next++) : null;
            answered.add(refused[i] ? refusal(items.get(i)) : outcome);
        }
        ObjectNode body = JSON.createObjectNode();
        body.set("items", answered);
        return new Answer(200, JSON.writeValueAsBytes(body));
    }

    private ObjectNode refusal(Item item) {
        ObjectNode refusal = JSON.createObjectNode();
        ObjectNode result = refusal.putObject(item.op());
        switch (random.nextInt(4)) {
            case 0 -> result.put("status", 429).putObject("error").put("type", "rejected_execution_exception");
            case 1 -> result.put("status", 503).putObject("error").put("type", "unavailable_shards_exception");
            case 2 -> result.put("status", 429).putObject("error").put("type", "circuit_breaking_exception");
            default -> result.put("status", 403).putObject("error").put("type", "cluster_block_exception");
        }
        return refusal;
    }

    private static Answer error(int status, String type, String reason) {
        ObjectNode body = JSON.createObjectNode();
        body.putObject("error").put("type", type).put("reason", reason);
        return new Answer(status, body.put("status", status).toString().getBytes(UTF_8));
    }

    private static void write(OutputStream out, Answer answer) throws IOException {
        out.write(answer.bytes());
        out.flush();
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // closing is all that was wanted
        }
    }

    /** What goes back to the client. */
    private record Answer(int status, byte[] body) {
        byte[] bytes() {
            var bytes = new ByteArrayOutputStream();
            String type = body.length > 0 && body[0] == '{' ? "application/json" : "text/html";
            bytes.writeBytes(("HTTP/1.1 " + status + " Status\r\nContent-Type: " + type + "\r\nContent-Length: "
                            + body.length + "\r\n\r\n")
                    .getBytes(ISO_8859_1));
            bytes.writeBytes(body);
            return bytes.toByteArray();
        }
    }

    /** One item of a bulk body: its lines, with their ends. */
    private record Item(String op, byte[] lines) {
        static List<Item> of(byte[] body) throws IOException {
            var items = new ArrayList<Item>();
            int at = 0;
            while (at < body.length) {
                int end = lineEnd(body, at);
                String op = JSON.readTree(body, at, end - at).fieldNames().next();
                if (!op.equals("delete")) {
                    end = lineEnd(body, end);
                }
                items.add(new Item(op, Arrays.copyOfRange(body, at, end)));
                at = end;
            }
            return items;
        }

        private static int lineEnd(byte[] body, int from) {
            int at = from;
            while (body[at] != '\n') {
                at++;
            }
            return at + 1;
        }
    }

    /** A request as it came. */
    private record Message(String method, String path, Map<String, String> headers, byte[] body) {
        /** @return null at the end of the connection */
        static @Nullable Message read(InputStream in) throws IOException {
            String first = line(in);
            if (first == null || first.isEmpty()) {
                return null;
            }
            String[] words = first.split(" ", -1);
            var headers = new ConcurrentHashMap<String, String>();
            for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
                int colon = line.indexOf(':');
                headers.put(
                        line.substring(0, colon).toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).strip());
            }
            byte[] body = new byte[0];
            if ("chunked".equalsIgnoreCase(headers.get("transfer-encoding"))) {
                body = chunks(in);
            } else if (headers.containsKey("content-length")) {
                body = in.readNBytes(Integer.parseInt(headers.get("content-length")));
            }
            return new Message(words[0], words[1], headers, body);
        }

        boolean isGzip() {
            return "gzip".equalsIgnoreCase(headers.get("content-encoding"));
        }

        String contentType() {
            return headers.getOrDefault("content-type", "");
        }

        byte[] plainBody() throws IOException {
            return isGzip() ? new GZIPInputStream(new ByteArrayInputStream(body)).readAllBytes() : body;
        }

        private static byte[] chunks(InputStream in) throws IOException {
            var body = new ByteArrayOutputStream();
            while (true) {
                String size = line(in);
                if (size == null) {
                    throw new IOException("the request ends within its body");
                }
                byte[] chunk = in.readNBytes(Integer.parseInt(size.split(";", -1)[0].strip(), 16));
                body.writeBytes(chunk);
                line(in);
                if (chunk.length == 0) {
                    return body.toByteArray();
                }
            }
        }

        private static @Nullable String line(InputStream in) throws IOException {
            var line = new ByteArrayOutputStream();
            for (int c = in.read(); c != '\n'; c = in.read()) {
                if (c < 0) {
                    return line.size() == 0 ? null : line.toString(ISO_8859_1);
                }
                if (c != '\r') {
                    line.write(c);
                }
            }
            return line.toString(ISO_8859_1);
        }
    }
}
