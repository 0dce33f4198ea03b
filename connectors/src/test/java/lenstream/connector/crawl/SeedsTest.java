package lenstream.connector.crawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import lenstream.connector.fetch.RevisitPolicy;
import lenstream.core.config.ConfigException;
import lenstream.core.config.ConfigReader;
import lenstream.core.config.Secret;
import org.junit.jupiter.api.Test;

class SeedsTest {
    @Test
    void aTopicNeedsNoSites() {
        Seeds seeds = read("""
                kafka: {servers: "a:9092, b:9092", topic: urls, group: g, start: latest, properties: {security.protocol: SSL}}
                """);
        assertThat(seeds.sites()).isEmpty();
        assertThat(seeds.topic())
                .isEqualTo(new UrlTopic(
                        "a:9092, b:9092",
                        "urls",
                        "g",
                        UrlTopic.Start.LATEST,
                        Map.of("security.protocol", new Secret("SSL"))));
        assertThat(String.valueOf(seeds.topic())).doesNotContain("SSL");
        assertThatThrownBy(() -> read("kafka: {servers: nowhere, topic: urls}")).hasMessageContaining("HOST:PORT");
        assertThatThrownBy(() -> read("network: {}")).hasMessageContaining("at least one site");
        assertThatThrownBy(() -> UrlTopic.parse("broker:9092")).hasMessageContaining("HOST:PORT/TOPIC");
    }

    @Test
    void everyKeyIsMapped() {
        Seeds seeds = read("""
                sites:
                  - url: https://Example.org
                    kind: sitemap
                    interval: 5m
                    include: ["/news/**"]
                    exclude: ["/news/old/**"]
                    max_pages: 20
                    max_images: 2k
                network:
                  allow_private: ["127.0.0.0/8"]
                  min_delay: 2s
                  contact: "https://example.org/bot"
                limits: {max_bytes: 10MiB, max_pixels: 50M, timeout: 20s, attempts: 5}
                revisit: {first: 2h, shortest: 10m, longest: 7d, forget_after: 30d}
                """);
        assertThat(seeds.sites())
                .containsExactly(new Site(
                        "https://example.org/",
                        "example.org",
                        Kind.SITEMAP,
                        Duration.ofMinutes(5),
                        List.of("/news/**"),
                        List.of("/news/old/**"),
                        20,
                        2_000));
        assertThat(seeds.maxPixels()).isEqualTo(50_000_000);
        assertThat(seeds.fetch().minDelay()).isEqualTo(Duration.ofSeconds(2));
        assertThat(seeds.fetch().attempts()).isEqualTo(5);
        assertThat(seeds.fetch().revisit())
                .isEqualTo(new RevisitPolicy(
                        Duration.ofHours(2), Duration.ofMinutes(10), Duration.ofDays(7), Duration.ofDays(30)));
        var web = seeds.fetch().web();
        assertThat(web.allowPrivate()).containsExactly("127.0.0.0/8");
        assertThat(web.userAgent()).contains("https://example.org/bot");
        assertThat(web.maxBytes().bytes()).isEqualTo(10 << 20);
        assertThat(web.totalTimeout()).isEqualTo(Duration.ofSeconds(20));
    }

    @Test
    void defaultsHoldForWhatIsNotSaid() {
        Seeds seeds = read("sites: [{url: 'https://example.org/'}]");
        assertThat(seeds.fetch().minDelay()).isEqualTo(Duration.ofSeconds(1));
        assertThat(seeds.maxPixels()).isEqualTo(200_000_000);
        assertThat(seeds.sites().get(0).interval()).isEqualTo(Duration.ofMinutes(15));
        assertThat(Seeds.ofUrls(List.of("https://example.org/"))).isEqualTo(seeds);
    }

    @Test
    void anUnknownKeyIsRefusedWithTheNearest() {
        assertThatThrownBy(() -> read("sites: [{url: 'https://example.org/', intervall: 5m}]"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("did you mean interval");
    }

    @Test
    void everyProblemIsReportedAtOnce() {
        assertThatThrownBy(() -> read("""
                sites: [{url: 'ftp://example.org/'}, {url: 'https://a.example/', include: ['news']}, {url: 'https://b.example'}, {url: 'https://B.example/'}]
                network: {min_delay: 0}
                """))
                .isInstanceOfSatisfying(
                        ConfigException.class, e -> assertThat(e.problems()).hasSize(4));
    }

    @Test
    void noDelayIsForPrivateNetworksAlone() {
        assertThatThrownBy(() -> read("sites: [{url: 'https://example.org/'}]\nnetwork: {min_delay: 0}"))
                .hasMessageContaining("allow_private");
    }

    @Test
    void whatIsNoUrlOnTheCommandLineIsNamed() {
        assertThatThrownBy(() -> Seeds.ofUrls(List.of("example dot org"))).hasMessageContaining("example dot org");
        assertThatThrownBy(() -> Seeds.ofUrls(List.of())).isInstanceOf(ConfigException.class);
    }

    @Test
    void globsMatchWholePaths() {
        var globs = PathGlobs.of(List.of("/news/**", "/a/*.html"));
        assertThat(List.of("/news", "/news/2026/x", "/a/b.html")).allMatch(globs::matches);
        assertThat(List.of("/newsletter", "/a/b/c.html", "/")).noneMatch(globs::matches);
    }

    private static Seeds read(String yaml) {
        return Seeds.of("seeds.yaml", ConfigReader.parse("seeds.yaml", yaml, SeedsFile.class));
    }
}
