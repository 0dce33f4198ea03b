package lenstream.connector.crawl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.ImageId;
import lenstream.core.image.Reason;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SiteWalkTest {
    private static final String HOME = "https://example.org/";
    private static final String SITEMAP_HEAD =
            "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'>";

    private final FakeWeb web = new FakeWeb();
    private final List<SiteEvent> events = new ArrayList<>();
    private long now = 1_000_000;

    @Test
    void aHomePageLeadsToSitemapsThenFeedsThenPages() throws Exception {
        web.sitemaps.add(HOME + "map.xml");
        web.page(
                "",
                "<link rel=alternate type='application/rss+xml' href='/feed'><a href='/a'>a</a><a href='/photo.jpg'>p</a><a href='https://other.example/'>o</a>");
        web.put("map.xml", SITEMAP_HEAD + "<url><loc>https://example.org/b</loc></url></urlset>");
        web.put("feed", "<rss><channel><item><link>https://example.org/c</link></item></channel></rss>");
        web.page("a", "").page("b", "").page("c", "");
        run(site());
        assertThat(web.paths()).containsExactly("/", "/map.xml", "/feed", "/a", "/b", "/c");
    }

    @Test
    void whatSeveralResourcesSayOfAnImageIsOneTarget() throws Exception {
        web.sitemaps.add(HOME + "map.xml");
        web.page("", "<title>Home</title><img src='/1.jpg' alt='alt text'>");
        web.put("map.xml", sitemap("2026-01-01", "1"));
        run(site());
        assertThat(found()).hasSize(1);
        CrawlTarget target = found().get(0);
        assertThat(target.alt()).isEqualTo("alt text");
        assertThat(target.caption()).isEqualTo("caption 1");
        assertThat(target.host()).isEqualTo("example.org");
        assertThat(target.site()).isEqualTo(HOME);
    }

    @Test
    void aLaterRoundAsksConditionallyAndTellsOnlyWhatIsNew() throws Exception {
        Site site = kind(Kind.SITEMAP, "map.xml");
        web.put("map.xml", sitemap("2026-01-01", "1", "2"));
        SiteState state = run(site);
        now += Duration.ofHours(1).toMillis();
        clear();
        state = run(site, state, "run");
        assertThat(web.asked).hasSize(1);
        assertThat(web.asked.get(0)).containsKey("If-None-Match");
        assertThat(found()).isEmpty();

        now += Duration.ofHours(1).toMillis();
        clear();
        web.put("map.xml", sitemap("2026-01-01", "1", "2", "3"));
        state = run(site, state, "run");
        assertThat(found()).extracting(CrawlTarget::url).containsExactly(HOME + "3.jpg");

        now += Duration.ofHours(1).toMillis();
        clear();
        web.put("map.xml", sitemap("2026-02-02", "1"));
        run(site, state, "run");
        assertThat(found()).extracting(CrawlTarget::url).containsExactly(HOME + "1.jpg");
    }

    @Test
    void anotherSubmissionAsksForEverythingAgain() throws Exception {
        Site site = kind(Kind.SITEMAP, "map.xml");
        web.put("map.xml", sitemap("2026-01-01", "1", "2"));
        SiteState state = run(site);
        clear();
        run(site, state, "another run");
        assertThat(web.asked.get(0)).doesNotContainKey("If-None-Match");
        assertThat(found()).hasSize(2);
    }

    @Test
    void aRoundGoesOnWhereACheckpointCutIt() throws Exception {
        web.page("", "<a href='/a'>a</a><a href='/b'>b</a>");
        web.page("a", "<img src='/a.jpg'>").page("b", "<img src='/b.jpg'>");
        for (int cut = 0; cut < 20; cut++) {
            clear();
            var walk = walk(site(), new SiteState(), "run");
            while (!walk.isDry()) {
                events.addAll(walk.step());
            }
            int emitted = Math.min(cut, events.size());
            var atCheckpoint = new SiteState();
            events.subList(0, emitted).forEach(atCheckpoint::apply);
            var first = foundIn(events.subList(0, emitted));
            clear();
            run(site(), atCheckpoint.copy(), "run");
            var all = new ArrayList<>(first);
            all.addAll(found());
            assertThat(all)
                    .extracting(CrawlTarget::url)
                    .as("cut after %s events", emitted)
                    .containsExactlyInAnyOrder(HOME + "a.jpg", HOME + "b.jpg");
        }
    }

    @Test
    void imagesAreEmittedBeforeTheirResourceCountsAsVisited() throws Exception {
        web.page("", "<img src='/a.jpg'>");
        run(site());
        int image = indexOf(SiteEvent.Found.class);
        int visit = indexOf(SiteEvent.Visited.class);
        assertThat(image).isLessThan(visit);
    }

    @Test
    void limitsBoundPagesAndImages() throws Exception {
        var links = new StringBuilder();
        for (int i = 0; i < 50; i++) {
            links.append("<a href='/p").append(i).append("'>x</a>");
            web.page("p" + i, "<img src='/p" + i + ".jpg'>");
        }
        web.page("", links.toString());
        run(new Site(HOME, "example.org", Kind.PAGE, Duration.ofMinutes(15), List.of(), List.of(), 10, 5));
        assertThat(web.asked).hasSizeLessThanOrEqualTo(11);
        assertThat(found()).hasSize(5);
    }

    @Test
    void includeAndExcludeChoosePages() throws Exception {
        web.page("", "<a href='/news/1'>x</a><a href='/news/old/1'>x</a><a href='/shop/1'>x</a><img src='/home.jpg'>");
        web.page("news/1", "<img src='/1.jpg'><img src='/ads/2.jpg'>");
        run(new Site(
                HOME,
                "example.org",
                Kind.PAGE,
                Duration.ofMinutes(15),
                List.of("/news/**"),
                List.of("/news/old/**", "/ads/**"),
                10,
                5));
        assertThat(web.paths()).containsExactly("/", "/news/1");
        assertThat(found()).extracting(CrawlTarget::url).containsExactly(HOME + "1.jpg");
    }

    @Test
    void aSeedThatCannotBeReadEndsItsRound() throws Exception {
        SiteState state = run(site());
        assertThat(state.inRound()).isFalse();
        assertThat(events).anyMatch(event -> event instanceof SiteEvent.Visited visited && visited.failed());
    }

    @ParameterizedTest
    @CsvSource({"404", "403", "500"})
    void aHomePageThatCannotBeReadDoesNotHideTheSitemaps(int status) throws Exception {
        web.sitemaps.add(HOME + "map.xml");
        web.status("", status, Map.of());
        web.put("map.xml", sitemap("2026-01-01", "1"));
        run(site());
        assertThat(found()).extracting(CrawlTarget::url).containsExactly(HOME + "1.jpg");
    }

    @Test
    void aSiteThatRobotsRulesCloseIsNotEnteredByASitemapElsewhere() throws Exception {
        web.sitemaps.addAll(List.of(HOME + "map.xml", "https://elsewhere.example/map.xml"));
        web.denied = "/";
        web.put("map.xml", sitemap("2026-01-01", "1"));
        web.at("https://elsewhere.example/map.xml", sitemap("2026-01-01", "2"));
        run(site());
        assertThat(found()).extracting(CrawlTarget::url).containsExactly(HOME + "1.jpg");
    }

    @Test
    void aFeedThatCannotBeReadDoesNotMakeItsSiteOneToWalk() throws Exception {
        web.sitemaps.add(HOME + "map.xml");
        web.status("feed", 500, Map.of());
        run(kind(Kind.AUTO, "feed"));
        assertThat(web.paths()).containsOnly("/feed");
    }

    @Test
    void aFailureThatPassesDoesNotLoseTheResource() throws Exception {
        web.page("", "<img src='/a.jpg'>");
        web.failures = 2;
        run(site());
        assertThat(found()).hasSize(1);
    }

    @Test
    void aResourceThatCannotBeDigestedFailsAloneAndTheWalkGoesOn() throws Exception {
        web.page("", "<a href='/bad'>x</a><a href='/good'>x</a>");
        web.page("good", "<img src='/good.jpg'>");
        web.broken = "/bad";
        run(site());
        assertThat(found()).extracting(CrawlTarget::url).containsExactly(HOME + "good.jpg");
        assertThat(events)
                .filteredOn(event -> event instanceof SiteEvent.Visited visited && visited.failed())
                .singleElement()
                .extracting(event -> ((SiteEvent.Visited) event).url())
                .isEqualTo(HOME + "bad");
    }

    @ParameterizedTest
    @CsvSource({"https://elsewhere.example/, false", "https://www.example.org/, true"})
    void aSeedMayMoveToItsWwwNameAndNowhereElse(String to, boolean follows) throws Exception {
        web.redirect(HOME, to);
        web.at("https://www.example.org/more", "<html><body><img src='/b.jpg'></body></html>");
        web.at(to, "<html><body><img src='/a.jpg'><a href='/more'>more</a></body></html>");
        run(site());
        assertThat(found()).hasSize(follows ? 2 : 0);
    }

    @Test
    void sitemapsAndFeedsMayLieAnywhereAndPagesMayNot() throws Exception {
        web.page(
                "",
                "<link rel='alternate' type='application/rss+xml' href='https://feeds.example/f'>"
                        + "<a href='https://elsewhere.example/p'>elsewhere</a>");
        web.sitemaps.add("https://cdn.example/index.xml");
        web.at(
                "https://cdn.example/index.xml",
                "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><sitemap>"
                        + "<loc>https://cdn.example/1.xml</loc></sitemap></sitemapindex>");
        web.at("https://cdn.example/1.xml", sitemap("2026-01-01", "a"));
        web.at(
                "https://feeds.example/f",
                "<rss><channel><item><guid>1</guid><enclosure type='image/jpeg' url='https://example.org/b.jpg'/>"
                        + "</item><item><link>https://elsewhere.example/q</link></item></channel></rss>");
        run(site());
        assertThat(found())
                .extracting(CrawlTarget::url)
                .containsExactlyInAnyOrder("https://example.org/a.jpg", "https://example.org/b.jpg");
        assertThat(web.paths()).doesNotContain("/p", "/q");
    }

    @Test
    void robotsTxtAsSeedLeadsToItsSitemapsOrHome() throws Exception {
        web.page("", "<img src='/a.jpg'>");
        run(kind(Kind.AUTO, "robots.txt"));
        assertThat(web.paths()).containsExactly("/");
        assertThat(found()).hasSize(1);
    }

    @Test
    void quietResourcesAreVisitedLessOften() throws Exception {
        Site site = kind(Kind.SITEMAP, "map.xml");
        web.put("map.xml", sitemap("2026-01-01", "1"));
        SiteState state = run(site);
        long first = state.nextRoundAtMillis() - now;
        for (int i = 0; i < 20; i++) {
            now = state.nextRoundAtMillis();
            state = run(site, state, "run");
        }
        assertThat(first).isEqualTo(site.interval().toMillis());
        assertThat(state.nextRoundAtMillis() - now).isEqualTo(site.interval().toMillis() * 8);
    }

    @Test
    void anIntervalThatTheSeedsFileChangesHoldsFromTheNextSubmission() throws Exception {
        web.put("map.xml", sitemap("2026-01-01", "1"));
        SiteState state = run(kind(Kind.SITEMAP, "map.xml"));
        now += Duration.ofHours(1).toMillis();
        state = run(every(Duration.ofMinutes(1)), state, "second");
        assertThat(state.nextRoundAtMillis() - now)
                .isEqualTo(Duration.ofMinutes(1).toMillis());
        state = run(every(Duration.ofDays(1)), state, "third");
        assertThat(state.nextRoundAtMillis() - now).isEqualTo(Duration.ofDays(1).toMillis());
    }

    private static Site every(Duration interval) {
        return new Site(HOME + "map.xml", "example.org", Kind.SITEMAP, interval, List.of(), List.of(), 1000, 1000);
    }

    @Test
    void aSitemapIsAskedForAgainOnlyWhenItsIndexDatesItAnew() throws Exception {
        now = Instant.parse("2026-06-01T00:00:00Z").toEpochMilli();
        Site site = kind(Kind.SITEMAP, "index.xml");
        web.put("index.xml", index("2026-05-01", "2026-05-02"));
        web.put("1.xml", sitemap("2026-05-01", "1")).put("2.xml", sitemap("2026-05-01", "2"));
        SiteState state = run(site);
        assertThat(web.paths()).containsExactly("/index.xml", "/1.xml", "/2.xml");

        now += Duration.ofHours(1).toMillis();
        clear();
        web.put("index.xml", index("2026-05-01", "2026-06-01"));
        web.put("1.xml", sitemap("2026-05-01", "1", "3")).put("2.xml", sitemap("2026-05-01", "2", "4"));
        state = run(site, state, "run");
        assertThat(web.paths()).containsExactly("/index.xml", "/2.xml");
        assertThat(found()).extracting(CrawlTarget::url).containsExactly(HOME + "4.jpg");

        now += Duration.ofHours(24).toMillis();
        clear();
        run(site, state, "run"); // a full round does not rely on dates
        assertThat(web.paths()).containsExactly("/index.xml", "/1.xml", "/2.xml");
    }

    @Test
    void aDateOfTheLastDaysMayHideChangesAndIsNotReliedOn() throws Exception {
        now = Instant.parse("2026-06-01T12:00:00Z").toEpochMilli();
        Site site = kind(Kind.SITEMAP, "index.xml");
        web.put("index.xml", index("2026-05-01", "2026-06-01"));
        web.put("1.xml", sitemap("2026-05-01", "1")).put("2.xml", sitemap("2026-05-01", "2"));
        SiteState state = run(site);
        now += Duration.ofHours(1).toMillis();
        clear();
        run(site, state, "run");
        assertThat(web.paths()).containsExactly("/index.xml", "/2.xml");
    }

    @Test
    void aSitemapThatFailedIsAskedForAgainWhateverItsIndexSays() throws Exception {
        now = Instant.parse("2026-06-01T00:00:00Z").toEpochMilli();
        Site site = kind(Kind.SITEMAP, "index.xml");
        web.put("index.xml", index("2026-05-01", "2026-05-02"));
        web.status("1.xml", 503, Map.of()).put("2.xml", sitemap("2026-05-01", "2"));
        SiteState state = run(site);
        now += Duration.ofHours(1).toMillis();
        clear();
        web.put("1.xml", sitemap("2026-05-01", "1"));
        run(site, state, "run");
        assertThat(web.paths()).containsExactly("/index.xml", "/1.xml");
        assertThat(found()).extracting(CrawlTarget::url).containsExactly(HOME + "1.jpg");
    }

    @Test
    void aFullRoundReadsAFeedToItsLimitAndLaterOnesOnlyWhatIsNew() throws Exception {
        Site site = kind(Kind.FEED, "feed");
        for (int page = 1; page <= 15; page++) {
            feed(page, "old" + page);
        }
        SiteState state = run(site);
        assertThat(web.paths()).hasSize(SiteWalk.MAX_FEED_PAGES);
        assertThat(found()).hasSize(SiteWalk.MAX_FEED_PAGES);

        now += Duration.ofHours(1).toMillis();
        clear();
        feed(1, "new1", "new2");
        feed(2, "new3", "old1");
        state = run(site, state, "run");
        assertThat(web.paths()).containsExactly("/feed", "/feed?2");
        assertThat(found())
                .extracting(CrawlTarget::url)
                .containsExactly(HOME + "new1.jpg", HOME + "new2.jpg", HOME + "new3.jpg");

        now += Duration.ofHours(1).toMillis();
        clear();
        run(site, state, "run");
        assertThat(web.paths()).containsExactly("/feed");
    }

    @Test
    void thePagesOfAFeedThatLeadInACircleEnd() throws Exception {
        web.put("feed", "<rss><channel><link rel='next' href='/feed?2'/></channel></rss>");
        web.put("feed?2", "<rss><channel><link rel='next' href='/feed?3'/></channel></rss>");
        web.put("feed?3", "<rss><channel><link rel='next' href='/feed?2'/></channel></rss>");
        run(kind(Kind.FEED, "feed"));
        assertThat(web.paths()).containsExactly("/feed", "/feed?2", "/feed?3");
    }

    @Test
    void imagesOfAPageWerePublishedWhenTheListThatNamesItSays() throws Exception {
        now = Instant.parse("2026-06-01T00:00:00Z").toEpochMilli();
        web.put(
                "feed",
                "<rss><channel><item><link>https://example.org/a</link>"
                        + "<pubDate>Fri, 01 May 2026 10:00:00 GMT</pubDate></item></channel></rss>");
        web.page("a", "<img src='/a.jpg'>");
        run(kind(Kind.FEED, "feed"));
        assertThat(found())
                .extracting(CrawlTarget::publishedAtMillis)
                .containsExactly(Instant.parse("2026-05-01T10:00:00Z").toEpochMilli());
    }

    @Test
    void aServerSaysWhenToComeAgainWithinBounds() throws Exception {
        Site site = kind(Kind.SITEMAP, "map.xml");
        long interval = site.interval().toMillis();
        web.status("map.xml", 503, Map.of("retry-after", List.of("7200")));
        assertThat(run(site).nextRoundAtMillis() - now).isEqualTo(7_200_000);
        web.status("map.xml", 503, Map.of("retry-after", List.of("99999999")));
        assertThat(run(site).nextRoundAtMillis() - now)
                .isEqualTo(Duration.ofDays(1).toMillis());
        web.status("map.xml", 200, Map.of("cache-control", List.of("public, max-age=3600")));
        assertThat(run(site).nextRoundAtMillis() - now).isEqualTo(3_600_000);
        web.status("map.xml", 200, Map.of("cache-control", List.of("max-age=31536000")));
        assertThat(run(site).nextRoundAtMillis() - now).isEqualTo(8 * interval);
        web.status("map.xml", 200, Map.of("cache-control", List.of("max-age=1")));
        assertThat(run(site).nextRoundAtMillis() - now).isEqualTo(interval);
    }

    private void feed(int page, String... images) {
        var xml = new StringBuilder("<rss xmlns:atom='http://www.w3.org/2005/Atom'><channel>");
        for (String image : images) {
            xml.append("<item><guid>")
                    .append(image)
                    .append("</guid><enclosure type='image/jpeg' url='https://example.org/");
            xml.append(image).append(".jpg'/></item>");
        }
        xml.append("<atom:link rel='next' href='/feed?").append(page + 1).append("'/></channel></rss>");
        web.put(page == 1 ? "feed" : "feed?" + page, xml.toString());
    }

    private static String index(String first, String second) {
        return "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
                + "<sitemap><loc>https://example.org/1.xml</loc><lastmod>" + first + "</lastmod></sitemap>"
                + "<sitemap><loc>https://example.org/2.xml</loc><lastmod>" + second + "</lastmod></sitemap>"
                + "</sitemapindex>";
    }

    private static String sitemap(String lastmod, String... images) {
        var xml = new StringBuilder(SITEMAP_HEAD);
        for (String image : images) {
            xml.append("<url><loc>https://example.org/p")
                    .append(image)
                    .append("</loc><lastmod>")
                    .append(lastmod)
                    .append("</lastmod><image:image><image:loc>https://example.org/")
                    .append(image)
                    .append(".jpg</image:loc><image:caption>caption ")
                    .append(image)
                    .append("</image:caption></image:image></url>");
        }
        return xml.append("</urlset>").toString();
    }

    private SiteState run(Site site) throws Exception {
        return run(site, new SiteState(), "run");
    }

    private SiteState run(Site site, SiteState state, String run) throws Exception {
        SiteWalk walk = walk(site, state.copy(), run);
        SiteState after = state.copy();
        do {
            List<SiteEvent> step = walk.step();
            step.forEach(after::apply);
            events.addAll(step);
        } while (!walk.isDry());
        return after;
    }

    private SiteWalk walk(Site site, SiteState state, String run) {
        return new SiteWalk(site, state, run, web, () -> now);
    }

    private void clear() {
        events.clear();
        web.asked.clear();
        web.paths.clear();
    }

    private List<CrawlTarget> found() {
        return foundIn(events);
    }

    private static List<CrawlTarget> foundIn(List<SiteEvent> events) {
        return events.stream()
                .filter(SiteEvent.Found.class::isInstance)
                .map(event -> ((SiteEvent.Found) event).target())
                .toList();
    }

    private int indexOf(Class<? extends SiteEvent> type) {
        for (int i = 0; i < events.size(); i++) {
            if (type.isInstance(events.get(i))) {
                return i;
            }
        }
        return -1;
    }

    private static Site site() {
        return Site.of(CanonicalUrl.of(HOME).orElseThrow());
    }

    private static Site kind(Kind kind, String path) {
        return new Site(HOME + path, "example.org", kind, Duration.ofMinutes(15), List.of(), List.of(), 1000, 1000);
    }

    /** Answers from a map, with ETags made from the bodies. */
    private static final class FakeWeb implements SiteWalk.Web {
        private final Map<String, WebResponse> answers = new HashMap<>();
        private final List<String> sitemaps = new ArrayList<>();
        private final List<Map<String, String>> asked = new ArrayList<>();
        private final List<String> paths = new ArrayList<>();
        private int failures;
        private String broken = "";
        private String denied = "";

        FakeWeb page(String path, String body) {
            return put(path, "<html><body>" + body + "</body></html>");
        }

        FakeWeb put(String path, String body) {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            CanonicalUrl url = CanonicalUrl.of(HOME + path).orElseThrow();
            answers.put(
                    url.value(),
                    new WebResponse(url, 200, Map.of("etag", List.of("\"" + ImageId.sha256(bytes) + "\"")), bytes));
            return this;
        }

        void at(String address, String body) {
            CanonicalUrl url = CanonicalUrl.of(address).orElseThrow();
            answers.put(url.value(), new WebResponse(url, 200, Map.of(), body.getBytes(StandardCharsets.UTF_8)));
        }

        void redirect(String from, String to) {
            CanonicalUrl url = CanonicalUrl.of(from).orElseThrow();
            answers.put(url.value(), new WebResponse(url, 301, Map.of("location", List.of(to)), new byte[0]));
        }

        FakeWeb status(String path, int status, Map<String, List<String>> headers) {
            CanonicalUrl url = CanonicalUrl.of(HOME + path).orElseThrow();
            byte[] body = (SITEMAP_HEAD + "</urlset>").getBytes(StandardCharsets.UTF_8);
            answers.put(url.value(), new WebResponse(url, status, headers, body));
            return this;
        }

        List<String> paths() {
            return paths.stream().filter(path -> !path.equals("/sitemap.xml")).toList();
        }

        @Override
        public WebResponse get(CanonicalUrl url, Map<String, String> headers) throws IOException {
            asked.add(headers);
            paths.add(url.pathAndQuery());
            if (url.path().equals(broken)) {
                throw new ArithmeticException("long overflow");
            }
            if (url.path().equals(denied)) {
                throw new WebException(Reason.ROBOTS_DENIED, url + ": forbidden by robots.txt");
            }
            if (failures-- > 0) {
                throw new WebException(Reason.TIMEOUT, url + ": too slow");
            }
            WebResponse answer = answers.get(url.value());
            if (answer == null) {
                return new WebResponse(url, 404, Map.of(), new byte[0]);
            }
            boolean same = answer.header("etag").isPresent()
                    && answer.header("etag").get().equals(headers.get("If-None-Match"));
            return same ? new WebResponse(url, 304, answer.headers(), new byte[0]) : answer;
        }

        @Override
        public List<String> sitemaps(CanonicalUrl url) {
            return sitemaps;
        }
    }
}
