package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.model.Fingerprint;
import lenstream.gallery.GallerySite;
import lenstream.gallery.Picture;
import org.junit.jupiter.api.Test;

/** A replay and a backup while a crawl runs, the backup brought back into an empty installation. */
class BackupIT {
    private static final Path WORK = Path.of("target/it/backup").toAbsolutePath();
    private static final IndexLayout LAYOUT = IndexLayout.withPrefix("kept");
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int PICTURES = 40;

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
                    """.formatted(site.uri()));
            Path backup = WORK.resolve("a backup");
            Picture broken = site.published().getFirst();
            site.replace(broken, "no image".getBytes(StandardCharsets.UTF_8), broken.mediaType());
            try (LauncherProcess crawl = start(node, "first", "crawl", seeds.toString(), "--follow")) {
                long deadline = System.nanoTime() + LIMIT.toNanos();
                while (images(client, IndexOracle.fingerprint()) < PICTURES - 1
                        || IndexCounts.rejections(client, LAYOUT) == 0) {
                    assertThat(System.nanoTime()).as(crawl.err()).isLessThan(deadline);
                    TimeUnit.MILLISECONDS.sleep(200);
                }
                replayGoesThroughTheCrawl(node, site, site.uriOf(broken).getPath());
                finish(start(node, "first", "backup", backup.toString()));
                crawl.interrupt();
                assertThat(crawl.await(LIMIT))
                        .as("ended by Ctrl-C: " + crawl.err())
                        .isEqualTo(130);
            }
            Path before = export(node, "first");
            assertThat(Files.readAllLines(before)).hasSize(PICTURES - 1);

            assertThat(fails(start(node, "second", "restore", backup.toString())))
                    .contains("restore into an empty cluster");
            client.send("DELETE", "/" + String.join(",", indices(client)), null);
            Path half = WORK.resolve("half a backup");
            FileTrees.copy(backup, half);
            Files.delete(half.resolve("manifest.json"));
            assertThat(fails(start(node, "second", "restore", half.toString()))).contains("did not come to its end");

            finish(start(node, "second", "restore", backup.toString()));
            assertThat(export(node, "second")).hasSameTextualContentAs(before);
            long downloads = downloads(site);
            finish(start(node, "second", "crawl", seeds.toString()));
            assertThat(downloads(site)).as("nothing is downloaded again").isEqualTo(downloads);
            assertThat(export(node, "second")).hasSameTextualContentAs(before);
            try (Stream<Path> images = Files.walk(WORK.resolve("second/store"))) {
                assertThat(images.filter(file -> file.getFileName().toString().contains(".arrows")))
                        .isNotEmpty();
            }
        }
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
        var arguments = new ArrayList<>(List.of(words));
        arguments.addAll(List.of(
                "--opensearch", node.uri().toString(), "--data", WORK + "/" + data, "--prefix", LAYOUT.prefix()));
        return LauncherProcess.start(WORK, arguments.toArray(String[]::new));
    }
}
