package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebConfig;
import org.junit.jupiter.api.Test;

class PoliteWebTest {
    /** As when a task ends: the source is closed first, and a visit that is under way follows a redirect. */
    @Test
    void aVisitThatOutlivesDiscoveryAsksItsOwnHostsAlone() throws Exception {
        String job = UUID.randomUUID().toString();
        FetchConfig config = FetchConfig.defaults()
                .withWeb(WebConfig.defaults().withAllowPrivate(List.of("127.0.0.0/8")))
                .withMinDelay(Duration.ofMillis(10));
        try (LoopbackSite own = LoopbackSite.open();
                LoopbackSite elsewhere = LoopbackSite.open();
                PoliteWeb visits = PoliteWeb.lease(job, config)) {
            own.body("/a.png", "image/png", "a".getBytes(StandardCharsets.US_ASCII));
            try (PoliteWeb discovery = PoliteWeb.lease(job, config)) {
                HostTurns turns = discovery.join(0, host -> host.equals(own.host()) ? 0 : 1, message -> {});
                assertThat(turns.owner(elsewhere.host())).isEqualTo(1);
            }
            assertThat(visits.get(url(own), Map.of()).status()).isEqualTo(200);
            assertThatThrownBy(() -> visits.get(url(elsewhere), Map.of())).isInstanceOf(HostUnavailableException.class);
            assertThat(elsewhere.requests()).isEmpty();
        }
    }

    private static CanonicalUrl url(LoopbackSite site) {
        return CanonicalUrl.of(site.url("/a.png")).orElseThrow();
    }
}
