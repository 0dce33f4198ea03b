package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import lenstream.core.image.ImageId;
import lenstream.core.image.PixelRules;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.takedown.ReceiptKey;
import lenstream.core.takedown.TakedownRegister;
import lenstream.core.takedown.TakedownSubject;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.pipeline.PixelCopy;
import lenstream.search.http.Exchange;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;
import lenstream.search.http.Scope;
import lenstream.search.http.Utf8;
import org.jspecify.annotations.Nullable;

/** Take-downs: {@code /v1/takedowns}. Thread-safe. */
final class TakedownRoutes implements Routes {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double USUAL_THRESHOLD = 0.95;
    private static final List<String> KEYS = List.of("subject", "similar_to", "image", "threshold", "reason");
    private static final String EXAMPLE = "Write {\"subject\":\"https://example.org/a.jpg\"}, a prefix like"
            + " https://example.org/album/* or a host; or {\"similar_to\":ID} or {\"image\":BASE64} with a threshold.";

    private final ActiveSpace spaces;
    private final IndexClient index;
    private final IndexLayout layout;
    private final Path keyFile;
    private @Nullable ReceiptKey key;

    /** @param keyFile of the receipts, made at the first take-down */
    TakedownRoutes(ActiveSpace spaces, IndexClient index, IndexLayout layout, Path keyFile) {
        this.spaces = spaces;
        this.index = index;
        this.layout = layout;
        this.keyFile = keyFile;
    }

    @Override
    public void register(RouteTable table) {
        table.post("/v1/takedowns", "takedown", spaces.within(this::takeDown)).scope(Scope.WRITE);
        table.get("/v1/takedowns", "takedown", this::list).scope(Scope.WRITE);
        table.get("/v1/takedowns/key", "takedown", exchange -> exchange.sendJson(key().publicKey()));
        table.get("/v1/takedowns/{id}", "takedown", this::one).scope(Scope.WRITE);
        table.delete("/v1/takedowns/{id}", "takedown", this::revoke).scope(Scope.WRITE);
    }

    private void takeDown(Exchange exchange, SearchSpace space) {
        JsonNode asked = read(exchange.body());
        String reason = asked.hasNonNull("reason") ? asked.path("reason").asText() : null;
        exchange.sendJson(
                201, "application/json", register().takeDown(subject(asked, space), exchange.caller(), reason));
    }

    private static JsonNode read(byte[] body) {
        JsonNode json;
        try {
            json = JSON.readTree(Utf8.checked(body));
        } catch (IOException e) {
            throw ProblemException.badRequest("The body is no JSON. " + EXAMPLE);
        }
        if (!json.isObject()) {
            throw ProblemException.badRequest(EXAMPLE);
        }
        json.fieldNames().forEachRemaining(name -> {
            if (!KEYS.contains(name)) {
                throw ProblemException.badRequest("There is no \"" + name + "\" here. " + EXAMPLE);
            }
        });
        return json;
    }

    private static TakedownSubject subject(JsonNode asked, SearchSpace space) {
        long named = List.of("subject", "similar_to", "image").stream()
                .filter(asked::hasNonNull)
                .count();
        if (named != 1) {
            throw ProblemException.badRequest(EXAMPLE);
        }
        try {
            if (asked.hasNonNull("subject")) {
                return TakedownSubject.parse(asked.path("subject").asText());
            }
            double threshold = asked.path("threshold").asDouble(USUAL_THRESHOLD);
            String fingerprint = space.fingerprint().value();
            if (asked.hasNonNull("similar_to")) {
                String id = RequestReader.id(asked.path("similar_to").asText());
                float[] vector = space.search().vector(id).orElseThrow(() -> ImageRoutes.noImage(id));
                return TakedownSubject.similar(id, fingerprint, vector, threshold)
                        .withPicture(space.search().thumbnail(id).orElse(null));
            }
            byte[] image = Base64.getDecoder().decode(asked.path("image").asText());
            float[] vector = space.embedding().ofImage(image, null);
            return TakedownSubject.similar(ImageId.sha256(image), fingerprint, vector, threshold)
                    .withPicture(new PixelCopy(PixelRules.recognisable(), DecodeLimits.defaults())
                            .of(image)
                            .orElse(null));
        } catch (IllegalArgumentException e) {
            throw ProblemException.impossible(String.valueOf(e.getMessage()));
        }
    }

    private void list(Exchange exchange) {
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        answer.putArray("takedowns").addAll(register().all());
        exchange.sendJson(answer);
    }

    private void one(Exchange exchange) {
        exchange.sendJson(register().get(id(exchange)).orElseThrow(TakedownRoutes::none));
    }

    private void revoke(Exchange exchange) {
        exchange.sendJson(register().revoke(id(exchange), exchange.caller()).orElseThrow(TakedownRoutes::none));
    }

    private static String id(Exchange exchange) {
        String id = exchange.pathParameter("id");
        if (!id.matches("takedown-[0-9a-f]{32}")) {
            throw none();
        }
        return id;
    }

    private static ProblemException none() {
        return ProblemException.notFound("There is no such take-down.");
    }

    private TakedownRegister register() {
        return new TakedownRegister(index, layout, key());
    }

    private synchronized ReceiptKey key() {
        ReceiptKey known = key;
        if (known == null) {
            known = ReceiptKey.at(keyFile);
            key = known;
        }
        return known;
    }
}
