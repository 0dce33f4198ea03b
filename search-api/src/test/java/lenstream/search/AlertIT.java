package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.xml.parsers.DocumentBuilderFactory;
import lenstream.core.alert.Alert;
import lenstream.core.alert.AlertCounts;
import lenstream.core.alert.AlertMatch;
import lenstream.core.alert.AlertRegister;
import lenstream.core.alert.ImageFilter;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog;
import lenstream.core.index.IndexClient;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.web.WebConfig;
import lenstream.search.alert.AlertConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Element;

/** Alerts against a real index; the matches are written as a job would write them. */
@ExtendWith(GalleryIndex.Extension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AlertIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ATOM = "http://www.w3.org/2005/Atom";

    private GalleryIndex index;
    private final List<Call> calls = new CopyOnWriteArrayList<>();
    private final List<Integer> statuses = new CopyOnWriteArrayList<>();
    private IndexClient client;
    private SearchServer server;
    private Http http;
    private HttpServer receiver;

    private record Call(Map<String, List<String>> headers, byte[] body) {
        String header(String name) {
            return headers.getOrDefault(name, List.of("")).getFirst();
        }

        JsonNode json() {
            try {
                return JSON.readTree(body);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @BeforeAll
    @SuppressWarnings("MustBeClosed")
    void start(GalleryIndex shared) throws Exception {
        index = shared;
        client = IndexClient.open(OpenSearchConfig.at(index.url()));
        receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        receiver.createContext("/hook", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            calls.add(new Call(Map.copyOf(exchange.getRequestHeaders()), body));
            exchange.sendResponseHeaders(statuses.isEmpty() ? 204 : statuses.removeFirst(), -1);
            exchange.close();
        });
        receiver.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        receiver.start();
        serve();
    }

    @AfterEach
    void forget() {
        http.get("/v1/alerts")
                .json()
                .path("alerts")
                .forEach(alert -> assertThat(
                                http.delete("/v1/alerts/" + alert.path("id").asText())
                                        .status())
                        .isEqualTo(204));
        calls.clear();
        statuses.clear();
    }

    @AfterAll
    void stop() {
        server.close();
        receiver.stop(0);
        client.close();
    }

    @SuppressWarnings("MustBeClosed")
    private void serve() {
        server = SearchServer.start(index.config()
                .withWeb(WebConfig.defaults().withAllowPrivate(List.of("127.0.0.0/8")))
                .withAlerts(new AlertConfig(3, Duration.ofMillis(100), Duration.ofMillis(200), Duration.ofDays(1))));
        http = new Http(server.uri());
        await(() -> server.ready());
    }

    @Test
    void anAlertIsKeptWithItsQueryShownWithoutAndEnds() throws Exception {
        byte[] picture = Files.readAllBytes(index.pictures.getFirst().file());
        Http.Answer made = http.postJson(
                "/v1/alerts",
                "{\"name\":\"mine\",\"image\":\"" + Base64.getEncoder().encodeToString(picture)
                        + "\",\"min_cosine\":0.9,\"filter\":{\"min_width\":100,\"host\":[\"a.test\",\"b.test\"]}}");
        assertThat(made.status()).isEqualTo(201);
        String id = made.json().path("id").asText();
        assertThat(made.header("Location")).isEqualTo("/v1/alerts/" + id);

        JsonNode shown = http.get("/v1/alerts/" + id).json();
        assertThat(shown.path("name").asText()).isEqualTo("mine");
        assertThat(shown.path("state").asText()).isEqualTo("active");
        assertThat(shown.path("min_cosine").asDouble()).isEqualTo(0.9);
        assertThat(shown.at("/filter/host")).hasSize(2);
        assertThat(shown.toString())
                .doesNotContain(Base64.getEncoder().encodeToString(picture).substring(0, 40));
        assertThat(http.get("/v1/alerts").json().path("alerts")).hasSize(1);

        Command command = command(id);
        assertThat(command.kind()).isEqualTo(Command.Kind.ALERT_PUT);
        assertThat(command.fingerprint()).isEqualTo(shown.path("fingerprint").asText());
        assertThat(command.threshold()).isEqualTo(0.9);

        assertThat(http.delete("/v1/alerts/" + id).status()).isEqualTo(204);
        assertThat(command(id).kind()).isEqualTo(Command.Kind.ALERT_DELETE);
        assertThat(http.get("/v1/alerts/" + id).status()).isEqualTo(404);
        assertThat(http.delete("/v1/alerts/" + id).status()).isEqualTo(404);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {}                                                          | 400 | exactly one of
            {"text":"dog","k":3}                                        | 400 | "k" is not known
            {"text":"dog","nam":"x"}                                    | 400 | did you mean name
            {"text":"dog","min_score":0.5,"min_cosine":0.2}             | 400 | one threshold
            {"text":"dog","filter":{"colour":"red"}}                    | 400 | color
            {"text":"dog","webhook":{"url":"ftp://a.test/"}}            | 400 | http or https
            {"text":"dog","webhook":{"url":"http://127.0.0.1/","secret":"x"}} | 400 | whsec_
            {"text":"dog","webhook":{"url":"http://10.1.2.3/hook"}}     | 422 | must not reach
            {"text":"dog","webhook":{"url":"http://169.254.169.254/x"}} | 422 | must not reach
            {"text":"dog","webhook":{"url":"http://[::ffff:10.0.0.1]/"}} | 422 | must not reach
            {"text":"dog","fingerprint":"other-1-00000000"}             | 409 | encoder
            {"image":"bm8gaW1hZ2U="}                                    | 415 | cannot be read
            {"id":"00000000000000000000000000000000"}                   | 404 | no image
            """)
    void whatCannotBeAnAlertIsRefusedWithTheRemedy(String body, int status, String says) {
        Http.Answer answer = http.postJson("/v1/alerts", body);
        assertThat(answer.status()).as(answer.json().toString()).isEqualTo(status);
        assertThat(answer.json().path("detail").asText()).contains(says);
        assertThat(http.get("/v1/alerts").json().path("alerts")).isEmpty();
    }

    @Test
    void matchesAreToldSignedTogetherAndAgainUntilTheyAreTaken() throws Exception {
        JsonNode made = alert();
        String id = made.path("id").asText();
        statuses.addAll(List.of(500, 503));
        write(id, 0, 1);
        await(() -> calls.size() == 3);
        for (Call call : calls) {
            assertThat(call.json().at("/data/matches")).hasSize(2);
            assertThat(call.header("Webhook-id")).isEqualTo(calls.getFirst().header("Webhook-id"));
            assertThat(call.header("Webhook-signature"))
                    .isEqualTo(signature(made.at("/webhook/secret").asText(), call));
        }
        JsonNode told = calls.getFirst().json();
        assertThat(told.path("type").asText()).isEqualTo("alert.matched");
        assertThat(told.at("/data/alert/name").asText()).isEqualTo("a picture");
        assertThat(told.at("/data/matches/0/image/id").asText())
                .isEqualTo(index.pictures.getFirst().id());
        await(() -> http.get("/v1/alerts/" + id).json().at("/webhook/delivered").asInt() == 1);

        // who reads the index learns no secret
        String kept = client.send("GET", "/" + index.layout.alertIndex() + "/_doc/" + id, null)
                .json()
                .at("/_source/webhook/secret")
                .asText();
        assertThat(kept).startsWith("sealed1:");
        assertThat(http.get("/v1/alerts/" + id).json().toString()).doesNotContain(kept, "whsec_");

        JsonNode counts = AlertCounts.read(
                        client, index.layout, made.path("fingerprint").asText())
                .json();
        assertThat(counts.path("alerts").asInt()).isOne();
        assertThat(counts.path("stale").asInt()).isZero();
        assertThat(counts.path("matches").asInt()).isEqualTo(2);
        assertThat(counts.path("delivered").asInt()).isEqualTo(2);
        assertThat(counts.path("failed").asInt()).isZero();
        assertThat(AlertCounts.read(client, index.layout, "other-1-00000000").stale())
                .isOne();
        await(() -> http.get("/v1/status").json().path("alerts").toString().equals(counts.toString()));

        // a replay writes the same matches; a new one beside them is told of alone
        write(id, 0, 1, 2);
        await(() -> calls.size() == 4);
        assertThat(calls.getLast().json().at("/data/matches")).hasSize(1);
        assertThat(calls.getLast().json().at("/data/matches/0/image/id").asText())
                .isEqualTo(index.pictures.get(2).id());
    }

    @Test
    void whatCameWhileNobodyWasThereIsToldAfterTheStart() throws Exception {
        String id = alert().path("id").asText();
        AlertMatch[] missed = matches(id, 3);
        server.close();
        put(missed);
        serve();
        await(() -> calls.size() == 1);
        assertThat(calls.getFirst().json().at("/data/matches/0/image/id").asText())
                .isEqualTo(index.pictures.get(3).id());
    }

    @Test
    void aReceiverThatIsGoneIsToldNoMoreAndOneThatRefusesAtLastHasFailed() throws Exception {
        String refusing = alert().path("id").asText();
        statuses.addAll(List.of(400, 301, 500));
        write(refusing, 0);
        await(() -> webhook(refusing).path("failed").asInt() == 1);
        assertThat(calls).hasSize(3);
        assertThat(webhook(refusing).at("/last_error/error").asText()).contains("500");
        assertThat(webhook(refusing).path("state").asText()).isEqualTo("active");

        String gone = alert().path("id").asText();
        statuses.add(410);
        write(gone, 0);
        await(() -> webhook(gone).path("state").asText().equals("disabled"));
        write(gone, 1);
        await(() -> webhook(gone).path("failed").asInt() == 1);
        assertThat(calls).hasSize(4);
        assertThat(http.get("/metrics").response().body())
                .asString(StandardCharsets.UTF_8)
                .contains("lenstream_alert_deliveries_total{result=\"failed\"} 2", "lenstream_alerts ");
    }

    @Test
    void theFeedIsAtomAndShowsOnlyImagesThatAreThere() throws Exception {
        String id = alert().path("id").asText();
        write(id, 0, 1, 2);
        put(new AlertMatch(id, "0".repeat(32), "http://a.test/gone.png", "a.test", "0".repeat(64), 1, "x-1-0", 1));
        JsonNode first = http.get("/v1/alerts/" + id + "/matches?k=2").json();
        assertThat(first.path("matches")).hasSize(2);
        JsonNode rest = http.get("/v1/alerts/" + id + "/matches?k=2&cursor="
                        + first.path("cursor").asText())
                .json();
        assertThat(rest.path("matches")).as("the fourth has no image").hasSize(1);
        assertThat(rest.has("cursor")).isFalse();
        assertThat(http.get("/v1/alerts/" + id + "/matches?cursor=nonsense").status())
                .isEqualTo(400);

        Http.Answer answer = http.get("/v1/alerts/" + id + "/feed");
        assertThat(answer.header("Content-Type")).startsWith("application/atom+xml");
        Element feed = xml(answer);
        assertThat(feed.getNamespaceURI()).isEqualTo(ATOM);
        List<Element> entries = children(feed, "entry");
        assertThat(entries).hasSize(3);
        for (Element element : List.of(feed, entries.get(0), entries.get(1))) {
            assertThat(children(element, "id")).hasSize(1);
            assertThat(children(element, "title")).hasSize(1);
            assertThat(children(element, "updated")).hasSize(1);
            assertThat(children(element, "link")).isNotEmpty();
        }
        assertThat(children(feed, "author")).hasSize(1);
        assertThat(entries.stream()
                        .map(entry -> children(entry, "id").getFirst().getTextContent()))
                .doesNotHaveDuplicates()
                .allMatch(text -> text.matches("urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"));
        String thumbnail = ((Element) entries.getFirst()
                        .getElementsByTagNameNS("http://search.yahoo.com/mrss/", "thumbnail")
                        .item(0))
                .getAttribute("url");
        assertThat(thumbnail).startsWith(server.uri().toString()).endsWith("/thumbnail");
        assertThat(http.get("/v1/alerts/" + id + "/feed", "If-None-Match", answer.header("ETag"))
                        .status())
                .isEqualTo(304);
        Element page = xml(http.get("/v1/alerts/" + id + "/feed?k=1"));
        assertThat(children(page, "link"))
                .filteredOn(link -> link.getAttribute("rel").equals("next"))
                .singleElement()
                .satisfies(link ->
                        assertThat(xml(http.get(link.getAttribute("href")))).isNotNull());
    }

    @Test
    void anAlertOfAnotherEncoderGetsAVectorOfThisOne() throws Exception {
        server.close();
        var register = new AlertRegister(client, index.layout);
        String id = "ab".repeat(16);
        register.enter(new Alert(
                id,
                "moved",
                "a dog",
                JSON.readTree("{\"text\":\"a dog\"}"),
                true,
                ImageFilter.NONE,
                0.5,
                List.of(new Alert.Space("older-1-00000000", 0.2)),
                null,
                null,
                "test",
                1));
        serve();
        await(() -> http.get("/v1/alerts/" + id).json().path("state").asText().equals("active"));
        assertThat(command(id).fingerprint())
                .isEqualTo(
                        http.get("/v1/alerts/" + id).json().path("fingerprint").asText());
    }

    private JsonNode alert() {
        String hook = "http://127.0.0.1:" + receiver.getAddress().getPort() + "/hook";
        Http.Answer answer = http.postJson(
                "/v1/alerts",
                "{\"name\":\"a picture\",\"id\":\"" + index.pictures.getFirst().id() + "\",\"webhook\":{\"url\":\""
                        + hook + "\"}}");
        assertThat(answer.status()).as(answer.json().toString()).isEqualTo(201);
        return answer.json();
    }

    private JsonNode webhook(String id) {
        return http.get("/v1/alerts/" + id).json().path("webhook");
    }

    /** In one request, as a job's sink does. */
    private void write(String alert, int... pictures) {
        put(matches(alert, pictures));
    }

    private AlertMatch[] matches(String alert, int... pictures) {
        var matches = new ArrayList<AlertMatch>();
        for (int picture : pictures) {
            JsonNode image =
                    http.get("/v1/images/" + index.pictures.get(picture).id()).json();
            matches.add(new AlertMatch(
                    alert,
                    image.path("id").asText(),
                    image.path("url").asText(),
                    image.path("host").asText(),
                    image.path("sha256").asText(),
                    0.95,
                    image.path("fingerprint").asText(),
                    1_000_000L - picture));
        }
        return matches.toArray(AlertMatch[]::new);
    }

    private void put(AlertMatch... matches) {
        var bulk = new StringBuilder();
        for (AlertMatch match : matches) {
            bulk.append("{\"index\":{\"_id\":\"").append(match.id()).append("\",\"version\":");
            bulk.append(match.observedAtMillis()).append(",\"version_type\":\"external_gte\"}}\n");
            bulk.append(new String(match.json(), StandardCharsets.UTF_8)).append('\n');
        }
        var answer = client.send(
                "POST",
                "/" + index.layout.matchIndex() + "/_bulk?refresh=true",
                bulk.toString().getBytes(StandardCharsets.UTF_8),
                "application/x-ndjson");
        assertThat(answer.json().path("errors").asBoolean()).as(answer.text()).isFalse();
    }

    private Command command(String alert) {
        return new CommandLog(client, index.layout)
                .read(CommandLog.Position.START, 10_000).commands().stream()
                        .filter(command -> command.key().startsWith("alert-" + alert))
                        .findFirst()
                        .orElseThrow();
    }

    /** The receiver's side of Standard Webhooks, written from its specification. */
    private static String signature(String secret, Call call) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(Base64.getDecoder().decode(secret.substring("whsec_".length())), "HmacSHA256"));
        mac.update((call.header("Webhook-id") + "." + call.header("Webhook-timestamp") + ".")
                .getBytes(StandardCharsets.UTF_8));
        return "v1," + Base64.getEncoder().encodeToString(mac.doFinal(call.body()));
    }

    private static Element xml(Http.Answer answer) throws Exception {
        var factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        return factory.newDocumentBuilder()
                .parse(new ByteArrayInputStream(answer.response().body()))
                .getDocumentElement();
    }

    private static List<Element> children(Element of, String name) {
        var found = new ArrayList<Element>();
        for (var node = of.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element element && element.getLocalName().equals(name)) {
                found.add(element);
            }
        }
        return found;
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }
}
