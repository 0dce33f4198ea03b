package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebConfig;
import org.junit.jupiter.api.Test;

class PoliteWebTest {
    private static final FetchConfig CONFIG = FetchConfig.defaults()
            .withWeb(WebConfig.defaults().withAllowPrivate(List.of("127.0.0.0/8")))
            .withMinDelay(Duration.ofMillis(10));

    /** As when a task ends: the source is closed first, and a visit that is under way follows a redirect. */
    @Test
    void aVisitThatOutlivesDiscoveryAsksItsOwnHostsAlone() throws Exception {
        String job = UUID.randomUUID().toString();
        try (LoopbackSite own = LoopbackSite.open();
                LoopbackSite elsewhere = LoopbackSite.open();
                PoliteWeb visits = PoliteWeb.lease(job, CONFIG, true)) {
            own.body("/a.png", "image/png", "a".getBytes(StandardCharsets.US_ASCII));
            try (PoliteWeb discovery = PoliteWeb.lease(job, CONFIG, true)) {
                HostTurns turns = discovery.join(0, host -> host.equals(own.host()) ? 0 : 1, message -> {});
                assertThat(turns.owner(elsewhere.host())).isEqualTo(1);
            }
            assertThat(visits.get(url(own), Map.of()).status()).isEqualTo(200);
            assertThatThrownBy(() -> visits.get(url(elsewhere), Map.of())).isInstanceOf(HostUnavailableException.class);
            assertThat(elsewhere.requests()).isEmpty();
        }
    }

    /** As after a restart: what waited to be visited is there before the reader that asks other processes for turns. */
    @Test
    void aVisitWaitsForDiscoveryAndThenAsksForATurn() throws Exception {
        String job = UUID.randomUUID().toString();
        var asked = new LinkedBlockingQueue<TurnMessage>();
        try (LoopbackSite elsewhere = LoopbackSite.open();
                PoliteWeb visits = PoliteWeb.lease(job, CONFIG, true);
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            elsewhere.body("/a.png", "image/png", "a".getBytes(StandardCharsets.US_ASCII));
            Future<Integer> status =
                    threads.submit(() -> visits.get(url(elsewhere), Map.of()).status());
            assertThatThrownBy(() -> status.get(300, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            assertThat(elsewhere.requests()).isEmpty();
            try (PoliteWeb discovery = PoliteWeb.lease(job, CONFIG, true)) {
                HostTurns turns = discovery.join(0, host -> 1, asked::add);
                for (int request = 0; request < 2; request++) { // robots.txt and the picture
                    var question = (TurnMessage.Asked) asked.poll(10, TimeUnit.SECONDS);
                    assertThat(question.host()).isEqualTo(elsewhere.host());
                    assertThat(elsewhere.requests()).hasSize(request);
                    turns.receive(new TurnMessage.Granted(1, 0, question.number()));
                    assertThat(asked.poll(10, TimeUnit.SECONDS)).isInstanceOf(TurnMessage.Ended.class);
                }
                assertThat(status.get(10, TimeUnit.SECONDS)).isEqualTo(200);
            }
        }
    }

    private static CanonicalUrl url(LoopbackSite site) {
        return CanonicalUrl.of(site.url("/a.png")).orElseThrow();
    }
}
