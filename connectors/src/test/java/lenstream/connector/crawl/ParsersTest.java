package lenstream.connector.crawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import lenstream.core.image.CrawlTarget;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ParsersTest {
    private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");

    @Test
    void aSitemapGivesImagesWithTheirPageAndPagesWithoutImages() throws Exception {
        Contents contents = parse(Kind.AUTO, "application/xml", """
                <?xml version="1.0" encoding="UTF-8"?>
                <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
                    xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
                  <url><loc>https://example.org/p</loc><lastmod>2026-05-01</lastmod>
                    <image:image><image:loc>https://cdn.example/a.jpg</image:loc><image:title>A &amp; B</image:title>
                      <image:caption>Cap</image:caption><image:license>https://l.example/by</image:license></image:image>
                    <image:image><image:loc>https://example.org/b.jpg</image:loc></image:image>
                  </url>
                  <url><loc>https://example.org/q</loc></url>
                </urlset>""");
        assertThat(contents.kind()).isEqualTo(Kind.SITEMAP);
        assertThat(contents.images())
                .extracting(image -> image.url().value())
                .containsExactly("https://cdn.example/a.jpg", "https://example.org/b.jpg");
        FoundImage first = contents.images().get(0);
        assertThat(first.title()).isEqualTo("A & B");
        assertThat(first.caption()).isEqualTo("Cap");
        assertThat(first.license()).isEqualTo("https://l.example/by");
        assertThat(first.pageUrl()).hasToString("https://example.org/p");
        assertThat(first.publishedAtMillis())
                .isEqualTo(Instant.parse("2026-05-01T00:00:00Z").toEpochMilli());
        assertThat(first.stamp()).isNotZero();
        assertThat(links(contents)).containsExactly("PAGE https://example.org/q");
    }

    @ParameterizedTest
    @CsvSource({
        "+999999999-01-01",
        "+999999999-01",
        "999999999",
        "-999999999",
        "+999999999-01-01T00:00:00Z",
        "-999999999-01-01T00:00:00Z"
    })
    void aDateBeyondTheClockIsUnknown(String date) {
        assertThat(Dates.parse(date, NOW.toEpochMilli())).isEqualTo(CrawlTarget.UNKNOWN_TIME);
    }

    @Test
    void aTypeCalledNullIsNotAMissingType() throws Exception {
        Contents contents = parse(Kind.FEED, "application/rss+xml", """
                <rss><channel><item><link>https://example.org/p</link>
                  <enclosure url="https://example.org/null" type="null"/>
                  <enclosure url="https://example.org/named.jpg" type="null"/>
                  <enclosure url="https://example.org/b.jpg"/></item></channel></rss>""");
        assertThat(contents.images())
                .extracting(image -> image.url().value())
                .containsExactly("https://example.org/b.jpg");
    }

    @Test
    void aGzippedIndexGivesItsSitemaps() throws Exception {
        byte[] index = gzip("""
                <sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
                  <sitemap><loc>https://example.org/1.xml</loc></sitemap>
                  <sitemap><loc>https://example.org/2.xml.gz</loc></sitemap>
                </sitemapindex>""");
        Contents contents = ResourceParser.parse(Kind.SITEMAP, response("application/gzip", index), NOW);
        assertThat(links(contents))
                .containsExactly("SITEMAP https://example.org/1.xml", "SITEMAP https://example.org/2.xml.gz");
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "",
            value = {
                "2026-05-01, 2026-05-02, true",
                "2026-05-01, 2026-05-01, false",
                "2026-05-01, 2999-01-01, false",
                "2026-05-01, , false",
            })
    void theDatesOfAnIndexAreBelievedIfTheyDifferAndHavePassed(String first, String second, boolean believed)
            throws Exception {
        String other = second == null ? "" : "<lastmod>" + second + "</lastmod>";
        Contents contents = parse(
                Kind.SITEMAP,
                "application/xml",
                "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
                        + "<sitemap><loc>https://example.org/1.xml</loc><lastmod>" + first + "</lastmod></sitemap>"
                        + "<sitemap><loc>https://example.org/2.xml</loc>" + other + "</sitemap></sitemapindex>");
        assertThat(contents.links()).hasSize(2);
        assertThat(contents.links().get(0).saidMillis())
                .isEqualTo(believed ? Instant.parse("2026-05-01T00:00:00Z").toEpochMilli() : CrawlTarget.UNKNOWN_TIME);
    }

    @Test
    void aNewsSitemapSaysWhenItsArticlesWerePublishedAndWhatTheyAreCalled() throws Exception {
        Contents contents = parse(Kind.SITEMAP, "application/xml", """
                <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
                    xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
                    xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
                  <url><loc>https://example.org/p</loc><lastmod>2026-05-20</lastmod>
                    <news:news><news:publication><news:name>N</news:name><news:language>en</news:language></news:publication>
                      <news:publication_date>2026-05-19T10:00:00+02:00</news:publication_date><news:title>Head &amp; line</news:title></news:news>
                    <image:image><image:loc>https://example.org/a.jpg</image:loc></image:image></url>
                  <url><loc>https://example.org/q</loc>
                    <news:news><news:publication><news:name>N</news:name><news:language>en</news:language></news:publication>
                      <news:publication_date>2026-05-18</news:publication_date><news:title>T</news:title></news:news></url>
                </urlset>""");
        assertThat(contents.images().get(0).publishedAtMillis())
                .isEqualTo(Instant.parse("2026-05-19T08:00:00Z").toEpochMilli());
        assertThat(contents.images().get(0).title()).isEqualTo("Head & line");
        assertThat(contents.links().get(0).saidMillis())
                .isEqualTo(Instant.parse("2026-05-18T00:00:00Z").toEpochMilli());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "<feed xmlns='http://www.w3.org/2005/Atom'><link rel='next' href='/f?2'/></feed>",
                "<rss xmlns:atom='http://www.w3.org/2005/Atom'><channel><atom:link rel='next' href='/f?2'/></channel></rss>",
                "<feed xmlns='http://www.w3.org/2005/Atom'><link rel='prev-archive' href='/f?2'/></feed>",
                "<rss xmlns:a='http://www.w3.org/2005/Atom'><channel><a:link rel='prev-archive' href='/f?9'/><a:link rel='next' href='/f?2'/></channel></rss>",
                "{\"version\":\"https://jsonfeed.org/version/1.1\",\"next_url\":\"/f?2\",\"items\":[]}"
            })
    void aFeedNamesItsNextPage(String feed) throws Exception {
        assertThat(parse(Kind.FEED, "", feed).links())
                .containsExactly(FeedParser.nextPage(url("https://example.org/f?2")));
    }

    @Test
    void theHeaderOfAFeedMayNameItsNextPage() throws Exception {
        var headers = Map.of("link", List.of("</f?1>; rel=\"prev\", </f?3>; rel=\"next\""));
        var response = new WebResponse(url("https://example.org/f?2"), 200, headers, bytes("<rss><channel/></rss>"));
        assertThat(ResourceParser.parse(Kind.FEED, response, NOW).links())
                .containsExactly(FeedParser.nextPage(url("https://example.org/f?3")));
    }

    @Test
    void aBombIsNotUnpacked() throws Exception {
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            for (int i = 0; i < 60; i++) {
                gzip.write(new byte[1 << 20]);
            }
        }
        assertThatThrownBy(() ->
                        ResourceParser.parse(Kind.SITEMAP, response("application/gzip", bytes.toByteArray()), NOW))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("unpacks to more");
    }

    @Test
    void rssGivesEnclosuresMediaAndInlineImages() throws Exception {
        Contents contents = parse(Kind.AUTO, "text/xml", """
                <rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
                  <title>Feed</title>
                  <item><title>One</title><link>https://example.org/1</link><pubDate>Fri, 01 May 2026 10:00:00 EST</pubDate>
                    <enclosure url="https://example.org/1.jpg" type="image/jpeg" length="5"/>
                    <media:credit>Ann</media:credit></item>
                  <item><title>Two</title><link>https://example.org/2</link>
                    <media:group><media:content url="https://example.org/2.png" medium="image"/>
                      <media:content url="https://example.org/2.mp4" medium="video"/></media:group></item>
                  <item><title>Three</title><link>https://example.org/3</link>
                    <description>&lt;p&gt;&lt;img src="/3.webp" alt="three"&gt;</description></item>
                  <item><title>Four</title><link>https://example.org/4</link></item>
                  <item><title>Five</title><link>https://example.org/5</link><media:thumbnail url="https://example.org/5s.jpg"/></item>
                </channel></rss>""");
        assertThat(contents.kind()).isEqualTo(Kind.FEED);
        assertThat(contents.images())
                .extracting(image -> image.url().path())
                .containsExactly("/1.jpg", "/2.png", "/3.webp", "/5s.jpg");
        assertThat(contents.images().get(0).credit()).isEqualTo("Ann");
        assertThat(contents.images().get(0).publishedAtMillis())
                .isEqualTo(Instant.parse("2026-05-01T15:00:00Z").toEpochMilli());
        assertThat(contents.images().get(2).alt()).isEqualTo("three");
        assertThat(contents.images().get(2).title()).isEqualTo("Three");
        assertThat(links(contents)).containsExactly("PAGE https://example.org/4");
    }

    @Test
    void mediaRssIsHeardWhereverItSpeaksOfAPicture() throws Exception {
        Contents contents = parse(Kind.FEED, "", """
                <rss xmlns:media="http://search.yahoo.com/mrss/"><channel><media:credit>Channel</media:credit>
                  <item><title>Item</title><media:credit>Of all</media:credit><media:license href="https://l.example/all"/>
                    <media:content url="/1.jpg" medium="image"><media:title>One</media:title><media:description>Of one</media:description>
                      <media:credit>Ann</media:credit><media:license href="https://l.example/1">by</media:license></media:content>
                    <media:group><media:credit>Bo</media:credit><media:content url="/2.jpg" medium="image"/></media:group></item>
                  <item><title>Bare</title><creativeCommons:license>https://l.example/cc</creativeCommons:license>
                    <media:content url="/3.jpg" medium="image"/></item>
                </channel></rss>""");
        assertThat(contents.images())
                .extracting(image -> List.of(
                        image.url().path(),
                        String.valueOf(image.title()),
                        String.valueOf(image.caption()),
                        String.valueOf(image.credit()),
                        String.valueOf(image.license())))
                .containsExactly(
                        List.of("/1.jpg", "One", "Of one", "Ann", "https://l.example/1"),
                        List.of("/2.jpg", "Item", "null", "Bo", "https://l.example/all"),
                        List.of("/3.jpg", "Bare", "null", "null", "https://l.example/cc"));
    }

    @Test
    void wordsAloneAreAPageIfTheServerSaysSo() throws Exception {
        assertThat(parse(Kind.AUTO, "text/html; charset=utf-8", "coming soon").kind())
                .isEqualTo(Kind.PAGE);
        assertThat(parse(Kind.PAGE, "text/html", "").kind()).isEqualTo(Kind.PAGE);
    }

    @Test
    void atomGivesEnclosuresAndContent() throws Exception {
        Contents contents = parse(Kind.AUTO, "application/atom+xml", """
                <feed xmlns="http://www.w3.org/2005/Atom"><title>Feed</title>
                  <entry><title>One</title><link href="/1"/><link rel="enclosure" type="image/png" href="/1.png"/>
                    <published>2026-05-01T10:00:00Z</published><updated>2026-05-02T10:00:00Z</updated><author><name>Bo</name></author></entry>
                  <entry><title>Two</title><link rel="alternate" href="/2"/>
                    <content type="html">&lt;img src="2.jpg"&gt;</content></entry>
                </feed>""");
        assertThat(contents.images()).extracting(image -> image.url().path()).containsExactly("/1.png", "/2.jpg");
        assertThat(contents.images().get(0).credit()).isEqualTo("Bo");
        assertThat(contents.images().get(0).publishedAtMillis())
                .isEqualTo(Instant.parse("2026-05-01T10:00:00Z").toEpochMilli());
    }

    @Test
    void jsonFeedGivesImagesAndAttachments() throws Exception {
        Contents contents = parse(Kind.AUTO, "application/feed+json", """
                {"version":"https://jsonfeed.org/version/1.1","title":"F","items":[
                  {"id":"1","url":"https://example.org/1","title":"One","image":"https://example.org/1.jpg","date_published":"2026-05-01T10:00:00+02:00"},
                  {"id":"2","url":"https://example.org/2","attachments":[{"url":"https://example.org/2.png","mime_type":"image/png"},{"url":"https://example.org/2.mp3","mime_type":"audio/mpeg"}]},
                  {"id":"3","url":"https://example.org/3"}]}""");
        assertThat(contents.images()).extracting(image -> image.url().path()).containsExactly("/1.jpg", "/2.png");
        assertThat(links(contents)).containsExactly("PAGE https://example.org/3");
    }

    @Test
    void structuredDataGivesAddressesMicrodataAndThePagesLicence() throws Exception {
        Contents contents = parse(Kind.AUTO, "text/html", """
                <html><head><link rel="license" href="/terms">
                <script type="application/ld+json"><!--
                  {"@type":"NewsArticle","datePublished":"2026-05-02","image":["/a.jpg",{"@type":"ImageObject","url":"/b.jpg","datePublished":"2026-05-01"}],
                  "publisher":{"@type":"Organization","image":"/c.jpg"}}
                  //--></script>
                </head><body>
                <div itemscope itemtype="https://schema.org/ImageObject"><img src="/d.jpg" itemprop="contentUrl">
                <a itemprop="license" href="https://l.example/d">licence</a><span itemprop="creditText">Di</span></div>
                </body></html>""");
        assertThat(contents.images())
                .extracting(image -> image.url().path() + " " + image.license() + " " + image.credit())
                .containsExactlyInAnyOrder(
                        "/d.jpg https://l.example/d Di",
                        "/a.jpg https://example.org/terms null",
                        "/b.jpg https://example.org/terms null",
                        "/c.jpg https://example.org/terms null");
        assertThat(contents.images())
                .filteredOn(image -> image.publishedAtMillis() != CrawlTarget.UNKNOWN_TIME)
                .extracting(image -> image.url().path() + " " + Instant.ofEpochMilli(image.publishedAtMillis()))
                .containsExactlyInAnyOrder("/a.jpg 2026-05-02T00:00:00Z", "/b.jpg 2026-05-01T00:00:00Z");
    }

    @Test
    void aPageGivesEachImageOnceWithAllThatIsSaidOfIt() throws Exception {
        Contents contents = parse(Kind.AUTO, "text/html", """
                <html><head><title>Page</title><base href="/sub/">
                <meta property="og:image" content="/og.jpg"><meta property="og:title" content="Og title">
                <meta name="twitter:image" content="https://example.org/og.jpg">
                <meta property="article:published_time" content="2026-05-01T10:00:00Z">
                <link rel="image_src" href="/src.jpg"><link rel="canonical" href="https://example.org/canon">
                <link rel="alternate" type="application/rss+xml" href="/feed.xml">
                <script type="application/ld+json">{"@graph":[{"@type":"ImageObject","contentUrl":"/one.jpg","license":"https://l.example/","creditText":"Cy"}]}</script>
                </head><body>
                <figure><img src="/one.jpg" alt="one"><figcaption>Caption one</figcaption></figure>
                <img srcset="s.jpg 320w, m.jpg 640w, l.jpg 1280w" src="s.jpg" alt="best">
                <picture><source srcset="p1.webp 1x, p2.webp 2x"><img src="data:image/gif;base64,R0"></picture>
                <img data-src="lazy.jpg" src="data:image/gif;base64,R0"><img src="/pixel.gif" width="1" height="1">
                <img src=""><img src=" #top">
                <a href="next.html">next</a> <a rel="nofollow" href="no.html">no</a>
                </body></html>""");
        assertThat(contents.images())
                .extracting(image -> image.url().path())
                .containsExactly("/one.jpg", "/sub/l.jpg", "/sub/p2.webp", "/sub/lazy.jpg", "/og.jpg", "/src.jpg");
        FoundImage one = contents.images().get(0);
        assertThat(one.alt()).isEqualTo("one");
        assertThat(one.caption()).isEqualTo("Caption one");
        assertThat(one.credit()).isEqualTo("Cy");
        assertThat(one.license()).isEqualTo("https://l.example/");
        assertThat(one.title()).isEqualTo("Og title");
        assertThat(one.pageUrl()).hasToString("https://example.org/canon");
        assertThat(one.publishedAtMillis())
                .isEqualTo(Instant.parse("2026-05-01T10:00:00Z").toEpochMilli());
        assertThat(links(contents))
                .containsExactly("FEED https://example.org/feed.xml", "PAGE https://example.org/sub/next.html");
    }

    @Test
    void aPicturesLargestReadableSourceIsTaken() throws Exception {
        Contents contents = parse(Kind.PAGE, "text/html", """
                <html><body>
                <picture><source type="image/jxl" srcset="a.jxl 4000w"><source srcset="a-s.webp 600w, a-l.webp 1600w">
                  <img src="a.jpg" width="800"></picture>
                <picture><source srcset="b.webp 600w"><img src="b.jpg" width="800"></picture>
                <picture><source srcset="c.webp 900w"><img src="c.jpg" srcset="c1.jpg 400w, c2.jpg 1200w"></picture>
                <picture><source srcset="d1.webp 1x, d2.webp 2x"><img src="d.jpg"></picture>
                <picture><source media="(min-width: 800px)" srcset="e-wide.jpg"><img src="e.jpg"></picture>
                </body></html>""");
        assertThat(contents.images())
                .extracting(image -> image.url().path())
                .containsExactly("/a-l.webp", "/b.jpg", "/c2.jpg", "/d2.webp", "/e.jpg");
    }

    @ParameterizedTest
    @CsvSource({"noindex, 0, 1", "noimageindex, 0, 1", "noai, 0, 1", "none, 0, 0", "nofollow, 1, 0", "all, 1, 1"})
    void aPagesRobotsMetaIsHonoured(String content, int images, int links) throws Exception {
        Contents contents = parse(
                Kind.PAGE,
                "text/html",
                "<html><meta name=robots content='" + content + "'><img src=a.jpg><a href=b.html>b</a></html>");
        assertThat(contents.images()).hasSize(images);
        assertThat(contents.links()).hasSize(links);
    }

    @Test
    void aPagesRobotsHeaderIsHonoured() throws Exception {
        var response = new WebResponse(
                url("https://example.org/"),
                200,
                Map.of("x-robots-tag", List.of("noimageindex")),
                bytes("<html><img src=a.jpg>"));
        assertThat(ResourceParser.parse(Kind.PAGE, response, NOW).images()).isEmpty();
    }

    @Test
    void entitiesInXmlAreNotExpanded() throws Exception {
        Contents contents = parse(Kind.AUTO, "text/xml", """
                <!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title>
                <link>https://example.org/1</link><enclosure url="https://example.org/1.jpg" type="image/jpeg"/></item></channel></rss>""");
        assertThat(String.valueOf(contents.images().get(0).title())).doesNotContain("root:");
    }

    @Test
    void whatCannotNameImagesIsRefused() {
        assertThatThrownBy(() -> parse(Kind.AUTO, "application/octet-stream", "0123456789"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("neither sitemap nor feed nor page");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a.jpg 100w, b.jpg 200w|b.jpg",
                "a.jpg, b.jpg 2x|b.jpg",
                "a.jpg 1.5x,b.jpg|a.jpg",
                "a,b.jpg 1x, c.jpg 3x|c.jpg",
                "data:image/png;base64,xx 9x, a.jpg 1x|a.jpg",
            })
    void theLargestCandidateIsChosen(String srcset, String expected) {
        assertThat(Srcset.best(srcset).orElseThrow().url()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "2026|2026-01-01T00:00:00Z",
                "2026-03|2026-03-01T00:00:00Z",
                "2026-03-04|2026-03-04T00:00:00Z",
                "2026-03-04T05:06Z|2026-03-04T05:06:00Z",
                "2026-03-04T05:06:07.8+02:00|2026-03-04T03:06:07.800Z",
                "Wed, 04 Mar 2026 05:06:07 GMT|2026-03-04T05:06:07Z",
                "4 Mar 2026 05:06 -0500|2026-03-04T10:06:00Z",
                "Wed, 04 Mar 2026 05:06:07 PDT|2026-03-04T12:06:07Z",
            })
    void datesAreReadInEveryForm(String text, Instant expected) {
        assertThat(Dates.parse(text, NOW.toEpochMilli())).isEqualTo(expected.toEpochMilli());
    }

    @ParameterizedTest
    @CsvSource({"yesterday", "2999-01-01", "''"})
    void datesThatCannotBeAreUnknown(String text) {
        assertThat(Dates.parse(text, NOW.toEpochMilli())).isEqualTo(-1);
    }

    private static List<String> links(Contents contents) {
        return contents.links().stream()
                .map(link -> link.kind() + " " + link.url())
                .toList();
    }

    private static Contents parse(Kind kind, String type, String body) throws IOException {
        return ResourceParser.parse(kind, response(type, bytes(body)), NOW);
    }

    private static WebResponse response(String type, byte[] body) {
        return new WebResponse(url("https://example.org/x"), 200, Map.of("content-type", List.of(type)), body);
    }

    private static byte[] gzip(String text) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(bytes(text));
        }
        return bytes.toByteArray();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static CanonicalUrl url(String text) {
        return CanonicalUrl.of(text).orElseThrow();
    }
}
