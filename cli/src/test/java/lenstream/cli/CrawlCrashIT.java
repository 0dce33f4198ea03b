package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import lenstream.core.command.CommandLog;
import lenstream.core.image.ImageId;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.takedown.TakedownSubject;
import lenstream.gallery.GallerySite;
import lenstream.gallery.Picture;
import org.junit.jupiter.api.Test;

/**
 * The crawl survives what it must: its process is killed outright three times at random moments, and the site changes
 * between two crawls. Take-downs are accepted by a server that died before it removed anything: the crawl, killed as well,
 * makes them effective. The seed is printed; {@code -Dlenstream.seed=N} repeats a run, {@code -Dlenstream.kills=N} makes a
 * long one, {@code -Dlenstream.replays=N} kills as many replays of a dead letter that was taken down.
 */
class CrawlCrashIT {
    private static final Path WORK = Path.of("target/it/crash").toAbsolutePath();
    private static final IndexLayout LAYOUT = IndexLayout.withPrefix("crash");
    private static final Duration LIMIT = Duration.ofMinutes(2);

    @Test
    void killedThreeTimesItLosesDoublesAndStalesNothing() throws IOException, InterruptedException {
        long seed = Long.getLong("lenstream.seed", System.nanoTime());
        int kills = Integer.getInteger("lenstream.kills", 3);
        System.out.println("crash test seed " + seed);
        var random = new SplittableRandom(seed);
        DemoIT.delete(WORK);
        Files.createDirectories(WORK);
        Path root = LauncherProcess.ROOT;
        try (LocalOpenSearch node = LocalOpenSearch.start(
                        LocalOpenSearch.Config.of(
                                        root.resolve("infra/opensearch/target/opensearch"), WORK.resolve("node"))
                                .withHeap("512m")
                                .withQuickStart(true),
                        line -> {});
                GallerySite site = GallerySite.open(root.resolve("gallery"), 0, Integer.MAX_VALUE, false);
                var oracle = new IndexOracle(node.uri().toString(), LAYOUT)) {
            Path seeds = seeds(site);
            Picture one = site.pictures().get(20);
            TakedownSubject below = TakedownSubject.parse(site.uri() + "images/animals/mammals/*");
            for (int kill = 0; kill < kills; kill++) {
                killMidCrawl(crawl(seeds, node), site, random);
                if (kill == 0) {
                    accept(node, TakedownSubject.parse(site.uriOf(one).toString()));
                    accept(node, below);
                }
            }
            finish(crawl(seeds, node));
            Map<String, String> hashes = IndexOracle.hashes(site.uri(), site.pictures());
            String prefix = below.text().substring(0, below.text().length() - 1);
            assertThat(hashes.remove(site.uriOf(one).toString())).isNotNull();
            assertThat(hashes.keySet().removeIf(url -> url.startsWith(prefix))).isTrue();
            oracle.assertHolds(hashes, site.uri(), site.hostile());

            change(site, hashes);
            site.replace(
                    one, bytes(site.pictures().get(21)), site.pictures().get(21).mediaType());
            long before = imageAnswers(site);
            finish(crawl(seeds, node));
            oracle.assertHolds(hashes, site.uri(), site.hostile());
            assertThat(imageAnswers(site) - before)
                    .as("a second crawl downloads what changed and nothing else")
                    .isEqualTo(3);
            for (int i = 0; i < Integer.getInteger("lenstream.replays", 0); i++) {
                killedReplay(seeds, node, site, hashes, random);
                oracle.assertHolds(hashes, site.uri(), site.hostile());
            }
        }
    }

    /** In the log and not yet in force: a server that was killed in between leaves it so. */
    private static void accept(LocalOpenSearch node, TakedownSubject subject) {
        try (IndexClient client =
                IndexClient.open(OpenSearchConfig.at(node.uri().toString()))) {
            new CommandLog(client, LAYOUT)
                    .append(Command.of(subject.id(), Kind.TAKEDOWN, subject.text(), null, System.currentTimeMillis()));
        }
    }

    /** Two pictures break and are mended; one is taken down meanwhile, and of the two replays the first is killed. */
    private static void killedReplay(
            Path seeds, LocalOpenSearch node, GallerySite site, Map<String, String> hashes, SplittableRandom random)
            throws IOException, InterruptedException {
        List<Picture> two = site.pictures().stream()
                .filter(picture ->
                        picture.sha256().equals(hashes.get(site.uriOf(picture).toString())))
                .limit(2)
                .toList();
        for (Picture picture : two) {
            site.replace(picture, "no image".getBytes(StandardCharsets.UTF_8), picture.mediaType());
        }
        finish(crawl(seeds, node));
        accept(node, TakedownSubject.parse(site.uriOf(two.getFirst()).toString()));
        hashes.remove(site.uriOf(two.getFirst()).toString());
        for (Picture picture : two) {
            site.replace(picture, bytes(picture), picture.mediaType());
        }
        long asked = imageAnswers(site);
        try (LauncherProcess replay = replay(seeds, node)) {
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (imageAnswers(site) == asked && replay.isAlive() && System.nanoTime() < deadline) {
                TimeUnit.MILLISECONDS.sleep(5);
            }
            TimeUnit.MILLISECONDS.sleep(random.nextInt(0, 1_000));
            System.out.println("a replay is killed " + (replay.isAlive() ? "in mid-work" : "after its end"));
            replay.kill();
            replay.await(Duration.ofSeconds(10));
        }
        finish(replay(seeds, node));
    }

    private static byte[] bytes(Picture picture) throws IOException {
        return Files.readAllBytes(LauncherProcess.ROOT.resolve("gallery").resolve(picture.file()));
    }

    /** Kills the process after a random number of further image requests, or after a while if it makes none. */
    private static void killMidCrawl(LauncherProcess crawl, GallerySite site, SplittableRandom random)
            throws InterruptedException {
        try (crawl) {
            long until = imageAnswers(site) + random.nextInt(5, 90);
            long deadline = System.nanoTime() + LIMIT.toNanos();
            while (imageAnswers(site) < until && crawl.isAlive() && System.nanoTime() < deadline) {
                TimeUnit.MILLISECONDS.sleep(5);
            }
            TimeUnit.MILLISECONDS.sleep(random.nextInt(0, 1_500));
            assertThat(crawl.isAlive())
                    .as("killed in mid-crawl, not after its end:\n" + crawl.err())
                    .isTrue();
            crawl.kill();
            crawl.await(Duration.ofSeconds(10));
        }
    }

    private static void finish(LauncherProcess crawl) throws InterruptedException {
        try (crawl) {
            assertThat(crawl.await(LIMIT)).as(crawl.err()).isZero();
        }
    }

    /** Three pictures get other contents. */
    private static void change(GallerySite site, Map<String, String> hashes) throws IOException {
        for (Picture picture : site.pictures().subList(10, 13)) {
            Picture other = site.pictures().get(site.pictures().indexOf(picture) + 50);
            byte[] bytes = bytes(other);
            site.replace(picture, bytes, other.mediaType());
            hashes.put(site.uriOf(picture).toString(), ImageId.sha256(bytes));
        }
    }

    private static long imageAnswers(GallerySite site) {
        return site.requests().stream()
                .filter(r -> r.path().startsWith("/images/") && r.status() == 200)
                .count();
    }

    private static LauncherProcess crawl(Path seeds, LocalOpenSearch node) {
        return start(node, "crawl", seeds.toString());
    }

    private static LauncherProcess replay(Path seeds, LocalOpenSearch node) {
        return start(node, "replay", "--reason", "not_an_image", "--seeds", seeds.toString(), "--attempts", "9");
    }

    private static LauncherProcess start(LocalOpenSearch node, String... words) {
        var all = new ArrayList<>(List.of(words));
        all.addAll(List.of(
                "--opensearch", node.uri().toString(), "--data", WORK + "/data dir 100%", "--prefix", LAYOUT.prefix()));
        return LauncherProcess.start(WORK, all.toArray(String[]::new));
    }

    private static Path seeds(GallerySite site) throws IOException {
        return Files.writeString(WORK.resolve("seeds.yaml"), """
                sites: [{url: "%s"}]
                network: {allow_private: ["127.0.0.0/8"], min_delay: 15ms, contact: "https://lenstream.example/test"}
                """.formatted(site.uri()));
    }
}
