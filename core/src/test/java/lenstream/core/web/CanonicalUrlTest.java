package lenstream.core.web;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CanonicalUrlTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "HTTP://Example.ORG|http://example.org/",
                "https://example.org:443/a|https://example.org/a",
                "http://example.org:8080/a|http://example.org:8080/a",
                "http://example.org./a|http://example.org/a",
                "https://example.org/a#part|https://example.org/a",
                "https://example.org/a/./b/../c|https://example.org/a/c",
                "https://example.org/../../a|https://example.org/a",
                "https://example.org/a/..|https://example.org/",
                "https://example.org\\a\\b|https://example.org/a/b",
                "https://example.org\\a?f=x\\y|https://example.org/a?f=x%5Cy",
                "https://example.org?f=x\\y|https://example.org/?f=x%5Cy",
                "https://example.org/%7Euser/%c3%a9|https://example.org/~user/%C3%A9",
                "https://example.org/é|https://example.org/%C3%A9",
                "https://example.org/a b|https://example.org/a%20b",
                "https://example.org/100%|https://example.org/100%25",
                "https://example.org/a%2Fb|https://example.org/a%2Fb",
                "https://example.org/?|https://example.org/",
                "https://example.org/?b=2&a=1|https://example.org/?b=2&a=1",
                "https://example.org/?utm_source=x&a=1&FBCLID=y|https://example.org/?a=1",
                "https://example.org/?gclid=x|https://example.org/",
                "https://bücher.example/|https://xn--bcher-kva.example/",
                "http://[2001:DB8::1]:80/|http://[2001:db8::1]/",
                "http://[0:0:0:0:0:0:0:1]/|http://[::1]/",
                "http://[2001:db8:0:0:1:0:0:0]/|http://[2001:db8:0:0:1::]/",
                "http://[2001:0db8:0:1:1:1:1:1]/|http://[2001:db8:0:1:1:1:1:1]/",
                "http://[::FFFF:1.2.3.4]/|http://[::ffff:102:304]/",
            })
    void oneImageHasOneForm(String written, String canonical) {
        assertThat(CanonicalUrl.of(written)).map(CanonicalUrl::value).contains(canonical);
    }

    @ParameterizedTest
    @CsvSource({"https://example.org/a?b=%2f&c", "http://example.org:8080/x/y", "http://[::1]:81/"})
    void theCanonicalFormIsItsOwn(String url) {
        CanonicalUrl once = CanonicalUrl.of(url).orElseThrow();
        assertThat(CanonicalUrl.of(once.value())).contains(once);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "example.org",
                "/a.jpg",
                "ftp://example.org/",
                "file:///etc/passwd",
                "data:image/png;base64,xx",
                "javascript:alert(1)",
                "http:///a",
                "http://user:secret@example.org/",
                "http://example.org:0/",
                "http://example.org:99999/",
                "http://example.org:x/",
                "http://exa mple.org/",
                "http://a<b>/",
                "http://[::1/",
                "http://example.org:+80/",
                "http://example.org:-80/",
                "https://faß.de/",
                "https://fa\u1e9e.de/",
                "https://βόλος.example/",
                "https://a\u200db.example/",
                "https://a\u200cb.example/",
                "http://[:::]/a.jpg",
                "http://[1]/",
                "http://[1.2.3.4]/",
                "http://[::1::2]/",
                "http://[1:2:3:4:5:6:7:8:9]/",
                "http://[::12345]/",
            })
    void whatCannotBeFetchedIsRefused(String url) {
        assertThat(CanonicalUrl.of(url)).isEmpty();
    }

    @Test
    void whatGrowsTooLongWhenItIsEncodedIsRefused() {
        assertThat(CanonicalUrl.of("https://example.org/" + "日".repeat(8000))).isEmpty();
        assertThat(CanonicalUrl.of("https://example.org/" + "a".repeat(8171)))
                .hasValueSatisfying(url -> assertThat(url.value()).hasSize(8191));
        assertThat(CanonicalUrl.of("https://example.org/" + "a".repeat(8172))).isEmpty();
    }

    @Test
    void surroundingSpaceAndLineBreaksInsideAreDropped() {
        assertThat(CanonicalUrl.of(" \n https://example.org/a\n b \t"))
                .map(CanonicalUrl::value)
                .contains("https://example.org/a%20b");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a.jpg|https://example.org/x/a.jpg",
                "../a.jpg|https://example.org/a.jpg",
                "/a.jpg|https://example.org/a.jpg",
                "//cdn.example/a.jpg|https://cdn.example/a.jpg",
                "?b=1|https://example.org/x/y?b=1",
                "http://other.example/|http://other.example/",
                "#top|https://example.org/x/y?q=1",
                "..\\a?f=x\\y|https://example.org/a?f=x%5Cy",
                "?f=x\\y|https://example.org/x/y?f=x%5Cy",
                "a.jpg?u=http://b/|https://example.org/x/a.jpg?u=http://b/",
            })
    void referencesAreResolved(String reference, String resolved) {
        CanonicalUrl page = CanonicalUrl.of("https://example.org/x/y?q=1").orElseThrow();
        assertThat(page.resolve(reference)).map(CanonicalUrl::value).contains(resolved);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "mailto:a@example.org", "javascript:void(0)", "tel:1"})
    void referencesThatLeadNowhereAreRefused(String reference) {
        assertThat(CanonicalUrl.of("https://example.org/").orElseThrow().resolve(reference))
                .isEmpty();
    }

    @Test
    void itsPartsAreThoseOfTheRequest() {
        CanonicalUrl url = CanonicalUrl.of("https://example.org:8443/a/b?c=d").orElseThrow();
        assertThat(url.origin()).isEqualTo("https://example.org:8443");
        assertThat(url.hostAndPort()).isEqualTo("example.org:8443");
        assertThat(url.pathAndQuery()).isEqualTo("/a/b?c=d");
        assertThat(CanonicalUrl.of("http://example.org").orElseThrow().hostAndPort())
                .isEqualTo("example.org");
    }
}
