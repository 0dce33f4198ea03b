package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import lenstream.core.alert.Alert;
import lenstream.core.alert.ImageFilter;
import lenstream.core.config.Secret;
import lenstream.core.web.AddressGuard;
import lenstream.core.web.CanonicalUrl;
import lenstream.search.alert.WebhookSignature;
import lenstream.search.http.ProblemException;
import org.jspecify.annotations.Nullable;

/**
 * An alert as it was asked for: a search's query and filter, from where on it matches, and who is told.
 *
 * @param name for people
 * @param search the query as a search, checked
 * @param query the query to be kept; an image of the web is replaced by its bytes, which may be others tomorrow
 * @param filter what else a match must meet
 * @param minScore least score; null if a cosine was given
 * @param minCosine least cosine in the space that is searched; null if a score is given
 * @param webhook who is told; null for nobody
 */
record AlertRequest(
        String name,
        SearchRequest search,
        ObjectNode query,
        ImageFilter filter,
        @Nullable Double minScore,
        @Nullable Double minCosine,
        Alert.@Nullable Webhook webhook) {
    /** Words: what is rather right than wrong. */
    static final double USUAL_SCORE_OF_WORDS = 0.5;

    /** Pictures: what shows the same thing. */
    static final double USUAL_SCORE_OF_PICTURES = 0.8;

    private static final List<String> QUERY =
            List.of("text", "image", "image_url", "id", "vector", "queries", "region");
    private static final List<String> KEYS = List.of(
            "text",
            "image",
            "image_url",
            "id",
            "vector",
            "queries",
            "region",
            "filter",
            "min_score",
            "min_cosine",
            "fingerprint",
            "name",
            "webhook");
    private static final int LONGEST_NAME = 200;
    /** Base64 included. It is kept as long as the alert, so that another encoder can embed it. */
    private static final int LONGEST_QUERY = 3 << 20;

    /** @throws ProblemException if it cannot be used */
    static AlertRequest read(byte[] body, QueryEmbedding embedding, AddressGuard guard) {
        JsonNode json = RequestReader.json(body);
        if (!(json instanceof ObjectNode root)) {
            throw ProblemException.badRequest("The body must be a JSON object such as {\"text\": \"red bicycle\","
                    + " \"webhook\": {\"url\": \"https://example.org/hook\"}}.");
        }
        root.fieldNames().forEachRemaining(name -> {
            if (!KEYS.contains(name)) {
                throw Names.unknown("", name, KEYS);
            }
        });
        String name = text(root, "name");
        if (name.length() > LONGEST_NAME) {
            throw ProblemException.badRequest("name has more than " + LONGEST_NAME + " characters: make it shorter.");
        }
        Alert.Webhook webhook = root.hasNonNull("webhook") ? webhook(root.get("webhook"), guard) : null;
        root.remove(List.of("name", "webhook"));
        SearchRequest search = RequestReader.ofJson(root.toString().getBytes(StandardCharsets.UTF_8));
        boolean scored = root.hasNonNull("min_score");
        if (scored && root.hasNonNull("min_cosine")) {
            throw ProblemException.badRequest("Give either min_score or min_cosine: an alert has one threshold.");
        }
        ObjectNode query = root.deepCopy().retain(QUERY);
        fetch(query, embedding);
        query.path("queries").forEach(part -> fetch((ObjectNode) part, embedding));
        if (query.toString().length() > LONGEST_QUERY) {
            throw ProblemException.tooLarge("The query is kept with the alert and has more than "
                    + (LONGEST_QUERY >> 20) + " MiB: send a smaller picture; 1024 pixels are plenty.");
        }
        Double cosine = search.ranking().minCosine();
        double usual = search.query().ofWords() ? USUAL_SCORE_OF_WORDS : USUAL_SCORE_OF_PICTURES;
        return new AlertRequest(
                name.isBlank() ? asked(query) : name.strip(),
                search,
                query,
                filter(root.path("filter")),
                cosine != null ? null : scored ? Double.valueOf(search.ranking().minScore()) : Double.valueOf(usual),
                cosine,
                webhook);
    }

    /** What is looked for, for people. */
    String asked() {
        return asked(query);
    }

    private static String asked(JsonNode query) {
        if (query.hasNonNull("text")) {
            return query.path("text").asText();
        }
        if (query.hasNonNull("id")) {
            return "like image " + query.path("id").asText();
        }
        if (query.hasNonNull("queries")) {
            var parts = new StringBuilder();
            query.path("queries")
                    .forEach(part -> parts.append(parts.isEmpty() ? "" : ", ").append(asked(part)));
            return parts.toString();
        }
        return query.hasNonNull("image") ? "like a picture" : "like a vector";
    }

    private static ImageFilter filter(JsonNode filter) {
        try {
            return filter.isObject() ? ImageFilter.ofJson(filter) : ImageFilter.NONE;
        } catch (IllegalArgumentException e) {
            throw ProblemException.impossible(e.getMessage() + ".");
        }
    }

    private static void fetch(ObjectNode query, QueryEmbedding embedding) {
        if (query.hasNonNull("image_url")) {
            byte[] image = embedding.fetch(query.path("image_url").asText());
            query.remove("image_url");
            query.put("image", Base64.getEncoder().encodeToString(image));
        }
    }

    private static Alert.Webhook webhook(JsonNode json, AddressGuard guard) {
        if (!json.isObject()) {
            throw ProblemException.badRequest(
                    "webhook must be an object like {\"url\": \"https://example.org/hook\"}.");
        }
        json.fieldNames().forEachRemaining(name -> {
            if (!name.equals("url") && !name.equals("secret")) {
                throw Names.unknown("webhook.", name, List.of("url", "secret"));
            }
        });
        CanonicalUrl url = CanonicalUrl.of(text((ObjectNode) json, "url"))
                .orElseThrow(() -> ProblemException.badRequest(
                        "webhook.url must be an http or https address, such as https://example.org/hook."));
        requireAllowed(url, guard);
        String secret = text((ObjectNode) json, "secret");
        if (!secret.isEmpty() && !WebhookSignature.isSecret(secret)) {
            throw ProblemException.badRequest("webhook.secret must be whsec_ and the base64 of 24 to 64 bytes; leave it"
                    + " out and one is made.");
        }
        return new Alert.Webhook(url.value(), secret.isEmpty() ? WebhookSignature.secret() : new Secret(secret));
    }

    /** Told now rather than at the first delivery, where the connection is checked again. */
    private static void requireAllowed(CanonicalUrl url, AddressGuard guard) {
        try {
            for (InetAddress address : InetAddress.getAllByName(url.host())) {
                if (guard.allows(address, url.port())) {
                    return;
                }
            }
        } catch (UnknownHostException e) {
            throw ProblemException.impossible(
                    "The host of webhook.url, " + url.host() + ", is not known: check the address.");
        }
        throw ProblemException.impossible(
                "webhook.url leads to an address that this server must not reach: a public one"
                        + " on port 80 or 443 is needed, or one of a network that is listed under network.allow_private.");
    }

    private static String text(ObjectNode json, String name) {
        JsonNode value = json.path(name);
        if (!value.isTextual() && json.hasNonNull(name)) {
            throw ProblemException.badRequest(name + " must be a text.");
        }
        return value.isTextual() ? value.asText() : "";
    }
}
