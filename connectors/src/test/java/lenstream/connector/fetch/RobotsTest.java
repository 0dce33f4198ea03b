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
    private final RobotsCache cache = new RobotsCache(this::answer, Duration.ofSeconds(5), ticker);

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
                "unavailable_after: Friday, 25-Jun-10 15:00:00 PST, noarchive | true",
                "unavailable_after: 25 Jun 2010 15:00:00 PST | true",
                "unavailable_after: 2010-06-25T15:00:00+02:00 | true",
                "unavailable_after: Sat, 25 Jun 2950 15:00:00 GMT | false",
                "unavailable_after: Sat, 25 Jun 2950 15:00:00 GMT, noindex | true",
                "noarchive, unavailable_after: Fri Jun 25 15:00:00 2010 | true",
                "googlebot: nofollow, lenstream: noindex | true",
                "lenstream: nofollow, googlebot: noindex, noai | false",
                "googlebot: unavailable_after: 2010-06-25 | false",
                "LENSTREAM: unavailable_after: 2010-06-25 | true",
                "*: noindex | true",
                "noindex nofollow | true",
                "max-image-preview: none | false",
                "notranslate, noarchive, indexifembedded | false",
            })
    void xRobotsTagSaysWhetherAnImageMayBeIndexed(String header, boolean forbidden) {
        assertThat(RobotsDirectives.ofHeaders(List.of(header), Instant.parse("2026-01-01T00:00:00Z"))
                        .noIndex())
                .isEqualTo(forbidden);
    }

    @Test
    void aDenialSaysWhatWasWritten() {
        var now = Instant.parse("2026-01-01T00:00:00Z");
        assertThat(RobotsDirectives.ofHeaders(List.of("googlebot: noai", "noarchive, NoIndex"), now)
                        .denial())
                .isEqualTo("X-Robots-Tag: NoIndex");
        assertThat(RobotsDirectives.ofHeaders(List.of("unavailable_after: Fri, 25 Jun 2010 15:00:00 GMT"), now)
                        .denial())
                .isEqualTo("X-Robots-Tag: unavailable_after: Fri, 25 Jun 2010 15:00:00 GMT");
        assertThat(RobotsDirectives.ofMeta("Robots", "none", now))
                .isEqualTo(new RobotsDirectives("meta robots: none", true));
        assertThat(RobotsDirectives.ofMeta("TDM-Reservation", "1", now).denial())
                .isEqualTo("tdm-reservation: 1");
        assertThat(RobotsDirectives.ofMeta("googlebot", "noindex", now)).isEqualTo(RobotsDirectives.NONE);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "User-agent: *~Content-Signal: search=no | true",
                "User-agent: *~Content-Signal: search=yes, ai-train=no, ai-input=no | false",
                "user-agent: *~content-signal: ai-train=no , Search = No # why | true",
                "Content-Signal: search=no~User-agent: other~Disallow: / | true",
                "User-agent: other~Content-Signal: search=no | false",
                "User-agent: *~Content-Signal: search=no~User-agent: lenstream~Disallow: /x | false",
                "User-agent: other~User-agent: Lenstream/1.0~Allow: /~Content-Signal: search=no | true",
                "User-agent: lenstream~Sitemap: https://example.org/s.xml~User-agent: o~Content-Signal: search=no | true",
                "User-agent: *~Content-Signal: /private search=no | false",
                "User-agent: *~# Content-Signal: search=no | false",
            })
    void contentSignalsOfOurGroupSayWhetherWeMaySearch(String lines, boolean denied) {
        var rules = parse(lines.replace('~', '\n'));
        assertThat(rules.allows(IMAGE)).isNotEqualTo(denied);
        assertThat(rules.denial(IMAGE).orElse("none")).isEqualTo(denied ? "Content-Signal: search=no" : "none");
        assertThat(rules.allows(url("https://example.org/robots.txt"))).isTrue();
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
