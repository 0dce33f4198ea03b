package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.errorprone.annotations.MustBeClosed;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.gallery.Hostile;
import lenstream.gallery.Picture;

/** What must be in the index after the gallery was crawled, worked out from the gallery's own lists. */
final class IndexOracle implements AutoCloseable {
    static final ModelBundle BUNDLE = ModelBundle.load(LauncherProcess.ROOT.resolve("models/lensmini"));

    private final IndexClient client;
    private final IndexLayout layout;

    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    IndexOracle(String openSearch, IndexLayout layout) {
        this.client = IndexClient.open(OpenSearchConfig.at(openSearch));
        this.layout = layout;
    }

    static Fingerprint fingerprint() {
        return BUNDLE.fingerprint();
    }

    /**
     * Every picture is in, with the bytes that the site serves now; every hostile one is in or rejected for its reason;
     * nothing else is there.
     *
     * @param sha256 of pictures by URL
     */
    void assertHolds(Map<String, String> sha256, URI site, List<Hostile> hostile) {
        IndexCounts.refresh(client, layout, fingerprint());
        var indexed = new TreeMap<String, String>();
        for (JsonNode hit :
                all(layout.imageIndex(fingerprint()), List.of(Field.URL, Field.SHA256, Field.FINGERPRINT))) {
            assertThat(hit.path(Field.FINGERPRINT).asText())
                    .isEqualTo(fingerprint().value());
            indexed.put(hit.path(Field.URL).asText(), hit.path(Field.SHA256).asText());
        }
        var rejected = new TreeMap<String, String>();
        for (JsonNode hit : all(layout.rejectionIndex(), List.of(Field.URL, Field.STAGE, Field.REASON))) {
            rejected.put(
                    hit.path(Field.URL).asText(),
                    hit.path(Field.STAGE).asText() + " "
                            + hit.path(Field.REASON).asText());
        }
        var expectedRejections = new TreeMap<String, String>();
        for (Hostile one : hostile) {
            String url = site.resolve(one.path()).toString();
            if (one.indexed()) {
                assertThat(indexed).as(one.what()).containsKey(url);
                indexed.remove(url);
            } else {
                expectedRejections.put(url, one.stage() + " " + one.reason());
            }
        }
        assertThat(indexed)
                .as("pictures: none lost, none doubled, none stale")
                .containsExactlyInAnyOrderEntriesOf(sha256);
        rejected.values().removeIf(why -> why.endsWith("ROBOTS_DENIED"));
        assertThat(rejected).as("rejections").containsExactlyInAnyOrderEntriesOf(expectedRejections);
    }

    /** URLs of pictures and the hashes of their bytes as the manifest gives them. */
    static Map<String, String> hashes(URI site, List<Picture> pictures) {
        var hashes = new TreeMap<String, String>();
        pictures.forEach(p -> hashes.put(site.resolve(p.path()).toString(), p.sha256()));
        return hashes;
    }

    /** Every image document with its URL and hash, as it is now; at most 10,000. */
    List<JsonNode> images() {
        IndexCounts.refresh(client, layout, fingerprint());
        return all(layout.imageIndex(fingerprint()), List.of(Field.URL, Field.SHA256));
    }

    /** Every document of an index, at most 10,000. */
    List<JsonNode> all(String index, List<String> fields) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("size", 10_000);
        fields.forEach(body.putArray("_source")::add);
        JsonNode answer = client.send("POST", "/" + index + "/_search", body).json();
        var found = new ArrayList<JsonNode>();
        answer.at("/hits/hits").forEach(hit -> found.add(hit.path("_source")));
        assertThat(answer.at("/hits/total/value").asLong()).isEqualTo(found.size());
        return found;
    }

    @Override
    public void close() {
        client.close();
    }
}
