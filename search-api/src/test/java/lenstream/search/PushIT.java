package lenstream.search;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lenstream.core.alert.SecretSeal;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog;
import lenstream.core.config.Secret;
import lenstream.core.index.IndexClient;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.local.LoopbackPorts;
import lenstream.core.web.WebConfig;
import lenstream.search.push.PushConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The receivers of IndexNow and WebSub against a site and a hub over real connections; what they take lies in the command log. */
@ExtendWith(GalleryIndex.Extension.class)
class PushIT {
    private static final String KEY = "0123456789abcdef";
    private static final int A_MINUTE = 6;
    private static final int LEASE_SECONDS = 10; // the shortest that a subscriber takes

    @TempDir
    static Path folder;

    private static final Map<String, String> FILES = new ConcurrentHashMap<>();
    private static HttpServer site;
    private static WebSubHub hub;
    private static SearchServer server;
    private static Http http;
    private static GalleryIndex index;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // closed after all tests
    static void start(GalleryIndex shared) throws Exception {
        index = shared;
        site = site();
        hub = WebSubHub.start(folder, LEASE_SECONDS);
        int port = LoopbackPorts.free();
        server = hub.trustedWhile(() -> SearchServer.start(index.config()
                .withPort(port)
                .withReceiptKey(folder.resolve("receipt-key"))
                .withWeb(WebConfig.defaults().withAllowPrivate(List.of("127.0.0.0/8", "::1/128")))
                .withPush(new PushConfig(true, A_MINUTE, URI.create("http://127.0.0.1:" + port)))));
        http = new Http(server.uri());
    }

    @AfterAll
    static void stop() {
        server.close();
        hub.close();
        site.stop(0);
    }

    /** Figures of indexnow.org's documentation. */
    @Test
    void indexNowIsAnsweredAsItsProtocolSays() throws Exception {
        String a = "127.0.0.1:" + site.getAddress().getPort();
        String b = "localhost:" + site.getAddress().getPort();
        FILES.put("/" + KEY + ".txt", KEY);
        FILES.put("/wrong-key-file.txt", "another-key");

        assertThat(submit(a, "/one", KEY)).as("taken").isEqualTo(200);
        assertThat(pushed()).contains("http://" + a + "/one");
        assertThat(submitAll(a, KEY, List.of("http://" + a + "/two", "http://" + a + "/three")))
                .as("a set is taken")
                .isEqualTo(200);
        assertThat(pushed()).contains("http://" + a + "/two", "http://" + a + "/three");

        assertThat(http.postJson("/indexnow", "no json").status()).isEqualTo(400);
        assertThat(http.get("/indexnow?url=no-url&key=" + KEY).status()).isEqualTo(400);
        assertThat(submitAll(
                        a,
                        KEY,
                        IntStream.rangeClosed(0, 10_000)
                                .mapToObj(i -> "http://" + a + "/" + i)
                                .toList()))
                .as("more than 10,000")
                .isEqualTo(400);
        assertThat(submit(a, "/four", "wrong-key-file"))
                .as("the file holds another key")
                .isEqualTo(403);
        assertThat(submit(a, "/four", "there-is-no-file")).isEqualTo(403);
        assertThat(submit(a, "/four", "short")).as("no key of the scheme").isEqualTo(422);
        assertThat(submitAll(a, KEY, List.of("http://" + a + "/four", "http://" + b + "/four")))
                .as("URLs of two hosts")
                .isEqualTo(422);

        String slow = "slow-key-file";
        FILES.put("/" + slow + ".txt", slow);
        assertThat(submit(b, "/late", slow)).as("the check goes on").isEqualTo(202);
        await(() -> pushed().contains("http://" + b + "/late"), "a late proof counts");

        int status = 200;
        for (int i = 0; i < A_MINUTE && status == 200; i++) {
            status = submit(a, "/more", KEY);
        }
        assertThat(status).as("too many in a minute").isEqualTo(429);
        Http.Answer refused = http.get(address(a, "/more", KEY));
        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.header("Retry-After")).isNotEmpty();
        assertThat(submit(b, "/more", slow)).as("another host").isEqualTo(200);
        assertThat(pushed()).doesNotContain("http://" + a + "/four", "http://" + b + "/four");
    }

    /** Subscribe, verify, deliver, renew, end: W3C WebSub, sections 5 to 7. */
    @Test
    void aHubIsSubscribedVerifiedHeardRenewedAndLeft() throws Exception {
        String topic = hub.topic("news");
        Http.Answer asked = http.postJson("/v1/websub", "{\"topic\":\"" + topic + "\"}");
        assertThat(asked.status()).as(asked.json().toString()).isEqualTo(202);
        assertThat(asked.json().path("topic").asText())
                .as("as rel=self names it")
                .isEqualTo(topic);
        String id = asked.json().path("id").asText();
        await(() -> state(id).equals("active"), "the hub's challenge is answered");
        WebSubHub.Subscriber subscriber = hub.subscriber(topic);
        assertThat(subscriber.secret()).as("through TLS").hasSizeGreaterThan(20);
        assertThat(asked.json().has("secret")).isFalse();

        assertThat(hub.verify(subscriber.callback(), "subscribe", hub.topic("other")))
                .as("a challenge of another topic")
                .isEqualTo(404);
        assertThat(hub.verify(subscriber.callback(), "unsubscribe", topic))
                .as("nobody wants to leave")
                .isEqualTo(404);
        assertThat(hub.deliver(subscriber, "<feed/>", "sha256=" + "0".repeat(64)))
                .as("the sender learns nothing")
                .isEqualTo(204);
        assertThat(hub.deliver(subscriber, "<feed/>", null)).isEqualTo(204);
        assertThat(pushed()).doesNotContain(topic);
        for (String method : List.of("sha1", "sha256", "sha384", "sha512")) {
            long before = pushes(topic);
            assertThat(hub.deliver(
                            subscriber,
                            "<feed>" + method + "</feed>",
                            hub.sign(method, subscriber, "<feed>" + method + "</feed>")))
                    .isEqualTo(204);
            assertThat(pushes(topic)).as(method).isGreaterThan(before);
        }

        assertThat(kept(id)).as("whoever reads the index cannot sign").startsWith("sealed1:");
        keep(id, subscriber.secret(), System.currentTimeMillis()); // as an earlier version did
        long inClear = pushes(topic);
        assertThat(hub.deliver(subscriber, "<feed>clear</feed>", hub.sign("sha256", subscriber, "<feed>clear</feed>")))
                .isEqualTo(204);
        assertThat(pushes(topic)).as("a secret in clear is read").isGreaterThan(inClear);

        await(() -> hub.requests("subscribe", topic) == 2, "it asks again before the lease is over");
        assertThat(System.nanoTime())
                .as("in time")
                .isLessThan(subscriber.sinceNanos() + TimeUnit.SECONDS.toNanos(LEASE_SECONDS));
        await(() -> hub.subscriber(topic).sinceNanos() > subscriber.sinceNanos(), "and is verified again");
        assertThat(hub.subscriber(topic).callback()).isEqualTo(subscriber.callback());
        assertThat(state(id)).isEqualTo("active");
        assertThat(hub.subscriber(topic).secret()).isEqualTo(subscriber.secret());
        assertThat(kept(id)).as("sealed when it was written again").startsWith("sealed1:");

        var foreign = new SecretSeal(folder.resolve("a key of another installation"));
        keep(id, foreign.seal(new Secret(subscriber.secret()), id).value(), 0);
        await(() -> !hub.subscriber(topic).secret().equals(subscriber.secret()), "it asks with another secret");
        long lost = pushes(topic);
        assertThat(hub.deliver(subscriber, "<feed/>", hub.sign("sha256", subscriber, "<feed/>")))
                .isEqualTo(204);
        assertThat(pushes(topic)).as("the lost secret proves nothing").isEqualTo(lost);
        WebSubHub.Subscriber renewed = hub.subscriber(topic);
        assertThat(hub.deliver(renewed, "<feed/>", hub.sign("sha256", renewed, "<feed/>")))
                .isEqualTo(204);
        assertThat(pushes(topic)).isGreaterThan(lost);

        assertThat(http.delete("/v1/websub/" + id).status()).isEqualTo(202);
        await(() -> state(id).isEmpty(), "the hub's challenge to leave is answered");
        assertThat(hub.requests("unsubscribe", topic)).isOne();
        assertThat(hub.deliver(subscriber, "<feed/>", hub.sign("sha256", subscriber, "<feed/>")))
                .as("nobody listens")
                .isEqualTo(404);
    }

    @Test
    void aHubMayDenyAndATopicWithoutAHubIsRefused() throws Exception {
        String topic = hub.topic("denied");
        String id = http.postJson("/v1/websub", "{\"topic\":\"" + topic + "\"}")
                .json()
                .path("id")
                .asText();
        await(() -> state(id).equals("denied"), "the hub's refusal");
        assertThat(subscription(id).path("reason").asText()).isEqualTo("not for you");

        FILES.put("/lonely.xml", "<feed xmlns='http://www.w3.org/2005/Atom'/>");
        Http.Answer none = http.postJson(
                "/v1/websub",
                "{\"topic\":\"http://127.0.0.1:" + site.getAddress().getPort() + "/lonely.xml\"}");
        assertThat(none.status()).isEqualTo(422);
        assertThat(none.json().path("detail").asText()).contains("names no hub");
    }

    private static int submit(String host, String path, String key) {
        return http.get(address(host, path, key)).status();
    }

    private static String address(String host, String path, String key) {
        return "/indexnow?url=" + URLEncoder.encode("http://" + host + path, UTF_8) + "&key=" + key;
    }

    private static int submitAll(String host, String key, List<String> urls) {
        String list = urls.stream().map(url -> "\"" + url + "\"").collect(Collectors.joining(","));
        return http.postJson(
                        "/indexnow", "{\"host\":\"" + host + "\",\"key\":\"" + key + "\",\"urlList\":[" + list + "]}")
                .status();
    }

    private static String state(String id) {
        return subscription(id).path("state").asText();
    }

    private static JsonNode subscription(String id) {
        for (JsonNode subscription : http.get("/v1/websub").json().path("subscriptions")) {
            if (subscription.path("id").asText().equals(id)) {
                return subscription;
            }
        }
        return com.fasterxml.jackson.databind.node.MissingNode.getInstance();
    }

    /** The secret as it stands in the index. */
    private static String kept(String id) {
        try (IndexClient client = IndexClient.open(OpenSearchConfig.at(index.url()))) {
            return client.send("GET", "/" + index.layout.subscriptionIndex() + "/_doc/" + id, null)
                    .json()
                    .at("/_source/secret")
                    .asText();
        }
    }

    private static void keep(String id, String secret, long askedMillis) {
        ObjectNode change = JsonNodeFactory.instance.objectNode();
        change.putObject("doc").put("secret", secret).put("asked", askedMillis);
        try (IndexClient client = IndexClient.open(OpenSearchConfig.at(index.url()))) {
            client.required(client.send(
                    "POST", "/" + index.layout.subscriptionIndex() + "/_update/" + id + "?refresh=true", change));
        }
    }

    private static List<Command> commands() {
        try (IndexClient client = IndexClient.open(OpenSearchConfig.at(index.url()))) {
            return new CommandLog(client, index.layout)
                    .read(CommandLog.Position.START, 10_000)
                    .commands();
        }
    }

    private static List<String> pushed() {
        return commands().stream()
                .filter(command -> command.kind() == Command.Kind.PUSH)
                .map(Command::subject)
                .toList();
    }

    /** The position of a URL's last push; a later one takes its place. */
    private static long pushes(String url) {
        return commands().stream()
                .filter(command -> command.subject().equals(url))
                .mapToLong(Command::position)
                .max()
                .orElse(Command.NO_POSITION);
    }

    private static HttpServer site() throws java.io.IOException {
        // every loopback address: two names of one site are two hosts
        HttpServer server = HttpServer.create(new InetSocketAddress((InetAddress) null, 0), 0);
        server.createContext("/", exchange -> {
            String path = exchange.getRequestURI().getPath();
            String text = FILES.get(path);
            if (path.startsWith("/slow")) {
                try {
                    TimeUnit.MILLISECONDS.sleep(3_300); // longer than a submitter waits
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            byte[] body = text == null ? new byte[0] : text.getBytes(UTF_8);
            exchange.sendResponseHeaders(text == null ? 404 : 200, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
        return server;
    }

    private static void await(BooleanSupplier condition, String what) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }
}
