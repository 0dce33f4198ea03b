package lenstream.connector.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import lenstream.connector.source.Arrival;
import lenstream.core.image.CrawlTarget;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UrlMessageTest {
    @Test
    void aUrlIsAnImageOrAPageByItsName() {
        assertThat(read(" HTTPS://Example.org/a.jpg\n").target()).isNotNull();
        assertThat(read("https://example.org/feed").page()).isNotNull();
        assertThat(read("{\"url\":\"https://example.org/a.jpg\",\"kind\":\"page\"}")
                        .page())
                .isNotNull();
        assertThat(read("{\"url\":\"https://example.org/raw\",\"kind\":\"image\"}")
                        .target())
                .isNotNull();
    }

    @Test
    void whatIsKnownOfAnImageGoesWithIt() {
        CrawlTarget target = read("""
                {"url": "https://example.org/a.jpg", "page": "https://example.org/p", "title": "T", "alt": "A",
                 "caption": "C", "credit": "Who", "license": "https://l.example/", "published": "2026-01-02T03:04:05Z",
                 "more": [1]}""").target();
        assertThat(target)
                .isEqualTo(new CrawlTarget(
                        "https://example.org/a.jpg",
                        "example.org",
                        "kafka://t",
                        "https://example.org/p",
                        "T",
                        "A",
                        "C",
                        "Who",
                        "https://l.example/",
                        Instant.parse("2026-01-02T03:04:05Z").toEpochMilli(),
                        7,
                        "kafka"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "no url",
                "file:///etc/passwd",
                "{",
                "{}",
                "{\"url\": 5}",
                "{\"url\":\"https://e.example/a.jpg\",\"kind\":\"cat\"}",
                "{\"url\":\"https://e.example/a.jpg\",\"published\":\"yesterday\"}"
            })
    void anythingElseIsARejection(String text) {
        assertThat(read(text).rejection())
                .isNotNull()
                .satisfies(rejection -> assertThat(rejection.detail()).startsWith("the message "));
    }

    @Test
    void aHugeMessageIsRefusedUnread() {
        assertThat(read("x".repeat(100_000)).rejection())
                .isNotNull()
                .satisfies(rejection -> assertThat(rejection.detail()).contains("100000 bytes"));
    }

    private static Arrival read(String text) {
        return UrlMessage.read(text.getBytes(StandardCharsets.UTF_8), "kafka://t/0/1", "kafka://t", 7);
    }
}
