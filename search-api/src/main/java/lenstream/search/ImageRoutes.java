package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import io.helidon.http.HeaderNames;
import java.util.List;
import lenstream.core.image.ImageId;
import lenstream.search.http.Exchange;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;

/** The images of the index one by one: {@code /v1/images}. Thread-safe. */
final class ImageRoutes implements Routes {
    private static final String JPEG = "image/jpeg";

    private final ActiveSpace spaces;

    ImageRoutes(ActiveSpace spaces) {
        this.spaces = spaces;
    }

    @Override
    public void register(RouteTable table) {
        table.get("/v1/images", "newest", spaces.within(this::newest)).needsIndex();
        table.get("/v1/images/{id}", "image", spaces.within(this::image)).needsIndex();
        table.get("/v1/images/{id}/group", "group", spaces.within(this::group)).needsIndex();
        table.get("/v1/images/{id}/thumbnail", "thumbnail", spaces.within(this::thumbnail))
                .needsIndex();
    }

    private void newest(Exchange exchange, SearchSpace space) {
        int count = RequestReader.count(exchange.parameters());
        List<Hit> hits = space.search().newest(count).stream().map(Hit::of).toList();
        exchange.set(HeaderNames.CACHE_CONTROL, "no-store");
        exchange.sendJson(new SearchAnswer(
                exchange.elapsedMillis(),
                space.fingerprint().value(),
                hits.size(),
                null,
                null,
                null,
                null,
                null,
                hits));
    }

    private void image(Exchange exchange, SearchSpace space) {
        String id = RequestReader.id(exchange.pathParameter("id"));
        exchange.sendJson(Hit.of(space.search().image(id).orElseThrow(() -> noImage(id))));
    }

    private void group(Exchange exchange, SearchSpace space) {
        String id = RequestReader.id(exchange.pathParameter("id"));
        JsonNode image = space.search().image(id).orElseThrow(() -> noImage(id));
        exchange.sendJson(ImageGroup.of(image, space.search()));
    }

    private void thumbnail(Exchange exchange, SearchSpace space) {
        String id = RequestReader.id(exchange.pathParameter("id"));
        byte[] jpeg = space.search().thumbnail(id).orElseThrow(() -> noImage(id));
        String etag = "\"" + ImageId.sha256(jpeg).substring(0, 16) + "\"";
        exchange.set(HeaderNames.ETAG, etag).set(HeaderNames.CACHE_CONTROL, "public, max-age=300");
        if (exchange.holds(etag)) {
            exchange.sendEmpty(304);
        } else {
            exchange.send(200, JPEG, jpeg);
        }
    }

    static ProblemException noImage(String id) {
        return ProblemException.notFound("There is no image " + id + " in the index; it may have been removed.");
    }
}
