package lenstream.connector.crawl;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebResponse;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * A collection of documents of others: each is read without a failure, and where a second reader has said what it finds, ours
 * finds it too. Such a collection is feedparser's, 2,242 feeds (BSD licence); its facts are written by {@code
 * corpus/feed_facts.py}, which says how:
 *
 * <pre>{@code
 * mvn verify -pl connectors -am -Dtest=FeedCorpusTest -Dsurefire.failIfNoSpecifiedTests=false \
 *   -Dlenstream.corpus=feedparser-6.0.14/tests -Dlenstream.corpus.facts=facts.jsonl
 * }</pre>
 *
 * Without facts any folder will do, of sitemaps and pages, too.
 */
@EnabledIfSystemProperty(named = "lenstream.corpus", matches = ".+", disabledReason = "needs a collection of documents")
class FeedCorpusTest {
    private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");
    private static final CanonicalUrl URL =
            CanonicalUrl.of("https://example.org/feed").orElseThrow();
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Of feedparser's collection: where ours means something else. */
    private static final Set<String> OTHERWISE = Set.of(
            // channels of a format of 1997
            "wellformed/cdf/item_href_map_link.xml",
            "wellformed/cdf/item_href_map_links.xml",
            "wellformed/base/cdf_item_abstract_xml_base.xml",
            // Content-Location is no base any more (RFC 7231, appendix B)
            "wellformed/base/http_entry_link_base_content_location.xml",
            "wellformed/base/http_item_link_base_content_location.xml",
            // an id is an address only if it is a whole one
            "wellformed/atom10/entry_id_with_attributes.xml",
            "wellformed/base/http_entry_id_base_content_location.xml",
            "wellformed/base/http_entry_id_base_docuri.xml",
            "wellformed/lang/http_content_language_entry_title_inherit_2.xml",
            "wellformed/node_precedence/atom10_id.xml");

    private final Path root = Path.of(System.getProperty("lenstream.corpus", ""));

    @Test
    void everyDocumentIsReadOrRefusedAsNoneOfOurs() throws Exception {
        var counts = new HashMap<String, Integer>();
        var failures = new ArrayList<String>();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                String outcome;
                try {
                    Contents contents = parse(file, Map.of());
                    outcome = contents.kind() + (contents.images().isEmpty() ? "" : " with images");
                } catch (IOException refused) {
                    outcome = "refused";
                } catch (RuntimeException | StackOverflowError e) {
                    outcome = "failed";
                    failures.add(root.relativize(file) + ": " + e);
                }
                counts.merge(outcome, 1, Integer::sum);
            }
        }
        System.out.println("documents: " + counts);
        assertThat(failures).isEmpty();
    }

    @Test
    @EnabledIfSystemProperty(
            named = "lenstream.corpus.facts",
            matches = ".+",
            disabledReason = "nobody else has read them")
    void whatAnotherReaderFindsIsFound() throws Exception {
        var missing = new ArrayList<String>();
        int links = 0;
        int images = 0;
        int dates = 0;
        for (String line : Files.readAllLines(Path.of(System.getProperty("lenstream.corpus.facts")))) {
            JsonNode fact = JSON.readTree(line);
            String file = fact.path("file").asText();
            if (fact.path("entries").isEmpty() || OTHERWISE.contains(file)) {
                continue;
            }
            Contents found;
            try {
                found = parse(root.resolve(file), headers(fact));
            } catch (IOException e) {
                missing.add(file + ": " + e.getMessage());
                continue;
            }
            Map<String, Long> pages = pages(found);
            Set<String> shown = new HashSet<>();
            found.images().forEach(image -> shown.add(image.url().value()));
            for (JsonNode entry : fact.path("entries")) {
                String page = canonical(entry.path("link").asText(""));
                if (page != null) {
                    links++;
                    if (!pages.containsKey(page)) {
                        missing.add(file + ": page " + page + " is not among " + pages.keySet());
                    }
                    Long published = seconds(entry);
                    if (published != null && pages.containsKey(page)) {
                        dates++;
                        if (Math.floorDiv(pages.get(page), 1_000) != published) {
                            missing.add(file + ": published " + pages.get(page) + ", not " + published);
                        }
                    }
                }
                for (JsonNode image : entry.path("images")) {
                    String at = canonical(image.asText());
                    images++;
                    if (at != null && !shown.contains(at)) {
                        missing.add(file + ": image " + at + " is not among " + shown);
                    }
                }
            }
        }
        System.out.printf(
                Locale.ROOT,
                "of %d links, %d images and %d dates are missed: %d%n",
                links,
                images,
                dates,
                missing.size());
        missing.forEach(System.out::println);
        assertThat(missing).isEmpty();
    }

    private static Contents parse(Path file, Map<String, List<String>> headers) throws IOException {
        return ResourceParser.parse(Kind.AUTO, new WebResponse(URL, 200, headers, Files.readAllBytes(file)), NOW);
    }

    private static Map<String, List<String>> headers(JsonNode fact) {
        var headers = new HashMap<String, List<String>>();
        fact.path("headers")
                .properties()
                .forEach(header ->
                        headers.put(header.getKey(), List.of(header.getValue().asText())));
        return headers;
    }

    /** Pages that the items name, with their dates. */
    private static Map<String, Long> pages(Contents found) {
        var pages = new HashMap<String, Long>();
        for (Contents.Link link : found.links()) {
            pages.put(link.url().value(), link.saidMillis());
        }
        for (FoundImage image : found.images()) {
            if (image.pageUrl() != null) {
                pages.put(image.pageUrl().value(), image.publishedAtMillis());
            }
        }
        return pages;
    }

    private static @Nullable Long seconds(JsonNode entry) {
        JsonNode published = entry.path("published").isNull() ? entry.path("updated") : entry.path("published");
        return published.isNull() || published.asLong() * 1_000 > NOW.toEpochMilli() ? null : published.asLong();
    }

    private static @Nullable String canonical(String reference) {
        return reference.isBlank()
                ? null
                : URL.resolve(reference).map(CanonicalUrl::value).orElse(null);
    }
}
