package lenstream.search;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * A hub and publisher as the W3C Recommendation "WebSub" of 2018 describes them, with TLS: topics say in their Link headers
 * where the hub is; a request to subscribe is answered 202 and then verified by a challenge at the callback; deliveries are
 * signed with the subscriber's secret. Topics whose name begins with {@code denied} are denied. Thread-safe.
 */
final class WebSubHub implements AutoCloseable {
    private static final String PASSWORD = "changeit";

    private final HttpsServer server;
    private final Path store;
    private final int leaseSeconds;
    private final HttpClient http = HttpClient.newHttpClient();
    private final Map<String, Subscriber> subscribers = new ConcurrentHashMap<>();
    private final List<Map<String, String>> requests = new CopyOnWriteArrayList<>();

    /**
     * Who confirmed that it wants a topic.
     *
     * @param secret empty for none
     * @param sinceNanos when it was verified last
     */
    record Subscriber(String callback, String topic, String secret, long sinceNanos) {}

    private WebSubHub(HttpsServer server, Path store, int leaseSeconds) {
        this.server = server;
        this.store = store;
        this.leaseSeconds = leaseSeconds;
    }

    /** @param leaseSeconds what every subscriber gets, whatever it asks for */
    static WebSubHub start(Path folder, int leaseSeconds) throws Exception {
        Path store = selfSigned(folder);
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray()), PASSWORD.toCharArray());
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(keys.getKeyManagers(), null, null);
        HttpsServer server = HttpsServer.create(new InetSocketAddress((InetAddress) null, 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(tls));
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        var hub = new WebSubHub(server, store, leaseSeconds);
        server.createContext("/topics/", hub::publish);
        server.createContext("/hub", hub::take);
        server.start();
        return hub;
    }

    /** Runs what opens HTTP clients of the JDK's default trust, which includes this hub meanwhile. */
    <T> T trustedWhile(Supplier<T> action) {
        var before = new HashMap<String, @Nullable String>();
        Map.of("javax.net.ssl.trustStore", store.toString(), "javax.net.ssl.trustStorePassword", PASSWORD)
                .forEach((name, value) -> before.put(name, System.setProperty(name, value)));
        try {
            return action.get();
        } finally {
            before.forEach((name, value) -> {
                if (value == null) {
                    System.clearProperty(name);
                } else {
                    System.setProperty(name, value);
                }
            });
        }
    }

    String topic(String name) {
        return base() + "/topics/" + name;
    }

    Subscriber subscriber(String topic) {
        return Objects.requireNonNull(subscribers.get(topic), topic);
    }

    /** How often this was asked for a topic. */
    long requests(String mode, String topic) {
        return requests.stream()
                .filter(form -> mode.equals(form.get("hub.mode")) && topic.equals(form.get("hub.topic")))
                .count();
    }

    /** Asks a callback whether it means it; 200 only if it repeats the challenge. */
    int verify(String callback, String mode, String topic) throws IOException, InterruptedException {
        String challenge = UUID.randomUUID().toString();
        var query = "hub.mode=" + mode + "&hub.topic=" + URLEncoder.encode(topic, UTF_8) + "&hub.challenge=" + challenge
                + "&hub.lease_seconds=" + leaseSeconds;
        HttpResponse<String> answer =
                send(HttpRequest.newBuilder(URI.create(callback + "?" + query)).GET());
        return answer.statusCode() / 100 == 2 && !answer.body().equals(challenge) ? 500 : answer.statusCode();
    }

    /** @param signature of the content; null for none */
    int deliver(Subscriber to, String content, @Nullable String signature) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(to.callback()))
                .header("Content-Type", "application/atom+xml")
                .header("Link", links(to.topic()))
                .POST(HttpRequest.BodyPublishers.ofString(content));
        if (signature != null) {
            request.header("X-Hub-Signature", signature);
        }
        return send(request).statusCode();
    }

    String sign(String method, Subscriber to, String content) throws GeneralSecurityException {
        String algorithm = "Hmac" + method.toUpperCase(java.util.Locale.ROOT);
        Mac mac = Mac.getInstance(algorithm);
        mac.init(new SecretKeySpec(to.secret().getBytes(UTF_8), algorithm));
        return method + "=" + HexFormat.of().formatHex(mac.doFinal(content.getBytes(UTF_8)));
    }

    @Override
    public void close() {
        server.stop(0);
        http.shutdownNow();
    }

    private void publish(HttpExchange exchange) throws IOException {
        exchange.getResponseHeaders().set("Link", links(base() + exchange.getRequestURI()));
        exchange.getResponseHeaders().set("Content-Type", "application/atom+xml");
        byte[] body = "<feed xmlns='http://www.w3.org/2005/Atom'/>".getBytes(UTF_8);
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private void take(HttpExchange exchange) throws IOException {
        var form = new HashMap<String, String>();
        for (String field : new String(exchange.getRequestBody().readAllBytes(), UTF_8).split("&")) {
            String[] parts = field.split("=", 2);
            form.put(URLDecoder.decode(parts[0], UTF_8), URLDecoder.decode(parts[1], UTF_8));
        }
        requests.add(form);
        exchange.sendResponseHeaders(202, -1);
        exchange.close(); // first the answer, then the verification
        try {
            decide(form);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void decide(Map<String, String> form) throws IOException, InterruptedException {
        String mode = form.getOrDefault("hub.mode", "");
        String topic = form.getOrDefault("hub.topic", "");
        String callback = form.getOrDefault("hub.callback", "");
        if (topic.contains("/denied")) {
            String query = "?hub.mode=denied&hub.topic=" + URLEncoder.encode(topic, UTF_8) + "&hub.reason=not+for+you";
            send(HttpRequest.newBuilder(URI.create(callback + query)).GET());
        } else if (verify(callback, mode, topic) == 200) {
            if (mode.equals("subscribe")) {
                subscribers.put(
                        topic, new Subscriber(callback, topic, form.getOrDefault("hub.secret", ""), System.nanoTime()));
            } else {
                subscribers.remove(topic);
            }
        }
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return http.send(request.timeout(Duration.ofSeconds(10)).build(), HttpResponse.BodyHandlers.ofString());
    }

    private String links(String topic) {
        return "<" + base() + "/hub>; rel=\"hub\", <" + topic + ">; rel=\"self\"";
    }

    private String base() {
        return "https://localhost:" + server.getAddress().getPort();
    }

    /** A key pair for localhost, made by the JDK's own tool. */
    private static Path selfSigned(Path folder) throws IOException, InterruptedException {
        Path file = folder.resolve("hub.p12");
        Process tool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
                        "-genkeypair",
                        "-alias",
                        "hub",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "san=dns:localhost",
                        "-validity",
                        "2",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD,
                        "-keystore",
                        file.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("keytool.log").toFile())
                .start();
        assertThat(tool.waitFor()).isZero();
        return file;
    }
}
