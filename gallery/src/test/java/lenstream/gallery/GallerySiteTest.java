package lenstream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

class GallerySiteTest {
    private static final Path GALLERY =
            Path.of(System.getProperty("lenstream.root", "..")).resolve("gallery");
    private static final String IMAGE_NAMESPACE = "http://www.google.com/schemas/sitemap-image/1.1";

    private final HttpClient http =
            HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).build();
    private GallerySite site = open(Integer.MAX_VALUE);

    private static GallerySite open(int published) {
        try {
            return GallerySite.open(GALLERY, 0, published, true);
        } catch (IOException failure) {
            throw new java.io.UncheckedIOException(failure);
        }
    }

    @BeforeEach
    void siteIsOpen() throws Exception {
        assertThat(get("/").statusCode()).isEqualTo(200);
    }

    @AfterEach
    void close() {
        site.close();
    }

    @Test
    void robotsNamesTheSitemapAndClosesOneFolder() throws Exception {
        assertThat(text("/robots.txt"))
                .contains("User-agent: *\n", "Disallow: /private/\n", "Sitemap: " + site.uri() + "sitemap.xml\n");
        assertThat(text("/private/")).contains("/private/1.jpg");
        for (URI closed : site.closedToRobots()) {
            assertThat(closed.getPath()).startsWith("/private/");
            assertThat(get(closed.getPath()).headers().firstValue("Content-Type"))
                    .contains("image/jpeg");
        }
    }

    @Test
    void everyManifestPictureIsServedWithItsTypeAndBytes() throws Exception {
        assertThat(site.pictures()).hasSizeGreaterThanOrEqualTo(250);
        long total = 0;
        for (Picture picture : site.pictures()) {
            HttpResponse<byte[]> answer = get(picture.path());
            assertThat(answer.statusCode()).as(picture.file()).isEqualTo(200);
            assertThat(answer.headers().firstValue("Content-Type")).contains(picture.mediaType());
            assertThat(sha256(answer.body())).isEqualTo(picture.sha256());
            assertThat(picture.label()).isNotBlank();
            total += answer.body().length;
        }
        assertThat(total).isLessThan(10_000_000);
    }

    @Test
    void everyPictureIsFoundAndHalfOfThemInSitemaps() throws Exception {
        Set<String> all = site.pictures().stream().map(Picture::path).collect(Collectors.toSet());
        Set<String> sitemaps = new HashSet<>();
        var titles = new ArrayList<String>();
        Document index = xml(get("/sitemap.xml").body());
        for (Element loc : elements(index, "*", "loc")) {
            byte[] body = get(URI.create(loc.getTextContent()).getPath()).body();
            Document map = xml(loc.getTextContent().endsWith(".gz") ? gunzip(body) : body);
            elements(map, IMAGE_NAMESPACE, "loc")
                    .forEach(image ->
                            sitemaps.add(URI.create(image.getTextContent()).getPath()));
            elements(map, IMAGE_NAMESPACE, "title").forEach(title -> titles.add(title.getTextContent()));
        }
        assertThat(all).containsAll(sitemaps);
        assertThat(sitemaps.size()).isBetween(all.size() * 4 / 10, all.size() * 6 / 10);
        assertThat(site.pictures().stream().map(Picture::label)).containsAll(titles);

        Document feed = xml(get("/feed.xml").body());
        List<String> feedUrls = new ArrayList<>();
        elements(feed, "*", "enclosure").forEach(enclosure -> feedUrls.add(enclosure.getAttribute("url")));
        assertThat(feedUrls).isNotEmpty();
        elements(feed, "http://search.yahoo.com/mrss/", "content")
                .forEach(media -> feedUrls.add(media.getAttribute("url")));
        assertThat(feedUrls)
                .hasSizeGreaterThan(all.size() / 5)
                .allSatisfy(url -> assertThat(all).contains(URI.create(url).getPath()));
        assertThat(elements(feed, "*", "pubDate")).hasSameSizeAs(feedUrls);

        assertThat(picturesOnPages()).isEqualTo(all);
    }

    @Test
    void pagesNamePicturesInTheWaysOfTheWeb() throws Exception {
        assertThat(text("/albums/animals/1.html"))
                .contains("<meta property=\"og:image\" content=\"" + site.uri() + "images/")
                .contains("srcset=\"/images/", "data-src=\"/images/", "loading=\"lazy\"", "<picture><source")
                .containsPattern("alt=\"[A-Z][a-z ]+");
    }

    @Test
    void anUnchangedPictureIsNotSentAgain() throws Exception {
        Picture picture = site.published().getFirst();
        HttpResponse<byte[]> first = get(picture.path());
        String etag = first.headers().firstValue("ETag").orElseThrow();
        String modified = first.headers().firstValue("Last-Modified").orElseThrow();
        HttpResponse<byte[]> byTag = get(picture.path(), "If-None-Match", "W/" + etag);
        assertThat(byTag.statusCode()).isEqualTo(304);
        assertThat(byTag.body()).isEmpty();
        assertThat(byTag.headers().firstValue("ETag")).contains(etag);
        assertThat(get(picture.path(), "If-Modified-Since", modified).statusCode())
                .isEqualTo(304);
        assertThat(get(picture.path(), "If-None-Match", "\"other\"").statusCode())
                .isEqualTo(200);

        site.replace(picture, new byte[] {1, 2, 3}, "image/png");
        HttpResponse<byte[]> changed = get(picture.path(), "If-None-Match", etag);
        assertThat(changed.statusCode()).isEqualTo(200);
        assertThat(changed.body()).containsExactly(1, 2, 3);
        assertThat(changed.headers().firstValue("Content-Type")).contains("image/png");

        site.delete(picture);
        assertThat(get(picture.path()).statusCode()).isEqualTo(404);
        assertThat(picturesOnPages()).doesNotContain(picture.path());
        assertThat(site.requests(picture.path()))
                .extracting(GallerySite.Request::status)
                .containsExactly(200, 304, 304, 200, 200, 404);
    }

    @Test
    void picturesAppearAsTheyArePublished() throws Exception {
        site.close();
        site = open(20);
        assertThat(picturesOnPages()).hasSize(20);
        List<Picture> more = site.publish(5);
        assertThat(more).hasSize(5).isEqualTo(site.pictures().subList(20, 25));
        assertThat(picturesOnPages()).hasSize(25);
        assertThat(get(more.getFirst().path()).statusCode()).isEqualTo(200);
        assertThat(get(site.pictures().get(25).path()).statusCode()).isEqualTo(404);
        assertThat(site.publish(Integer.MAX_VALUE)).hasSize(site.pictures().size() - 25);
        assertThat(site.publish(1)).isEmpty();
    }

    @Test
    void theHostileCornerDoesWhatItSays() throws Exception {
        assertThat(site.hostile()).hasSizeGreaterThanOrEqualTo(20);
        String page = text("/hostile/");
        for (Hostile item : site.hostile()) {
            assertThat(page).contains("src=\"" + item.path() + "\"");
            assertThat(item.indexed())
                    .isEqualTo(item.reason().isEmpty())
                    .isEqualTo(item.stage().isEmpty());
            if (item.path().startsWith("/hostile/files/")) {
                HttpResponse<byte[]> answer = get(item.path());
                assertThat(answer.statusCode()).as(item.path()).isEqualTo(200);
                assertThat(answer.body())
                        .isEqualTo(
                                Files.readAllBytes(GALLERY.resolve(item.path().substring(1))));
            }
        }
        assertThatThrownBy(() -> get("/hostile/served/short.jpg")).isInstanceOf(IOException.class);
        assertThat(get("/hostile/served/missing.jpg").statusCode()).isEqualTo(404);
        assertThat(get("/hostile/served/gone.jpg").statusCode()).isEqualTo(410);
        assertThat(get("/hostile/served/error.jpg").statusCode()).isEqualTo(500);
        HttpResponse<byte[]> there = get("/hostile/served/loop.jpg");
        assertThat(there.statusCode()).isEqualTo(302);
        HttpResponse<byte[]> back = get(
                URI.create(there.headers().firstValue("Location").orElseThrow()).getPath());
        assertThat(back.headers().firstValue("Location")).contains(site.uri() + "hostile/served/loop.jpg");
    }

    @Test
    void endlessBodiesDripOrFlood() throws Exception {
        try (InputStream slow = stream("/hostile/served/slow.jpg")) {
            assertThat(slow.readNBytes(10)).startsWith(0xFF, 0xD8);
            long start = System.nanoTime();
            assertThat(slow.readNBytes(3)).hasSize(3);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(300));
        }
        try (InputStream flood = stream("/hostile/served/flood.jpg")) {
            assertThat(flood.skip(40_000_000)).isEqualTo(40_000_000);
        }
    }

    private Set<String> picturesOnPages() throws Exception {
        Set<String> found = new HashSet<>();
        Set<String> seen = new HashSet<>();
        var links = Pattern.compile("href=\"(/albums/[^\"]+)\"");
        var images = Pattern.compile("(?:src|data-src)=\"(/images/[^\"]+)\"");
        var open = new ArrayList<>(List.of("/"));
        while (!open.isEmpty()) {
            String page = text(open.removeLast());
            links.matcher(page)
                    .results()
                    .map(match -> match.group(1))
                    .filter(seen::add)
                    .forEach(open::add);
            images.matcher(page).results().map(match -> match.group(1)).forEach(found::add);
        }
        return found;
    }

    private HttpResponse<byte[]> get(String path, String... headers) throws Exception {
        var request = HttpRequest.newBuilder(site.uri().resolve(path)).timeout(Duration.ofSeconds(20));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private String text(String path) throws Exception {
        return new String(get(path).body(), StandardCharsets.UTF_8);
    }

    private InputStream stream(String path) throws Exception {
        var request = HttpRequest.newBuilder(site.uri().resolve(path)).build();
        return http.send(request, HttpResponse.BodyHandlers.ofInputStream()).body();
    }

    private static Document xml(byte[] bytes) throws Exception {
        var factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(bytes));
    }

    private static List<Element> elements(Document document, String namespace, String name) {
        var nodes = document.getElementsByTagNameNS(namespace, name);
        var elements = new ArrayList<Element>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }

    private static byte[] gunzip(byte[] bytes) throws IOException {
        try (var zip = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
            return zip.readAllBytes();
        }
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
