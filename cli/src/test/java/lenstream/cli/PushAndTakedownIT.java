package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lenstream.connector.crawl.FrontierSource;
import lenstream.connector.crawl.Seeds;
import lenstream.connector.crawl.SeedsFile;
import lenstream.core.command.CommandLog;
import lenstream.core.config.ConfigReader;
import lenstream.core.image.ImageId;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.local.LoopbackPorts;
import lenstream.core.takedown.ReceiptKey;
import lenstream.core.takedown.TakedownSubject;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.job.CrawlRun;
import lenstream.job.IndexRun;
import lenstream.job.JobSettings;
import lenstream.search.SearchProgram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * From a push to a search, to an alert and its webhook, and from a take-down to their absence: API, command log, job and index as they run in production,
 * against a site that nothing but the pushes leads to.
 */
@Timeout(240)
class PushAndTakedownIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String KEY = "0123456789abcdef";
    private static final Path ROOT = Path.of(System.getProperty("lenstream.root", ".."));
    private static final Path BUNDLE = ROOT.resolve("models/lensmini");

    private final HttpClient http = HttpClient.newHttpClient();
    private final Map<String, byte[]> files = new ConcurrentHashMap<>();
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final List<String> called = new CopyOnWriteArrayList<>();

    @TempDir
    Path folder;

    @Test
    @SuppressWarnings("MustBeClosed") // the first run is closed in the middle
    void aPushIsFoundInSecondsAndATakedownHoldsAgainstPushAndRestart() throws Exception {
        List<Path> pictures = pictures(3);
        HttpServer site = site();
        String host = "127.0.0.1:" + site.getAddress().getPort();
        String base = "http://" + host;
        try (LocalOpenSearch node = LocalOpenSearch.start(
                        LocalOpenSearch.Config.of(
                                        ROOT.resolve("infra/opensearch/target/opensearch"), folder.resolve("os"))
                                .withQuickStart(true),
                        line -> {});
                ExecutorService jobs = Executors.newSingleThreadExecutor()) {
            OpenSearchConfig openSearch = OpenSearchConfig.at("http://127.0.0.1:" + node.httpPort());
            IndexRun run = run(base, openSearch);
            CrawlRun first = run.startHere(folder.resolve("job"), LoopbackPorts.free(), counts -> {});
            var ending = jobs.submit(() -> first.await(true));
            String a = base + "/a.jpg";
            String b = base + "/albums/b.jpg";
            String c = base + "/albums/c.jpg";
            try (Api api = Api.start(folder, openSearch)) {
                await(() -> get(api, "/health/ready").statusCode() == 200);
                files.put(
                        "/new.html",
                        "<html><body><h1>New</h1><img src=\"/a.jpg\" alt=\"an a\"></body></html>"
                                .getBytes(StandardCharsets.UTF_8));
                files.put("/a.jpg", Files.readAllBytes(pictures.get(0)));
                files.put("/albums/b.jpg", Files.readAllBytes(pictures.get(1)));
                files.put("/albums/c.jpg", Files.readAllBytes(pictures.get(2)));

                // IndexNow: the key file decides
                String page = URLEncoder.encode(base + "/new.html", StandardCharsets.UTF_8);
                assertThat(get(api, "/indexnow?url=" + page + "&key=" + KEY).statusCode())
                        .isEqualTo(403);
                assertThat(get(api, "/indexnow?url=" + page + "&key=short").statusCode())
                        .isEqualTo(422);
                assertThat(get(api, "/indexnow?key=" + KEY).statusCode()).isEqualTo(400);
                String key2 = "fedcba9876543210";
                files.put("/" + key2 + ".txt", (key2 + "\n").getBytes(StandardCharsets.UTF_8));
                long pushed = System.nanoTime();
                assertThat(get(api, "/indexnow?url=" + page + "&key=" + key2).statusCode())
                        .isEqualTo(200);
                await(() -> found(api, a));
                System.out.printf("from push to searchable: %.1f s%n", (System.nanoTime() - pushed) / 1e9);
                assertThat(hit(api, a).path("page_url").asText()).isEqualTo(base + "/new.html");
                assertThat(hit(api, a).path("via").asText()).isEqualTo("push");

                // an alert that waits for b, told to a receiver that is away
                int receiverPort = LoopbackPorts.free();
                JsonNode alert = post(
                        api,
                        "/v1/alerts",
                        "{\"image\":\"" + Base64.getEncoder().encodeToString(files.get("/albums/b.jpg"))
                                + "\",\"min_cosine\":0.98,\"filter\":{\"host\":\"" + host + "\"},\"webhook\":{\"url\":"
                                + "\"http://127.0.0.1:" + receiverPort + "/hook\"}}");
                String itsPath = "/v1/alerts/" + alert.path("id").asText();
                assertThat(matches(api, itsPath)).isEmpty();

                // POST /v1/crawl: images at once
                JsonNode taking = post(api, "/v1/crawl", "{\"urls\":[\"" + b + "\",\"" + c + "\",\"nonsense\"]}");
                assertThat(taking.path("accepted").asInt()).isEqualTo(2);
                await(() -> found(api, b) && found(api, c));
                await(() -> matches(api, itsPath).equals(List.of(b)));
                await(() -> JSON.readTree(get(api, itsPath).body())
                        .at("/webhook/last_error/error")
                        .asText()
                        .contains("refused"));
                HttpServer receiver = receiver(receiverPort);
                await(() -> called.size() == 1);
                JsonNode told = JSON.readTree(called.getFirst());
                assertThat(told.at("/data/matches")).hasSize(1);
                assertThat(told.at("/data/matches/0/image/url").asText()).isEqualTo(b);
                assertThat(get(api, itsPath + "/feed").body()).contains("<feed", b, "/v1/images/" + ImageId.ofUrl(b));

                // a take-down is effective when it is answered
                JsonNode taken =
                        post(api, "/v1/takedowns", "{\"subject\":\"" + base + "/albums/*\",\"reason\":\"asked for\"}");
                assertThat(found(api, b)).isFalse();
                assertThat(found(api, c)).isFalse();
                assertThat(found(api, a)).isTrue();
                assertThat(matches(api, itsPath)).isEmpty();
                assertThat(get(api, itsPath + "/feed").body()).doesNotContain(b);
                assertThat(taken.at("/removed/images").asInt()).isEqualTo(2);
                JsonNode receipt = ReceiptKey.at(folder.resolve("receipt-key"))
                        .verified(taken.at("/receipts/0").asText())
                        .orElseThrow();
                assertThat(receipt.path("subject").asText()).isEqualTo(base + "/albums/*");
                assertThat(receipt.at("/removed/images").asInt()).isEqualTo(2);

                // and holds against what is pushed afterwards; the marker shows that the job got so far
                long before = requests("/albums/b.jpg");
                post(api, "/v1/crawl", "{\"urls\":[\"" + b + "\"]}");
                files.put("/mark.jpg", Files.readAllBytes(pictures.get(0)));
                post(api, "/v1/crawl", "{\"urls\":[\"" + base + "/mark.jpg\"]}");
                await(() -> found(api, base + "/mark.jpg"));
                assertThat(requests("/albums/b.jpg")).isEqualTo(before);
                assertThat(found(api, b)).isFalse();

                // what looks alike goes too: the marker shows the same picture as a
                String id = ImageId.ofUrl(a);
                JsonNode similar = post(api, "/v1/takedowns", "{\"similar_to\":\"" + id + "\",\"threshold\":0.99}");
                assertThat(similar.at("/removed/images").asInt()).isEqualTo(2);
                assertThat(found(api, a)).isFalse();

                // a restart from the savepoint remembers both
                first.stop();
                ending.get(120, TimeUnit.SECONDS);
                first.close();
                try (CrawlRun second =
                        run(base, openSearch).startHere(folder.resolve("job"), LoopbackPorts.free(), counts -> {})) {
                    var secondEnding = jobs.submit(() -> second.await(true));
                    files.put("/copy.jpg", Files.readAllBytes(pictures.get(0)));
                    files.put("/other.jpg", Files.readAllBytes(pictures.get(2)));
                    post(
                            api,
                            "/v1/crawl",
                            "{\"urls\":[\"" + b + "\",\"" + base + "/copy.jpg\",\"" + base + "/other.jpg\"]}");
                    await(() -> found(api, base + "/other.jpg"));
                    assertThat(found(api, b)).isFalse();
                    assertThat(found(api, base + "/copy.jpg")).isFalse();

                    // revoked, a push brings it back although the bytes are those that were known
                    HttpResponse<String> revoked = send(
                            api,
                            HttpRequest.newBuilder().DELETE(),
                            "/v1/takedowns/" + taken.path("id").asText());
                    assertThat(JSON.readTree(revoked.body()).path("receipts")).hasSize(2);
                    post(api, "/v1/crawl", "{\"urls\":[\"" + b + "\"]}");
                    await(() -> found(api, b));
                    await(() -> matches(api, itsPath).equals(List.of(b))); // the alert was in the savepoint

                    // a page that is pushed because it is gone takes its images along, though nobody pushes them
                    files.put(
                            "/album.html",
                            "<html><body><img src=\"/albums/c.jpg\"></body></html>".getBytes(StandardCharsets.UTF_8));
                    post(api, "/v1/crawl", "{\"urls\":[\"" + base + "/album.html\"]}");
                    await(() -> found(api, c));
                    files.remove("/album.html");
                    files.remove("/albums/c.jpg");
                    post(api, "/v1/crawl", "{\"urls\":[\"" + base + "/album.html\"]}");
                    await(() -> !found(api, c));

                    killedWhileItTakesDown(api, openSearch, b);
                    second.stop();
                    secondEnding.get(120, TimeUnit.SECONDS);
                }
                assertThat(called).as("the same bytes are told of once").hasSize(1);
                receiver.stop(0);
            }
        } finally {
            site.stop(0);
        }
    }

    /** What stands in the log when the server is killed outright becomes effective, and has its receipt. */
    private void killedWhileItTakesDown(Api api, OpenSearchConfig openSearch, String url) throws Exception {
        String id = TakedownSubject.parse(url).id();
        try (IndexClient client = IndexClient.open(openSearch)) {
            var log = new CommandLog(client, IndexLayout.defaults());
            Thread asking = Thread.ofVirtual().start(() -> {
                try {
                    post(api, "/v1/takedowns", "{\"subject\":\"" + url + "\",\"reason\":\"the owner\"}");
                } catch (IOException | InterruptedException e) {
                    // killed before it answered
                }
            });
            await(() -> log.read(CommandLog.Position.START, 1_000).commands().stream()
                    .anyMatch(command -> command.key().equals(id)));
            api.process().destroyForcibly();
            asking.join();
        }
        try (Api next = Api.start(folder, openSearch)) {
            await(() -> get(next, "/health/ready").statusCode() == 200);
            await(() -> get(next, "/v1/takedowns/" + id).statusCode() == 200);
            assertThat(found(next, url)).isFalse();
            assertThat(get(next, "/v1/takedowns/" + id).body()).contains("the owner");
        }
    }

    private IndexRun run(String base, OpenSearchConfig openSearch) {
        Seeds seeds = Seeds.of("test", ConfigReader.parse("test", """
                        sites: [{url: "%s/"}]
                        network: {allow_private: ["127.0.0.0/8"], min_delay: 0s, contact: "https://lenstream.example/test"}
                        """.formatted(base), SeedsFile.class));
        return new IndexRun(
                FrontierSource.follow(seeds),
                seeds.fetch(),
                EmbedConfig.defaults(BUNDLE),
                openSearch,
                IndexLayout.defaults(),
                JobSettings.named("push-test"),
                null);
    }

    private HttpServer site() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        files.put("/", "<html><body>nothing here</body></html>".getBytes(StandardCharsets.UTF_8));
        server.createContext("/", exchange -> {
            String path = exchange.getRequestURI().getPath();
            asked.add(path);
            byte[] body = files.get(path);
            if (body == null) {
                exchange.sendResponseHeaders(404, -1);
            } else {
                exchange.getResponseHeaders()
                        .set(
                                "Content-Type",
                                path.endsWith(".jpg")
                                        ? "image/jpeg"
                                        : path.endsWith(".txt") ? "text/plain" : "text/html");
                exchange.getResponseHeaders().set("ETag", "\"" + ImageId.sha256(body) + "\"");
                if (("\"" + ImageId.sha256(body) + "\"")
                        .equals(exchange.getRequestHeaders().getFirst("If-None-Match"))) {
                    exchange.sendResponseHeaders(304, -1);
                } else {
                    exchange.sendResponseHeaders(200, body.length);
                    exchange.getResponseBody().write(body);
                }
            }
            exchange.close();
        });
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
        return server;
    }

    private HttpServer receiver(int port) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext("/hook", exchange -> {
            boolean signed =
                    exchange.getRequestHeaders().getFirst("webhook-signature").startsWith("v1,");
            called.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            exchange.sendResponseHeaders(signed ? 204 : 400, -1);
            exchange.close();
        });
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
        return server;
    }

    private List<String> matches(Api api, String alert) throws IOException, InterruptedException {
        return JSON.readTree(get(api, alert + "/matches").body())
                .path("matches")
                .valueStream()
                .map(match -> match.at("/image/url").asText())
                .toList();
    }

    private static List<Path> pictures(int count) throws IOException {
        try (Stream<Path> all = Files.walk(ROOT.resolve("gallery"))) {
            List<Path> sorted = all.filter(path -> path.toString().endsWith(".jpg"))
                    .filter(path -> !path.toString().contains("target"))
                    .sorted()
                    .toList();
            return IntStream.range(0, count).mapToObj(i -> sorted.get(i * 20)).toList(); // unlike each other
        }
    }

    private long requests(String path) {
        return asked.stream().filter(path::equals).count();
    }

    private boolean found(Api api, String url) throws IOException, InterruptedException {
        return !hit(api, url).isMissingNode();
    }

    private JsonNode hit(Api api, String url) throws IOException, InterruptedException {
        HttpResponse<String> answer = get(api, "/v1/images?k=50");
        for (JsonNode hit : JSON.readTree(answer.body()).path("hits")) {
            if (hit.path("url").asText().equals(url)) {
                return hit;
            }
        }
        return JSON.missingNode();
    }

    private HttpResponse<String> get(Api api, String path) throws IOException, InterruptedException {
        return send(api, HttpRequest.newBuilder().GET(), path);
    }

    private JsonNode post(Api api, String path, String body) throws IOException, InterruptedException {
        HttpResponse<String> answer =
                send(api, HttpRequest.newBuilder().POST(HttpRequest.BodyPublishers.ofString(body)), path);
        assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 299);
        return JSON.readTree(answer.body());
    }

    private HttpResponse<String> send(Api api, HttpRequest.Builder request, String path)
            throws IOException, InterruptedException {
        URI uri = api.uri().resolve(path);
        return http.send(
                request.uri(uri).timeout(Duration.ofSeconds(30)).build(), HttpResponse.BodyHandlers.ofString());
    }

    /** The search API as a process of its own: in this one its filter would refuse to let Flink read Java objects. */
    private record Api(Process process, URI uri) implements AutoCloseable {
        static Api start(Path folder, OpenSearchConfig openSearch) throws IOException {
            Path settings = Files.writeString(folder.resolve("search.yaml"), """
                            port: 0
                            bundle: %s
                            open_search: {urls: ["%s"]}
                            network: {allow_private: ["127.0.0.0/8"]}
                            push: {indexnow: true}
                            alerts: {first_delay: 300ms}
                            receipt_key: %s
                            """.formatted(
                            BUNDLE.toAbsolutePath(), openSearch.urls().getFirst(), folder.resolve("receipt-key")));
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx512m",
                            "--add-opens=java.base/java.nio=ALL-UNNAMED",
                            "--enable-native-access=ALL-UNNAMED",
                            "-cp",
                            System.getProperty("java.class.path"),
                            SearchProgram.class.getName(),
                            "--config",
                            settings.toString())
                    .redirectErrorStream(true)
                    .start();
            String said = "search API on ";
            BufferedReader lines = process.inputReader();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(said)) {
                    Thread.ofVirtual().start(() -> lines.lines().forEach(rest -> {})); // a full pipe would stop it
                    return new Api(process, URI.create(line.substring(said.length())));
                }
            }
            throw new IOException("the search API did not start");
        }

        @Override
        public void close() {
            process.destroy();
        }
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(Condition condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }
}
