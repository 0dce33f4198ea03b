package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import lenstream.core.image.ImageId;
import lenstream.core.index.IndexLayout;
import lenstream.core.local.LocalOpenSearch;
import lenstream.gallery.GallerySite;
import lenstream.gallery.Picture;
import org.junit.jupiter.api.Test;

/**
 * The crawl survives what it must: its process is killed outright three times at random moments, and the site changes
 * between two crawls. The seed is printed; {@code -Dlenstream.seed=N} repeats a run, {@code -Dlenstream.kills=N} makes a
 * long one.
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
            for (int kill = 0; kill < kills; kill++) {
                killMidCrawl(crawl(seeds, node), site, random);
            }
            finish(crawl(seeds, node));
            Map<String, String> hashes = IndexOracle.hashes(site.uri(), site.pictures());
            oracle.assertHolds(hashes, site.uri(), site.hostile());

            change(site, hashes);
            long before = imageAnswers(site);
            finish(crawl(seeds, node));
            oracle.assertHolds(hashes, site.uri(), site.hostile());
            assertThat(imageAnswers(site) - before)
                    .as("a second crawl downloads what changed and nothing else")
                    .isEqualTo(3);
        }
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
            byte[] bytes =
                    Files.readAllBytes(LauncherProcess.ROOT.resolve("gallery").resolve(other.file()));
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
        return LauncherProcess.start(
                WORK,
                "crawl",
                seeds.toString(),
                "--opensearch",
                node.uri().toString(),
                "--data",
                WORK + "/data dir 100%",
                "--prefix",
                LAYOUT.prefix());
    }

    private static Path seeds(GallerySite site) throws IOException {
        return Files.writeString(WORK.resolve("seeds.yaml"), """
                sites: [{url: "%s"}]
                network: {allow_private: ["127.0.0.0/8"], min_delay: 15ms, contact: "https://lenstream.example/test"}
                """.formatted(site.uri()));
    }
}
