package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lenstream.core.alert.Alert;
import lenstream.core.alert.AlertRegister;
import lenstream.core.alert.ImageFilter;
import lenstream.core.alert.SecretSeal;
import lenstream.core.config.Secret;
import lenstream.core.image.ImageId;
import lenstream.core.index.Cosine;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.model.Fingerprint;
import lenstream.core.takedown.ReceiptKey;
import lenstream.gallery.GallerySite;
import lenstream.gallery.Picture;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.ImageRejectedException;
import lenstream.gpu.pipeline.PipelineConfig;
import org.apache.parquet.example.data.Group;
import org.junit.jupiter.api.Test;

/**
 * A replay and a backup while a crawl runs, the backup brought back into an empty installation. Between the state and the
 * index of the backup images come and one goes: what the job then does not know of the index is found out again.
 */
class BackupIT {
    private static final Path WORK = Path.of("target/it/backup").toAbsolutePath();
    private static final IndexLayout LAYOUT = IndexLayout.withPrefix("kept");
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int PICTURES = 40;
    private static final int LATE = 3;

    @Test
    void whatIsBroughtBackIsTheSameAndTheCrawlGoesOnWithoutADownload() throws IOException, InterruptedException {
        DemoIT.delete(WORK);
        Files.createDirectories(WORK);
        Path root = LauncherProcess.ROOT;
        try (LocalOpenSearch node = LocalOpenSearch.start(
                        LocalOpenSearch.Config.of(
                                        root.resolve("infra/opensearch/target/opensearch"), WORK.resolve("node"))
                                .withHeap("512m")
                                .withQuickStart(true),
                        line -> {});
                GallerySite site = GallerySite.open(root.resolve("gallery"), 0, PICTURES, false);
                IndexClient client =
                        IndexClient.open(OpenSearchConfig.at(node.uri().toString()))) {
            Path seeds = Files.writeString(WORK.resolve("seeds.yaml"), """
                    sites: [{url: "%s", interval: 1s}]
                    network: {allow_private: ["127.0.0.0/8"], min_delay: 0s, contact: "https://lenstream.example/test"}
                    revisit: {shortest: 1s}
                    """.formatted(site.uri()));
            Path backup = WORK.resolve("a backup");
            Picture broken = site.published().getFirst();
            site.replace(broken, "no image".getBytes(StandardCharsets.UTF_8), broken.mediaType());
            try (LauncherProcess crawl =
                    start(node, "first", "crawl", seeds.toString(), "--follow", "--quantisation", "byte")) {
                long deadline = System.nanoTime() + LIMIT.toNanos();
                while (images(client, IndexOracle.fingerprint()) < PICTURES - 1
                        || IndexCounts.rejections(client, LAYOUT) == 0) {
                    assertThat(System.nanoTime()).as(crawl.err()).isLessThan(deadline);
                    TimeUnit.MILLISECONDS.sleep(200);
                }
                replayGoesThroughTheCrawl(node, site, site.uriOf(broken).getPath());
                seal(client);
                backUpWhileImagesComeAndGo(node, site, client, backup, crawl);
                crawl.interrupt();
                assertThat(crawl.await(LIMIT))
                        .as("ended by Ctrl-C: " + crawl.err())
                        .isEqualTo(130);
            }
            Path before = export(node, "first");
            assertThat(Files.readAllLines(before)).hasSize(PICTURES - 2 + LATE);

            assertThat(fails(start(node, "second", "restore", backup.toString())))
                    .contains("restore into an empty cluster");
            client.send("DELETE", "/" + String.join(",", indices(client)), null);
            Path half = WORK.resolve("half a backup");
            FileTrees.copy(backup, half);
            Files.delete(half.resolve("manifest.json"));
            assertThat(fails(start(node, "second", "restore", half.toString()))).contains("did not come to its end");

            try (LauncherProcess restore = start(node, "second", "restore", backup.toString())) {
                assertThat(restore.await(LIMIT)).as(restore.err()).isZero();
                assertThat(restore.out()).contains((LATE + 1) + " images were seen while the backup was made");
                String key = ReceiptKey.at(WORK.resolve("first/receipt-key")).id();
                assertThat(Files.readString(backup.resolve("manifest.json"))).contains("\"key\" : \"" + key + "\"");
                assertThat(restore.err())
                        .contains("the backup was made with the key " + key)
                        .contains("Copy that installation's key file to " + WORK.resolve("second/receipt-key"))
                        .contains("1 alert(s) cannot sign")
                        .contains("1 WebSub subscription(s) take nothing");
            }
            assertThat(export(node, "second")).hasSameTextualContentAs(before);

            List<Picture> late = site.published().subList(PICTURES, PICTURES + LATE);
            site.delete(late.getFirst()); // the state has never heard of it
            Picture back = site.published().get(1); // the state believes that it is indexed as it is now again
            site.replace(back, bytes(back), back.mediaType());
            long downloads = downloads(site);
            try (LauncherProcess crawl = start(node, "second", "crawl", seeds.toString(), "--follow")) {
                long deadline = System.nanoTime() + LIMIT.toNanos();
                while (!holds(client, site.uriOf(back)) || holds(client, site.uriOf(late.getFirst()))) {
                    assertThat(System.nanoTime()).as(crawl.err()).isLessThan(deadline);
                    TimeUnit.MILLISECONDS.sleep(200);
                }
                crawl.interrupt();
                assertThat(crawl.await(LIMIT)).as(crawl.err()).isEqualTo(130);
            }
            assertThat(downloads(site))
                    .as("nothing is downloaded again but what came while the backup was made")
                    .isEqualTo(downloads + LATE);
            Path columns = WORK.resolve("after.parquet");
            finish(start(node, "second", "export", "--vectors", "-o", columns.toString()));
            assertThat(urls(columns, site))
                    .as("nothing lost, nothing doubled, nothing that is gone")
                    .containsExactlyInAnyOrderElementsOf(site.published().stream()
                            .filter(picture -> !picture.equals(broken) && !picture.equals(late.getFirst()))
                            .map(picture -> site.uriOf(picture).toString())
                            .toList());
            try (Stream<Path> images = Files.walk(WORK.resolve("second/store"))) {
                assertThat(images.filter(file -> file.getFileName().toString().contains(".arrows")))
                        .isNotEmpty();
            }
        }
    }

    /** The backup waits between state and index until more images have come, and one shows no picture any more. */
    private static void backUpWhileImagesComeAndGo(
            LocalOpenSearch node, GallerySite site, IndexClient client, Path backup, LauncherProcess crawl)
            throws IOException, InterruptedException {
        try (var held = HeldRequest.before(
                        node.uri(),
                        request -> request.getRequestMethod().equals("PUT")
                                && String.valueOf(request.getRequestURI().getQuery())
                                        .contains("wait_for_completion"));
                LauncherProcess command = start(held.uri(), "first", "backup", backup.toString())) {
            assertThat(held.awaitArrival(LIMIT)).as(command.err()).isTrue();
            site.publish(LATE);
            Picture flaps = site.published().get(1);
            site.replace(flaps, "no image".getBytes(StandardCharsets.UTF_8), flaps.mediaType());
            long deadline = System.nanoTime() + LIMIT.toNanos();
            while (images(client, IndexOracle.fingerprint()) != PICTURES - 2 + LATE
                    || IndexCounts.rejections(client, LAYOUT) != 2) {
                assertThat(System.nanoTime()).as(crawl.err()).isLessThan(deadline);
                TimeUnit.MILLISECONDS.sleep(200);
            }
            held.release();
            assertThat(command.await(LIMIT)).as(command.err()).isZero();
            assertThat(command.out())
                    .contains("not in it: " + WORK.resolve("first/receipt-key"))
                    .contains("state of crawl");
        }
    }

    /** What the search API keeps: an alert with a webhook, a subscription to a hub. */
    private static void seal(IndexClient client) {
        var seal = new SecretSeal(WORK.resolve("first/receipt-key"));
        String id = "0123456789abcdef0123456789abcdef";
        new AlertRegister(client, LAYOUT)
                .enter(new Alert(
                        id,
                        "an alert",
                        "dogs",
                        JsonNodeFactory.instance.objectNode().put("text", "dogs"),
                        true,
                        ImageFilter.NONE,
                        0.5,
                        List.of(),
                        new Alert.Webhook("https://e.example/hook", seal.seal(new Secret("whsec_AAAA"), id)),
                        null,
                        "someone",
                        0));
        IndexSetup.create(client, LAYOUT.subscriptionIndex(), LAYOUT.subscriptionIndexBody());
        ObjectNode subscription = JsonNodeFactory.instance
                .objectNode()
                .put("id", id)
                .put("secret", seal.seal(new Secret("abcd"), id).value());
        client.required(
                client.send("PUT", "/" + LAYOUT.subscriptionIndex() + "/_doc/" + id + "?refresh=true", subscription));
    }

    private static boolean holds(IndexClient client, URI image) {
        String id = ImageId.ofUrl(image.toString());
        return client.send("GET", "/" + LAYOUT.imageIndex(IndexOracle.fingerprint()) + "/_doc/" + id, null)
                        .status()
                == 200;
    }

    private static byte[] bytes(Picture picture) throws IOException {
        return Files.readAllBytes(LauncherProcess.ROOT.resolve("gallery").resolve(picture.file()));
    }

    /** The URLs of a Parquet file; each row has the vector that the encoder makes of its picture, though the index keeps bytes. */
    private static List<String> urls(Path export, GallerySite site) throws IOException {
        var urls = new ArrayList<String>();
        List<Group> rows = ParquetExportTest.read(export);
        try (EmbeddingPipeline pipeline =
                EmbeddingPipeline.open(PipelineConfig.defaults(IndexOracle.BUNDLE.directory()))) {
            for (Group row : rows) {
                String url = row.getString(Field.URL, 0);
                urls.add(url);
                Optional<Picture> picture = site.published().stream()
                        .filter(one -> site.uriOf(one).toString().equals(url))
                        .findFirst();
                if (picture.isPresent()) {
                    assertThat(Cosine.dot(
                                    pipeline.embedQuery(bytes(picture.get())).embedding(), vector(row)))
                            .as(url)
                            .isGreaterThan(0.999);
                }
            }
        } catch (ImageRejectedException e) {
            throw new IllegalStateException("the gallery's pictures are sound", e);
        }
        return urls;
    }

    private static float[] vector(Group row) {
        Group list = row.getGroup(Field.EMBEDDING, 0);
        var vector = new float[list.getFieldRepetitionCount("list")];
        for (int i = 0; i < vector.length; i++) {
            vector[i] = list.getGroup("list", i).getFloat("element", 0);
        }
        return vector;
    }

    /** The bytes are those that the crawl knows, so it would not ask for them by itself; no second job does it. */
    private static void replayGoesThroughTheCrawl(LocalOpenSearch node, GallerySite site, String path)
            throws IOException, InterruptedException {
        assertThat(sent(site, path)).isOne();
        try (LauncherProcess replay = start(node, "first", "replay", "--reason", "not_an_image", "--json")) {
            assertThat(replay.await(LIMIT)).as(replay.err()).isZero();
            assertThat(replay.err()).contains("the running crawl asks again");
            assertThat(new ObjectMapper()
                            .readTree(replay.out())
                            .at("/rejected_again/NOT_AN_IMAGE")
                            .asInt())
                    .isOne();
        }
        assertThat(sent(site, path)).isEqualTo(2);
        assertThat(WORK.resolve("first/jobs/replay")).doesNotExist();
    }

    private static long sent(GallerySite site, String path) {
        return site.requests().stream()
                .filter(r -> r.path().equals(path) && r.status() == 200)
                .count();
    }

    private static long downloads(GallerySite site) {
        return site.requests().stream()
                .filter(r -> r.path().startsWith("/images/") && r.status() == 200)
                .count();
    }

    private static List<String> indices(IndexClient client) {
        var names = new ArrayList<String>();
        client.send("GET", "/_cat/indices/" + LAYOUT.prefix() + "-*?format=json&h=index", null)
                .json()
                .forEach(row -> names.add(row.path("index").asText()));
        return names;
    }

    private static Path export(LocalOpenSearch node, String data) throws InterruptedException {
        Path file = WORK.resolve(data + "-" + System.nanoTime() + ".jsonl");
        finish(start(node, data, "export", "--vectors", "-o", file.toString()));
        return file;
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

    private static String fails(LauncherProcess command) throws InterruptedException {
        try (command) {
            assertThat(command.await(LIMIT)).as(command.out()).isEqualTo(1);
            return command.err();
        }
    }

    private static LauncherProcess start(LocalOpenSearch node, String data, String... words) {
        return start(node.uri(), data, words);
    }

    private static LauncherProcess start(URI openSearch, String data, String... words) {
        var arguments = new ArrayList<>(List.of(words));
        arguments.addAll(List.of(
                "--opensearch", openSearch.toString(), "--data", WORK + "/" + data, "--prefix", LAYOUT.prefix()));
        return LauncherProcess.start(WORK, arguments.toArray(String[]::new));
    }
}
