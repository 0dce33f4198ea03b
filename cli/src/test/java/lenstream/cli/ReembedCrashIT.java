package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog;
import lenstream.core.image.ImageId;
import lenstream.core.index.Cosine;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.index.Quantisation;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.gallery.GallerySite;
import lenstream.gallery.Picture;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.ImageRejectedException;
import lenstream.gpu.pipeline.PipelineConfig;
import lenstream.gpu.text.OnnxTextEmbedder;
import lenstream.gpu.text.TextEmbedder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A move to another encoder while a crawl goes on and queries are asked, its process killed outright at random moments:
 * no query fails, no answer mixes two spaces, what is taken down meanwhile stays away, and in the end both indices hold the
 * same observations, without a second download. The seed is printed; {@code -Dlenstream.seed=N} repeats a run, {@code -Dlenstream.kills=N} makes a long one.
 * {@code -Dlenstream.level=fp32|4x|32x|byte} says how both indices keep their vectors.
 * {@code -Dlenstream.baseline=SECONDS} asks queries before the move too, for a comparison of their times; with
 * {@code -Dlenstream.kills=0} it is a benchmark of the move alone.
 */
class ReembedCrashIT {
    private static final Path WORK = Path.of("target/it/reembed").toAbsolutePath();
    private static final IndexLayout LAYOUT = IndexLayout.withPrefix("move");
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final long BASELINE_SECONDS = Long.getLong("lenstream.baseline", 0L);
    private static final long WARM_UP_SECONDS = 20;

    /** Bytes ask the most of those that read vectors; what is measured is the default. */
    private static final String LEVEL = System.getProperty("lenstream.level", BASELINE_SECONDS > 0 ? "fp32" : "byte");

    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void killedAtAnyMomentItEndsWithTheSameObservationsInBothSpacesAndNoQueryNoticed() throws Exception {
        long seed = Long.getLong("lenstream.seed", System.nanoTime());
        int kills = Integer.getInteger("lenstream.kills", 1);
        int pictures = Integer.getInteger("lenstream.pictures", 40);
        System.out.println("reembed crash test seed " + seed);
        var random = new SplittableRandom(seed);
        DemoIT.delete(WORK);
        Files.createDirectories(WORK);
        Path root = LauncherProcess.ROOT;
        Path second = SecondEncoder.write(WORK.resolve("second"));
        Fingerprint before = IndexOracle.fingerprint();
        Fingerprint after = ModelBundle.load(second).fingerprint();
        try (LocalOpenSearch node = LocalOpenSearch.start(
                        LocalOpenSearch.Config.of(
                                        root.resolve("infra/opensearch/target/opensearch"), WORK.resolve("node"))
                                .withHeap("512m")
                                .withQuickStart(BASELINE_SECONDS == 0), // times that are reported are the product's own
                        line -> {});
                GallerySite site = GallerySite.open(root.resolve("gallery"), 0, pictures, false);
                IndexClient client =
                        IndexClient.open(OpenSearchConfig.at(node.uri().toString()));
                LauncherProcess crawl =
                        start(node, "crawl", seeds(site).toString(), "--follow", "--quantisation", LEVEL);
                LauncherProcess serve = start(node, "serve", "--port", "0")) {
            await("the first images", () -> images(client, before) == pictures, crawl);
            serve.awaitError("search API on ", LIMIT);
            URI api = URI.create(serve.err()
                    .lines()
                    .filter(line -> line.startsWith("search API on "))
                    .map(line -> line.substring("search API on ".length()).strip())
                    .findFirst()
                    .orElseThrow());
            try (QueryLoad load = QueryLoad.start(api)) {
                QueryLoad.Times usual = baseline(load);
                Picture taken = null;
                String likeness = "";
                for (int kill = 0; kill < kills; kill++) {
                    killInMidMove(reembed(node, second), client, after, random, pictures);
                    site.publish(2);
                    if (taken == null) {
                        taken = takenDown(api, site);
                        likeness = lookedLike(api, site);
                    }
                }
                if (kills > 0 && isRead(client, before)) { // a run that was killed late had perhaps switched
                    refused(node, second, site);
                    assertThat(load.spaces())
                            .as("searches stay where they were")
                            .containsExactly(before.value());
                }
                watched(reembed(node, second), load);
                load.awaitSpace(after.value(), Duration.ofSeconds(20));
                compare(usual, load);
                int published = pictures + 2 * kills - (taken == null ? 0 : 2);
                await("what was published meanwhile", () -> same(client, before, after, published), crawl);
                assertHolds(client, after, site, taken);
                int left = published - foundAndTakenDownByWhatItLooksLike(api, client, site, before, after);

                if (taken != null) {
                    becomesWhatWasTakenDown(site);
                }
                site.publish(3);
                await("what is published after the switch", () -> same(client, before, after, left + 3), crawl);
                if (taken != null) {
                    assertThat(observations(client, after).values())
                            .as("nothing looks like what was taken down before the move")
                            .noneMatch(seen -> seen.contains(alike(site).sha256()));
                    assertThat(mostAlike(api, alike(site))).isLessThan(0.98);
                }

                finish(start(node, "reembed", "--rollback"));
                load.awaitSpace(before.value(), Duration.ofSeconds(20));
                finish(start(node, "reembed", "--cleanup"));
                site.publish(1);
                await("what is published after the end", () -> images(client, before) == left + 4, crawl);
                if (taken != null) {
                    revoked(api, client, likeness);
                }
                assertThat(load.faults())
                        .as("no query fails, no answer is mixed")
                        .isEmpty();
                assertThat(load.spaces())
                        .as("one switch there and one back")
                        .containsExactly(before.value(), after.value(), before.value());
            }
            Map<String, Long> downloads = site.requests().stream()
                    .filter(r -> r.path().startsWith("/images/") && r.status() == 200)
                    .collect(Collectors.groupingBy(GallerySite.Request::path, Collectors.counting()));
            downloads.remove(site.uriOf(other(site)).getPath()); // shows something else since
            assertThat(downloads.values()).as("every image is downloaded once").containsOnly(1L);
            crawl.interrupt();
            assertThat(crawl.await(LIMIT)).as("ended by Ctrl-C: " + crawl.err()).isEqualTo(130);
        }
    }

    /** How long answers take while nothing else is done, if that is asked for. */
    private static QueryLoad.Times baseline(QueryLoad load) throws InterruptedException {
        if (BASELINE_SECONDS > 0) {
            TimeUnit.SECONDS.sleep(WARM_UP_SECONDS);
            load.report("while the programs warm up", Double.POSITIVE_INFINITY);
            TimeUnit.SECONDS.sleep(BASELINE_SECONDS);
        }
        return load.report("before the move", Double.POSITIVE_INFINITY);
    }

    private static void compare(QueryLoad.Times usual, QueryLoad load) throws InterruptedException {
        if (BASELINE_SECONDS > 0) {
            TimeUnit.SECONDS.sleep(5); // what the switch itself costs shows in the seconds behind it
            QueryLoad.Times moving = load.report("during the move", usual.p99());
            System.out.printf(Locale.ROOT, "p99 during the move: %.2f times that before%n", moving.p99() / usual.p99());
        } else {
            load.report("during the move", Double.POSITIVE_INFINITY);
        }
    }

    private static boolean isRead(IndexClient client, Fingerprint space) {
        return client.send("GET", "/_alias/" + LAYOUT.readAlias(), null).json().has(LAYOUT.imageIndex(space));
    }

    /** A picture that is in the store, and perhaps moved already, is to go for good: the backfill may not bring it back. */
    private static Picture takenDown(URI api, GallerySite site) throws IOException, InterruptedException {
        Picture picture = site.published().get(1);
        String body = JsonNodeFactory.instance
                .objectNode()
                .put("subject", site.uriOf(picture).toString())
                .put("reason", "the owner")
                .toString();
        post(api, "/v1/takedowns", body);
        return picture;
    }

    /** What looks like this picture is to go for good, in the space that the move leads to as well. */
    private static String lookedLike(URI api, GallerySite site) throws IOException, InterruptedException {
        String picture = Base64.getEncoder().encodeToString(bytes(alike(site)));
        JsonNode taken = post(api, "/v1/takedowns", "{\"image\": \"" + picture + "\", \"threshold\": 0.98}");
        assertThat(taken.at("/removed/images").asInt()).as(taken.toString()).isPositive();
        assertThat(taken.has("picture")).isFalse();
        return taken.path("id").asText();
    }

    /** In each space in which it was in force. */
    private static void revoked(URI api, IndexClient client, String takedown) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            assertThat(http.send(
                                    HttpRequest.newBuilder(api.resolve("/v1/takedowns/" + takedown))
                                            .timeout(Duration.ofSeconds(30))
                                            .DELETE()
                                            .build(),
                                    HttpResponse.BodyHandlers.discarding())
                            .statusCode())
                    .isEqualTo(200);
        }
        List<Command> log = new CommandLog(client, LAYOUT)
                .read(CommandLog.Position.START, 1_000)
                .commands();
        String subject = log.stream()
                .filter(command -> command.key().equals(takedown))
                .findFirst()
                .orElseThrow()
                .subject();
        assertThat(log)
                .filteredOn(command -> command.subject().equals(subject))
                .hasSize(2)
                .allMatch(command -> command.kind() == Command.Kind.TAKEDOWN_REVOKE);
    }

    private static Picture alike(GallerySite site) {
        return site.published().get(2);
    }

    /** Another image of the site shows it now; the crawl has looked when this returns. */
    private static void becomesWhatWasTakenDown(GallerySite site) throws IOException, InterruptedException {
        Picture other = other(site);
        String path = site.uriOf(other).getPath();
        long before = answered(site, path);
        site.replace(other, bytes(alike(site)), alike(site).mediaType());
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (answered(site, path) == before) {
            assertThat(System.nanoTime()).as("the crawl looks again").isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(100);
        }
    }

    /** Listed by a sitemap, which says when it changed. */
    private static Picture other(GallerySite site) {
        return site.published().get(4);
    }

    /** The cosine of what looks most like a picture. */
    private static double mostAlike(URI api, Picture picture) throws IOException, InterruptedException {
        String base64 = Base64.getEncoder().encodeToString(bytes(picture));
        return post(api, "/v1/search", "{\"image\": \"" + base64 + "\", \"k\": 1}")
                .at("/hits/0/cosine")
                .asDouble();
    }

    private static long answered(GallerySite site, String path) {
        return site.requests().stream()
                .filter(r -> r.path().equals(path) && r.status() == 200)
                .count();
    }

    private static JsonNode post(URI api, String path, String body) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpResponse<String> answer = http.send(
                    HttpRequest.newBuilder(api.resolve(path))
                            .timeout(Duration.ofSeconds(30))
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofString(body))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 299);
            return JSON.readTree(answer.body());
        }
    }

    /** Searches by stored vectors find the picture itself first; then it and what looks like it go. How many went. */
    private static int foundAndTakenDownByWhatItLooksLike(
            URI api, IndexClient client, GallerySite site, Fingerprint... spaces)
            throws IOException, InterruptedException {
        String id = ImageId.ofUrl(site.uriOf(site.published().getLast()).toString());
        JsonNode alike = post(api, "/v1/search", "{\"id\": \"" + id + "\", \"k\": 5, \"diversity\": 0.5}");
        assertThat(alike.path("hits")).as(alike.toString()).hasSize(5);
        assertThat(alike.at("/hits")).noneMatch(hit -> hit.path("cosine").asDouble() > 1.0001);
        String picture =
                Base64.getEncoder().encodeToString(bytes(site.published().getLast()));
        JsonNode itself = post(api, "/v1/search", "{\"image\": \"" + picture + "\", \"k\": 1}");
        assertThat(itself.at("/hits/0/id").asText()).isEqualTo(id);
        assertThat(itself.at("/hits/0/cosine").asDouble()).isBetween(0.999, 1.0001);
        JsonNode taken = post(
                api, "/v1/takedowns", "{\"similar_to\": \"" + id + "\", \"threshold\": 0.999, \"reason\": \"it\"}");
        assertThat(taken.at("/removed/images").asInt()).as(taken.toString()).isEqualTo(spaces.length);
        for (Fingerprint space : spaces) { // the way back does not show it again
            assertThat(client.send("GET", "/" + LAYOUT.imageIndex(space) + "/_doc/" + id, null)
                            .status())
                    .isEqualTo(404);
        }
        return 1;
    }

    /** A gate that this encoder cannot meet: a label that finds its picture in the old space and not in the new one. */
    private static void refused(LocalOpenSearch node, Path second, GallerySite site)
            throws IOException, InterruptedException {
        Path gate = Files.writeString(WORK.resolve("gate.yaml"), "queries: [" + lost(second, site) + "]");
        try (LauncherProcess move =
                start(node, "reembed", "--model", second.toString(), "--gate", gate.toString(), "--rate", "1000")) {
            assertThat(move.await(LIMIT)).as(move.err()).isEqualTo(1);
            assertThat(move.out())
                    .contains("REFUSED label loss", "ok      recall@10", "ok      overlap@10")
                    .contains("a relevant image in the top ten: 1.0000 before, 0.0000 after, of 1");
            assertThat(move.err())
                    .contains(
                            "the gate refused the new encoder (label loss is 1.0000, at most 0.000 is asked):"
                                    + " searches stay where they were",
                            "loosen the rules with --gate, then run the same command again");
        }
    }

    /** Such a label, as the gate's file says it; the picture is far from the tenth place in both spaces. */
    private static String lost(Path second, GallerySite site) throws IOException {
        List<Picture> pictures = site.published();
        Map<Picture, float[]> old = embedded(LauncherProcess.ROOT.resolve("models/lensmini"), pictures);
        Map<Picture, float[]> now = embedded(second, pictures);
        String best = "";
        int most = 0;
        try (TextEmbedder texts = OnnxTextEmbedder.open(IndexOracle.BUNDLE, 1)) {
            for (Picture asked : pictures.subList(0, Math.min(60, pictures.size()))) {
                float[] query = texts.embed(asked.label());
                List<Picture> before = ranked(old, query);
                List<Picture> after = ranked(now, query);
                for (int place = 0; place < 7; place++) {
                    int then = after.indexOf(before.get(place));
                    if (then > most) {
                        most = then;
                        best = "{text: \"%s\", relevant: [\"%s\"]}"
                                .formatted(asked.label(), site.uriOf(before.get(place)));
                    }
                }
            }
        }
        assertThat(most).as("place in the new space").isGreaterThan(12);
        return best;
    }

    private static Map<Picture, float[]> embedded(Path bundle, List<Picture> pictures) throws IOException {
        var vectors = new LinkedHashMap<Picture, float[]>();
        try (EmbeddingPipeline pipeline = EmbeddingPipeline.open(PipelineConfig.defaults(bundle))) {
            for (Picture picture : pictures) {
                vectors.put(picture, pipeline.embedQuery(bytes(picture)).embedding());
            }
        } catch (ImageRejectedException e) {
            throw new IllegalStateException("the gallery's pictures are sound", e);
        }
        return vectors;
    }

    private static List<Picture> ranked(Map<Picture, float[]> vectors, float[] query) {
        return vectors.entrySet().stream()
                .sorted(Comparator.comparingDouble(entry -> -Cosine.dot(query, entry.getValue())))
                .map(Map.Entry::getKey)
                .toList();
    }

    private static byte[] bytes(Picture picture) throws IOException {
        return Files.readAllBytes(LauncherProcess.ROOT.resolve("gallery").resolve(picture.file()));
    }

    /** To its end; says when it did what, on the clock of the queries. */
    private static void watched(LauncherProcess move, QueryLoad load) throws InterruptedException {
        System.out.printf(Locale.ROOT, "%5.1f s: the move begins%n", load.seconds());
        try (move) {
            long deadline = System.nanoTime() + LIMIT.toNanos();
            int told = 0;
            for (boolean last = false; !last && System.nanoTime() < deadline; ) {
                last = !move.isAlive();
                List<String> lines = move.err().lines().toList();
                for (; told < lines.size(); told++) {
                    System.out.printf(Locale.ROOT, "%5.1f s: %s%n", load.seconds(), lines.get(told));
                }
                TimeUnit.MILLISECONDS.sleep(100);
            }
            assertThat(move.await(Duration.ofSeconds(1))).as(move.err()).isZero();
        }
    }

    /** Kills the move after a random number of new documents, or a random time later, wherever it is then. */
    private static void killInMidMove(
            LauncherProcess move, IndexClient client, Fingerprint to, SplittableRandom random, int pictures)
            throws InterruptedException {
        try (move) {
            long until = images(client, to) + random.nextInt(pictures);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(random.nextInt(3, 10));
            while (images(client, to) < until && move.isAlive() && System.nanoTime() < deadline) {
                TimeUnit.MILLISECONDS.sleep(20);
            }
            TimeUnit.MILLISECONDS.sleep(random.nextInt(500));
            move.kill(); // it may have ended just now: then this round shows that nothing is left to do
            move.await(Duration.ofSeconds(10));
        }
    }

    /** Both indices hold the same observations. */
    private static boolean same(IndexClient client, Fingerprint a, Fingerprint b, int count) {
        IndexCounts.refresh(client, LAYOUT, a);
        IndexCounts.refresh(client, LAYOUT, b);
        Map<String, String> left = observations(client, a);
        return left.size() == count && left.equals(observations(client, b));
    }

    private static Map<String, String> observations(IndexClient client, Fingerprint space) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("size", 10_000);
        body.putArray("_source")
                .add(Field.SHA256)
                .add(Field.URL)
                .add(Field.OBSERVED)
                .add(Field.FINGERPRINT);
        var found = new TreeMap<String, String>();
        for (JsonNode hit : client.send("POST", "/" + LAYOUT.imageIndex(space) + "/_search", body)
                .json()
                .at("/hits/hits")) {
            JsonNode source = hit.path("_source");
            if (!source.path(Field.FINGERPRINT).asText().equals(space.value())) {
                throw new AssertionError(hit + " lies in the index of " + space);
            }
            found.put(
                    hit.path("_id").asText(),
                    source.path(Field.OBSERVED) + " " + source.path(Field.SHA256) + " " + source.path(Field.URL));
        }
        return found;
    }

    /** Every document of the new space has the vector that the new encoder makes of the picture itself. */
    private static void assertHolds(
            IndexClient client, Fingerprint space, GallerySite site, @Nullable Picture takenDown)
            throws IOException, ImageRejectedException {
        Quantisation quantisation = IndexSetup.quantisation(client, LAYOUT.imageIndex(space));
        assertThat(quantisation).as("a move keeps the level").hasToString(LEVEL);
        try (EmbeddingPipeline pipeline = EmbeddingPipeline.open(PipelineConfig.defaults(WORK.resolve("second")))) {
            for (Picture picture : site.published()) {
                String id = ImageId.ofUrl(site.uriOf(picture).toString());
                JsonNode document = client.send("GET", "/" + LAYOUT.imageIndex(space) + "/_doc/" + id, null)
                        .json();
                if (takenDown != null && (picture.equals(takenDown) || picture.equals(alike(site)))) {
                    assertThat(document.path("found").asBoolean())
                            .as("what was taken down in mid-move")
                            .isFalse();
                    continue;
                }
                float[] expected = pipeline.embedQuery(bytes(picture)).embedding();
                float[] kept = quantisation.read(document.path("_source").path(Field.EMBEDDING));
                assertThat(Cosine.dot(expected, kept)).as(picture.file()).isGreaterThan(0.999);
            }
        }
    }

    private static void await(String what, BooleanSupplier condition, LauncherProcess crawl)
            throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline || !crawl.isAlive()) {
                throw new AssertionError("waited in vain for " + what + "; the crawl said:\n" + crawl.err());
            }
            TimeUnit.MILLISECONDS.sleep(200);
        }
    }

    /** An index whose shard has not started yet holds none. */
    private static long images(IndexClient client, Fingerprint space) {
        try {
            return IndexCounts.images(client, LAYOUT, space);
        } catch (IndexUnavailableException e) {
            return 0;
        }
    }

    private static void finish(LauncherProcess command) throws InterruptedException {
        try (command) {
            assertThat(command.await(LIMIT)).as(command.err()).isZero();
        }
    }

    private static LauncherProcess reembed(LocalOpenSearch node, Path model) {
        return start(node, "reembed", "--model", model.toString());
    }

    private static LauncherProcess start(LocalOpenSearch node, String... words) {
        var arguments = new java.util.ArrayList<>(java.util.List.of(words));
        arguments.addAll(java.util.List.of(
                "--opensearch", node.uri().toString(), "--data", WORK + "/data dir 100%", "--prefix", LAYOUT.prefix()));
        return LauncherProcess.start(WORK, arguments.toArray(String[]::new));
    }

    private static Path seeds(GallerySite site) throws IOException {
        return Files.writeString(WORK.resolve("seeds.yaml"), """
                sites: [{url: "%s", interval: 1s}]
                network: {allow_private: ["127.0.0.0/8"], min_delay: 0s, contact: "https://lenstream.example/test"}
                """.formatted(site.uri()));
    }
}
