package lenstream.connector.opensearch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import lenstream.core.image.ImageId;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.model.Fingerprint;

/**
 * A stream of what was seen of some images, and what must be in the index afterwards: of each image the newest
 * observation, if it shows one, once. The stream has observations twice, and older ones after newer ones.
 */
final class Observations {
    private static final int NEIGHBOURHOOD = 100;
    private static final int PAGE = 5_000;

    private final IndexLayout layout;
    private final String imageIndex;
    private final List<BulkEntry> entries = new ArrayList<>();
    private final Map<String, Long> shown = new TreeMap<>();

    /**
     * Makes a stream.
     *
     * @param images how many
     * @param each most observations of an image
     */
    Observations(IndexLayout layout, Fingerprint fingerprint, int images, int each, long seed) {
        this.layout = layout;
        this.imageIndex = layout.imageIndex(fingerprint);
        var random = new Random(seed);
        var last = new long[images];
        var open = new ArrayList<Integer>();
        for (int i = 0; i < images; i++) {
            open.addAll(Collections.nCopies(1 + random.nextInt(each), i));
        }
        Collections.shuffle(open, random);
        for (int image : open) {
            long version = 1_000 + ++last[image];
            observe(image, version, random.nextInt(5) == 0);
        }
        for (int i = entries.size() / 10; i > 0; i--) {
            int original = random.nextInt(entries.size());
            entries.add(Math.min(entries.size(), original + random.nextInt(3 * NEIGHBOURHOOD)), entries.get(original));
        }
        for (int from = 0; from < entries.size(); from += NEIGHBOURHOOD) {
            Collections.shuffle(entries.subList(from, Math.min(entries.size(), from + NEIGHBOURHOOD)), random);
        }
    }

    List<BulkEntry> entries() {
        return entries;
    }

    /** 0 lost, 0 doubled, 0 older over newer. */
    void assertIndexed(IndexClient client) {
        assertThat(found(client, imageIndex)).as("images").isEqualTo(shown);
        assertThat(found(client, layout.thumbnailIndex())).as("thumbnails").isEqualTo(shown);
        assertThat(found(client, layout.rejectionIndex())).as("dead letters").isEmpty();
    }

    private void observe(int image, long version, boolean gone) {
        String id = ImageId.ofUrl("http://e.test/" + image + ".jpg");
        if (gone) {
            entries.add(BulkEntry.delete(imageIndex, id, version));
            entries.add(BulkEntry.delete(layout.thumbnailIndex(), id, version));
            shown.remove(id);
        } else {
            String document = "{\"id\":\"" + id + "\",\"title\":\"" + version + "\",\"embedding\":[0.6,0.8,0,0]}";
            entries.add(BulkEntry.index(imageIndex, id, version, document.getBytes(UTF_8), 1));
            byte[] thumbnail = DocumentJson.thumbnail(id, new byte[] {1});
            entries.add(BulkEntry.index(layout.thumbnailIndex(), id, version, thumbnail, 0));
            shown.put(id, version);
        }
    }

    /** Versions by id; of images also what the document says. */
    private Map<String, Long> found(IndexClient client, String index) {
        assertThat(client.send("POST", "/" + index + "/_refresh", null).ok()).isTrue();
        var versions = new TreeMap<String, Long>();
        String after = "";
        while (true) {
            ObjectNode body =
                    JsonNodeFactory.instance.objectNode().put("size", PAGE).put("version", true);
            body.putArray("sort").addObject().put(Field.ID, "asc");
            body.putArray("_source").add(Field.TITLE);
            if (!after.isEmpty()) {
                body.putArray("search_after").add(after);
            }
            IndexAnswer answer = client.send("POST", "/" + index + "/_search", body);
            assertThat(answer.ok()).as(answer.text()).isTrue();
            JsonNode hits = answer.json().at("/hits/hits");
            for (JsonNode hit : hits) {
                long version = hit.path("_version").asLong();
                after = hit.path("_id").asText();
                assertThat(versions.put(after, version)).as("doubled").isNull();
                if (index.equals(imageIndex)) {
                    assertThat(hit.at("/_source/title").asText()).isEqualTo(Long.toString(version));
                }
            }
            if (hits.size() < PAGE) {
                return versions;
            }
        }
    }
}
