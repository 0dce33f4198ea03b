package lenstream.connector.crawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebResponse;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsAddition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SiteReaderTest {
    private static final int IMAGES = 20_000;

    /** Events of a site in the queue when it is full: one begins the round, 63 batches of 200 images follow. */
    private static final int IMAGES_IN_A_FULL_QUEUE = 63 * 200;

    private final AtomicLong waitingImages = new AtomicLong();
    private final CompletableFuture<Thread> failing = new CompletableFuture<>();

    @Test
    void theFailureOfAWalkIsToldThoughTheQueueIsFull() throws Exception {
        var reader = new SiteReader(this::walk, false, waitingImages);
        reader.handleSplitsChanges(new SplitsAddition<>(List.of(split("https://many.example/map.xml"))));
        while (waitingImages.get() <= IMAGES_IN_A_FULL_QUEUE) {
            Thread.onSpinWait();
        }
        reader.handleSplitsChanges(new SplitsAddition<>(List.of(split("https://broken.example/map.xml"))));
        Thread walk = failing.get();
        while (walk.getState() != Thread.State.WAITING && walk.isAlive()) {
            Thread.onSpinWait();
        }
        assertThatThrownBy(() -> {
                    while (walk.isAlive() || waitingImages.get() > 0) {
                        reader.fetch();
                    }
                    reader.wakeUp();
                    reader.fetch();
                })
                .hasMessageContaining("https://broken.example/map.xml")
                .hasRootCauseMessage("the clock is broken");
        reader.close();
        assertThat(walk.isAlive()).isFalse();
    }

    private SiteWalk walk(SiteSplit split) {
        boolean broken = split.site().host().equals("broken.example");
        return new SiteWalk(split.site(), split.state().copy(), "run", new ManyImages(), () -> {
            if (broken) {
                failing.complete(Thread.currentThread());
                throw new IllegalStateException("the clock is broken");
            }
            return 1_000_000;
        });
    }

    private static SiteSplit split(String url) {
        String host = CanonicalUrl.of(url).orElseThrow().host();
        return SiteSplit.fresh(
                new Site(url, host, Kind.SITEMAP, Duration.ofMinutes(15), List.of(), List.of(), 10, IMAGES));
    }

    /** A sitemap of one page with many images. */
    private static final class ManyImages implements SiteWalk.Web {
        @Override
        public WebResponse get(CanonicalUrl url, Map<String, String> headers) {
            var xml = new StringBuilder(
                    "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'>");
            for (int i = 0; i < IMAGES; i++) {
                xml.append("<url><loc>https://many.example/p</loc><image:image><image:loc>https://many.example/")
                        .append(i)
                        .append(".jpg</image:loc></image:image></url>");
            }
            byte[] body = xml.append("</urlset>").toString().getBytes(StandardCharsets.UTF_8);
            return new WebResponse(url, 200, Map.of("content-type", List.of("application/xml")), body);
        }

        @Override
        public List<String> sitemaps(CanonicalUrl url) {
            return List.of();
        }
    }
}
