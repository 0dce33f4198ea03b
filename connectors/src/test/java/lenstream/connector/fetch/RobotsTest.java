package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lenstream.core.image.Reason;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RobotsTest {
    private static final CanonicalUrl IMAGE = url("https://example.org/images/a.jpg");

    private final ManualTicker ticker = new ManualTicker();
    private final List<String> asked = new ArrayList<>();
    private final Map<String, WebResponse> answers = new HashMap<>();
    private final RobotsCache cache = new RobotsCache(this::answer, ticker);

    @Test
    void theGroupOfOurTokenCountsAndTheLongestRuleWins() {
        var rules = parse("""
                User-agent: *
                Disallow: /
                User-agent: Lenstream
                Disallow: /images/
                Allow: /images/a.jpg$
                Crawl-delay: 2.5
                Sitemap: https://example.org/map.xml
                """);
        assertThat(rules.allows(IMAGE)).isTrue();
        assertThat(rules.allows(url("https://example.org/images/a.jpg?x"))).isFalse();
        assertThat(rules.allows(url("https://example.org/other"))).isTrue();
        assertThat(rules.crawlDelay()).contains(Duration.ofMillis(2_500));
        assertThat(rules.sitemaps()).containsExactly("https://example.org/map.xml");
    }

    @Test
    void aVeryLongCrawlDelayForbidsNothing() {
        var rules = parse("User-agent: *\nCrawl-delay: 86400\n");
        assertThat(rules.allows(IMAGE)).isTrue();
        assertThat(rules.crawlDelay()).contains(Duration.ofDays(1));
    }

    @Test
    void theRobotsFileItselfMayAlwaysBeAskedFor() {
        assertThat(parse("User-agent: *\nDisallow: /\n").allows(url("https://example.org/robots.txt")))
                .isTrue();
    }

    @Test
    void aByteOrderMarkIsNoPartOfTheFirstLine() {
        assertThat(parse("\ufeffUser-agent: *\nDisallow: /images/\n").allows(IMAGE))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource({"401", "403", "404", "410"})
    void whereThereIsNoRobotsFileEverythingIsAllowed(int status) throws Exception {
        answers.put("https://example.org/robots.txt", response("https://example.org/robots.txt", status, ""));
        assertThat(cache.rules(IMAGE).allows(IMAGE)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"429, RATE_LIMITED", "500, SERVER_ERROR", "503, SERVER_ERROR"})
    void whileItCannotBeReadNothingIsAllowedAndItIsTriedAgainLater(int status, Reason reason) throws Exception {
        answers.put("https://example.org/robots.txt", response("https://example.org/robots.txt", status, ""));
        assertThatThrownBy(() -> cache.rules(IMAGE))
                .isInstanceOfSatisfying(
                        HostUnavailableException.class,
                        e -> assertThat(e.reason()).isEqualTo(reason)); // not the site's refusal, which is final
        assertThatThrownBy(() -> cache.rules(IMAGE)).isInstanceOf(HostUnavailableException.class);
        assertThat(asked).hasSize(1);
        answers.put("https://example.org/robots.txt", response("https://example.org/robots.txt", 200, ""));
        ticker.sleep(5_000);
        assertThat(cache.rules(IMAGE).allows(IMAGE)).isTrue();
    }

    @Test
    void itIsAskedForOnceADay() throws Exception {
        answers.put("https://example.org/robots.txt", response("https://example.org/robots.txt", 200, ""));
        cache.rules(IMAGE);
        ticker.sleep(Duration.ofHours(23).toMillis());
        cache.rules(url("https://example.org/other"));
        assertThat(asked).hasSize(1);
        ticker.sleep(Duration.ofHours(2).toMillis());
        cache.rules(IMAGE);
        assertThat(asked).hasSize(2);
    }

    @Test
    void redirectsToAnotherHostCountForTheFirst() throws Exception {
        answers.put(
                "https://example.org/robots.txt",
                new WebResponse(
                        url("https://example.org/robots.txt"),
                        301,
                        Map.of("location", List.of("https://www.example.org/r")),
                        new byte[0]));
        answers.put(
                "https://www.example.org/r", response("https://www.example.org/r", 200, "User-agent: *\nDisallow: /"));
        assertThat(cache.rules(IMAGE).allows(IMAGE)).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "noindex | true",
                "NoImageIndex, nofollow | true",
                "none | true",
                "noai | true",
                "noimageai | true",
                "index, follow | false",
                "googlebot: noindex | false",
                "lenstream: noindex | true",
                "max-snippet: 5 | false",
                "unavailable_after: 25 Jun 2010 15:00:00 GMT | true",
                "unavailable_after: Fri, 25 Jun 2010 15:00:00 GMT | true",
                "unavailable_after: 2010-06-25 | true",
                "unavailable_after: 2999-06-25 | false",
                "unavailable_after: someday | false",
            })
    void xRobotsTagSaysWhetherAnImageMayBeIndexed(String header, boolean forbidden) {
        assertThat(RobotsDirectives.ofHeaders(List.of(header), Instant.parse("2026-01-01T00:00:00Z"))
                        .noIndex())
                .isEqualTo(forbidden);
    }

    private WebResponse answer(CanonicalUrl url) throws IOException {
        asked.add(url.value());
        WebResponse answer = answers.get(url.value());
        if (answer == null) {
            throw new WebException(Reason.CONNECTION_FAILED, url + ": refused");
        }
        return answer;
    }

    private static RobotsRules parse(String text) {
        return RobotsRules.parse(url("https://example.org/robots.txt"), text.getBytes(StandardCharsets.UTF_8));
    }

    private static WebResponse response(String url, int status, String body) {
        return new WebResponse(url(url), status, Map.of(), body.getBytes(StandardCharsets.UTF_8));
    }

    private static CanonicalUrl url(String text) {
        return CanonicalUrl.of(text).orElseThrow();
    }
}
