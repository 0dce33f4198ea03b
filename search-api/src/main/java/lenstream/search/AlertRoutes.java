package lenstream.search;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderNames;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import lenstream.core.alert.Alert;
import lenstream.core.alert.AlertMatches;
import lenstream.core.alert.AlertRegister;
import lenstream.core.alert.SecretSeal;
import lenstream.core.image.ImageId;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.model.Relevance;
import lenstream.core.web.AddressGuard;
import lenstream.search.alert.AlertDelivery;
import lenstream.search.http.Exchange;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;
import lenstream.search.http.Scope;
import org.jspecify.annotations.Nullable;

/** Alerts: {@code /v1/alerts}. Thread-safe. */
final class AlertRoutes implements Routes {
    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");
    private static final Pattern AUTHORITY = Pattern.compile("[A-Za-z0-9.:\\[\\]-]{1,300}");
    private static final List<String> PAGE_PARAMETERS = List.of("k", "cursor");

    private final ActiveSpace spaces;
    private final AlertRegister register;
    private final AlertMatches matches;
    private final ShownMatches shown;
    private final AlertDelivery delivery;
    private final AddressGuard guard;
    private final SecretSeal seal;
    private final @Nullable URI publicUrl;
    private final String scheme;
    private final SecureRandom random = new SecureRandom();

    /**
     * @param delivery knows what webhooks were told
     * @param guard decides where webhooks may be
     * @param seal for the secrets of webhooks
     * @param publicUrl where the world reaches this server; null if only requests say it
     * @param scheme of requests
     */
    AlertRoutes(
            ActiveSpace spaces,
            IndexClient index,
            IndexLayout layout,
            ShownMatches shown,
            AlertDelivery delivery,
            AddressGuard guard,
            SecretSeal seal,
            @Nullable URI publicUrl,
            String scheme) {
        this.spaces = spaces;
        this.register = new AlertRegister(index, layout);
        this.matches = new AlertMatches(index, layout);
        this.shown = shown;
        this.delivery = delivery;
        this.guard = guard;
        this.seal = seal;
        this.publicUrl = publicUrl;
        this.scheme = scheme;
    }

    @Override
    public void register(RouteTable table) {
        table.post("/v1/alerts", "alert", spaces.within(this::add)).scope(Scope.WRITE);
        table.get("/v1/alerts", "alert", this::list).scope(Scope.WRITE);
        table.get("/v1/alerts/{id}", "alert", this::one).scope(Scope.WRITE);
        table.delete("/v1/alerts/{id}", "alert", this::remove).scope(Scope.WRITE);
        table.get("/v1/alerts/{id}/matches", "alert_matches", this::matches).needsIndex();
        table.get("/v1/alerts/{id}/feed", "alert_feed", this::feed).needsIndex();
    }

    private void add(Exchange exchange, SearchSpace space) {
        AlertRequest asked = AlertRequest.read(exchange.body(), space.embedding(), guard);
        SearchRoutes.requireSpace(space, asked.search().fingerprint());
        if (register.count() >= AlertRegister.MOST) {
            throw ProblemException.conflict(
                    "Too many alerts", "There are " + AlertRegister.MOST + " alerts already: delete one first.");
        }
        boolean words = asked.search().query().ofWords();
        Relevance relevance = space.relevance();
        Double cosine = asked.minCosine();
        Double score = asked.minScore();
        double least = score != null
                ? score
                : words
                        ? relevance.ofText(cosine == null ? 0 : cosine)
                        : relevance.ofImage(cosine == null ? 0 : cosine);
        var id = new byte[16];
        random.nextBytes(id);
        String key = HexFormat.of().formatHex(id);
        Alert.Webhook webhook = asked.webhook();
        var alert = new Alert(
                key,
                asked.name(),
                asked.asked(),
                asked.query(),
                words,
                asked.filter(),
                least,
                List.of(),
                webhook == null ? null : new Alert.Webhook(webhook.url(), seal.seal(webhook.secret(), key)),
                null,
                exchange.caller(),
                System.currentTimeMillis());
        float[] vector = SearchRoutes.direction(
                        space, asked.search().query(), asked.search().region())
                .vector(); // before anything is kept: what cannot be embedded is no alert
        register.enter(alert);
        double exact = cosine != null ? cosine : words ? relevance.cosineOfText(least) : relevance.cosineOfImage(least);
        Alert entered = register.put(alert, new Alert.Space(space.fingerprint().value(), exact), vector);
        ObjectNode answer = json(entered, space);
        if (webhook != null) { // the only time that its secret is shown
            answer.putObject("webhook")
                    .put("url", webhook.url())
                    .put("secret", webhook.secret().value());
        }
        exchange.set(HeaderNames.LOCATION, "/v1/alerts/" + alert.id());
        exchange.sendJson(201, "application/json", answer);
    }

    private void list(Exchange exchange) {
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        ArrayNode all = answer.putArray("alerts");
        for (Alert alert : register.all()) {
            ObjectNode json = json(alert, spaces.current());
            Alert.Webhook webhook = alert.webhook();
            if (webhook != null) {
                json.putObject("webhook")
                        .put("url", webhook.url())
                        .put("state", alert.disabled() == null ? "active" : "disabled");
            }
            all.add(json);
        }
        exchange.sendJson(answer);
    }

    private void one(Exchange exchange) {
        Alert alert = alert(exchange);
        ObjectNode json = json(alert, spaces.current());
        ObjectNode webhook = delivery.state(alert);
        if (!webhook.isEmpty()) {
            json.set("webhook", webhook);
        }
        json.put("matches", matches.count(alert.id()));
        exchange.sendJson(json);
    }

    private void remove(Exchange exchange) {
        if (!register.remove(id(exchange))) {
            throw none();
        }
        exchange.sendEmpty(204);
    }

    private void matches(Exchange exchange) {
        Alert alert = alert(exchange);
        AlertMatches.Page page = page(exchange, alert);
        ObjectNode answer = JsonNodeFactory.instance.objectNode().put("alert", alert.id());
        ArrayNode list = answer.putArray("matches");
        shown.of(alert, page.matches(), null).values().forEach(list::add);
        if (page.next() != null) {
            answer.put("cursor", page.next());
        }
        exchange.set(HeaderNames.CACHE_CONTROL, "no-store");
        exchange.sendJson(answer);
    }

    private void feed(Exchange exchange) {
        Alert alert = alert(exchange);
        AlertMatches.Page page = page(exchange, alert);
        URI base = base(exchange).resolve("/v1/alerts/" + alert.id() + "/feed");
        String query = exchange.parameters().entrySet().stream()
                .filter(entry -> entry.getKey().equals("k"))
                .map(entry -> "k=" + entry.getValue().getFirst() + "&")
                .findFirst()
                .orElse("");
        URI next = page.next() == null ? null : URI.create(base + "?" + query + "cursor=" + page.next());
        byte[] feed = AlertFeed.of(
                alert, base, next, shown.of(alert, page.matches(), null).values());
        String etag = "\"" + ImageId.sha256(feed).substring(0, 16) + "\"";
        exchange.set(HeaderNames.ETAG, etag).set(HeaderNames.CACHE_CONTROL, "private, max-age=60");
        if (exchange.holds(etag)) {
            exchange.sendEmpty(304);
        } else {
            exchange.send(200, AlertFeed.MEDIA_TYPE, feed);
        }
    }

    private AlertMatches.Page page(Exchange exchange, Alert alert) {
        Map<String, List<String>> parameters = exchange.parameters();
        for (String name : parameters.keySet()) {
            if (!PAGE_PARAMETERS.contains(name)) {
                throw Names.unknown("", name, PAGE_PARAMETERS);
            }
        }
        int size = RequestReader.count(Map.of("k", parameters.getOrDefault("k", List.of())));
        List<String> cursors = parameters.getOrDefault("cursor", List.of());
        try {
            return matches.page(alert.id(), size, cursors.isEmpty() ? null : cursors.getFirst());
        } catch (IllegalArgumentException e) {
            throw ProblemException.badRequest(
                    "The cursor is not one of ours: take it from the answer before, unchanged.");
        }
    }

    /** What its keeper may see: the picture that was asked for stays here, and so does the secret. */
    private ObjectNode json(Alert alert, SearchSpace space) {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("id", alert.id())
                .put("name", alert.name())
                .put("asked", alert.asked())
                .put("min_score", alert.minScore());
        Optional<Alert.Space> rule = alert.space(space.fingerprint().value());
        json.put("state", rule.isPresent() ? "active" : "stale")
                .put("fingerprint", space.fingerprint().value());
        rule.ifPresent(there -> json.put("min_cosine", there.minCosine()));
        if (!alert.filter().isEmpty()) {
            json.set("filter", alert.filter().json());
        }
        return json.put("created", Instant.ofEpochMilli(alert.createdAtMillis()).toString())
                .put("by", alert.by())
                .put("feed", "/v1/alerts/" + alert.id() + "/feed");
    }

    /** Where the client reaches this server. */
    private URI base(Exchange exchange) {
        if (publicUrl != null) {
            return publicUrl;
        }
        String host = exchange.header(HeaderNames.HOST).orElse("");
        return URI.create(scheme + "://" + (AUTHORITY.matcher(host).matches() ? host : "localhost") + "/");
    }

    private Alert alert(Exchange exchange) {
        return register.get(id(exchange)).orElseThrow(AlertRoutes::none);
    }

    private static String id(Exchange exchange) {
        String id = exchange.pathParameter("id");
        if (!ID.matcher(id).matches()) {
            throw none();
        }
        return id;
    }

    private static ProblemException none() {
        return ProblemException.notFound("There is no such alert.");
    }
}
