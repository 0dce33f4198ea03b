package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lenstream.core.image.ImageId;
import lenstream.search.quality.LabelledImage;
import lenstream.search.quality.Searcher;

/**
 * Searches labelled images through a running API whose index holds them, as a client does. An indexed image is known by the
 * hash of its bytes. Confined to one thread; does not own its client.
 */
final class IndexedSearch implements Searcher {
    private final ApiClient api;
    private final List<LabelledImage> images;
    private final Map<String, Integer> places = new HashMap<>(); // by SHA-256

    IndexedSearch(ApiClient api, List<LabelledImage> images) {
        this.api = api;
        this.images = images;
        for (int i = 0; i < images.size(); i++) {
            places.putIfAbsent(ImageId.sha256(api.image(images.get(i).file())), i);
        }
    }

    @Override
    public Found text(String words) throws InterruptedException {
        return found(api.search(body().put("text", words)), -1);
    }

    @Override
    public Found image(int image) throws InterruptedException {
        byte[] bytes = api.image(images.get(image).file());
        return found(api.search(body().put("image", Base64.getEncoder().encodeToString(bytes))), image);
    }

    /** Copies are hits of their own here: an evaluation counts images. */
    private static ObjectNode body() {
        return JsonNodeFactory.instance.objectNode().put("k", DEPTH).put("collapse", false);
    }

    private Found found(JsonNode answer, int without) {
        var ranking = new ArrayList<Integer>();
        for (JsonNode hit : answer.path("hits")) {
            int place = places.getOrDefault(hit.path("sha256").asText(), -1);
            if (place < 0 || (place != without && !ranking.contains(place))) {
                ranking.add(place);
            }
        }
        JsonNode nothing = answer.path("nothing_matches");
        JsonNode floor = answer.path("floor");
        JsonNode best = answer.at("/hits/0/score");
        return new Found(
                ranking,
                nothing.isBoolean() ? nothing.asBoolean() : null,
                floor.isNumber() && best.isNumber() ? Searcher.margin(best.asDouble(), floor.asDouble()) : Double.NaN);
    }
}
