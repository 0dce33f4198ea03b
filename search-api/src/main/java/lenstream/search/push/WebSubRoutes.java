package lenstream.search.push;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import lenstream.core.alert.SecretSeal;
import lenstream.core.config.Secret;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.search.http.Exchange;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;
import lenstream.search.http.Scope;
import lenstream.search.http.Utf8;
import lenstream.search.push.Subscription.State;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A WebSub subscriber (W3C Recommendation of 2018). {@code /v1/websub} keeps the subscriptions, {@code
 * /websub/{subscription}} is what hubs call: verification, refusal, delivery. A delivery tells that the topic changed, so
 * the topic is pushed and a crawl reads it. Subscriptions are renewed when four fifths of their lease are over, and with a
 * new secret where the key of the old one is lost.
 * Thread-safe.
 */
public final class WebSubRoutes implements Routes, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WebSubRoutes.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HeaderName SIGNATURE = HeaderNames.create("X-Hub-Signature");
    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");
    private static final long WANTED_LEASE_SECONDS = Duration.ofDays(10).toSeconds();
    private static final long SHORTEST_LEASE_SECONDS = 10;
    private static final long LONGEST_LEASE_SECONDS = Duration.ofDays(365).toSeconds();

    private final Subscriptions subscriptions;
    private final Hub hub;
    private final PushedUrls pushes;
    private final URI publicUrl;
    private final LongSupplier clock;
    private final SecureRandom random = new SecureRandom();
    private final ScheduledExecutorService renewals = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("websub-renewals").factory());

    /** Begins to renew what is due; {@link #close} ends that. */
    public WebSubRoutes(
            URI publicUrl, PushedUrls pushes, IndexClient index, IndexLayout layout, SecretSeal seal, WebClient web) {
        this.subscriptions = new Subscriptions(index, layout, seal);
        this.hub = new Hub(web);
        this.pushes = pushes;
        this.publicUrl = publicUrl;
        this.clock = System::currentTimeMillis;
        var unused = renewals.scheduleWithFixedDelay(this::renew, 1, 1, TimeUnit.SECONDS);
    }

    @Override
    public void register(RouteTable table) {
        table.post("/v1/websub", "websub", this::subscribe).scope(Scope.WRITE);
        table.get("/v1/websub", "websub", this::list).scope(Scope.WRITE);
        table.delete("/v1/websub/{id}", "websub", this::unsubscribe).scope(Scope.WRITE);
        table.get("/websub/{id}", "websub", this::verify).open();
        table.post("/websub/{id}", "websub", this::deliver).open();
    }

    @Override
    public void close() {
        renewals.shutdownNow();
    }

    private void subscribe(Exchange exchange) {
        CanonicalUrl topic = topic(exchange.body());
        Optional<Hub.Discovered> found;
        try {
            found = hub.discover(topic);
        } catch (WebException e) {
            throw ProblemException.impossible("The topic cannot be read: " + e.getMessage());
        } catch (InterruptedException e) {
            throw stopping();
        }
        Hub.Discovered at = found.orElseThrow(() -> ProblemException.impossible(
                topic + " names no hub, neither in a Link header nor in the document: crawl it as a site instead."));
        var id = new byte[16];
        random.nextBytes(id);
        boolean isSecure = at.hub().value().startsWith("https:");
        long now = clock.getAsLong();
        var subscription = new Subscription(
                HexFormat.of().formatHex(id),
                at.self(),
                at.hub().value(),
                isSecure ? newSecret() : null,
                State.PENDING,
                null,
                now,
                now,
                0,
                0);
        subscriptions.put(subscription); // before the hub is asked: it may verify at once
        int status;
        try {
            status = ask(subscription, "subscribe");
        } catch (WebException e) {
            subscriptions.remove(subscription.id());
            throw ProblemException.impossible("The hub cannot be asked: " + e.getMessage());
        } catch (InterruptedException e) {
            throw stopping();
        }
        if (status < 200 || status > 299) {
            subscriptions.remove(subscription.id());
            throw ProblemException.impossible("The hub " + at.hub() + " refuses with status " + status + ".");
        }
        exchange.sendJson(
                202,
                "application/json",
                shown(subscriptions.get(subscription.id()).orElse(subscription)));
    }

    private void list(Exchange exchange) {
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        ArrayNode all = answer.putArray("subscriptions");
        subscriptions.all().forEach(subscription -> all.add(shown(subscription)));
        exchange.sendJson(answer);
    }

    private void unsubscribe(Exchange exchange) {
        Subscription subscription = known(exchange);
        Subscription ending = subscription.in(State.ENDING, null);
        subscriptions.put(ending);
        try {
            int status = ask(ending, "unsubscribe");
            LOG.info("event=unsubscribe topic={} status={}", ending.topic(), status);
        } catch (WebException e) {
            subscriptions.remove(ending.id()); // its callback is unknown from now on: the hub gives up by itself
        } catch (InterruptedException e) {
            throw stopping();
        }
        exchange.sendJson(202, "application/json", shown(ending));
    }

    /** The hub asks whether we mean it, or says that it will not. */
    private void verify(Exchange exchange) {
        Subscription subscription = known(exchange);
        Map<String, List<String>> parameters = exchange.parameters();
        String mode = first(parameters, "hub.mode");
        if (!first(parameters, "hub.topic").equals(subscription.topic())) {
            throw ProblemException.notFound("This callback is of another topic.");
        }
        String challenge = first(parameters, "hub.challenge");
        switch (mode) {
            case "denied" -> {
                subscriptions.put(subscription.in(State.DENIED, first(parameters, "hub.reason")));
                exchange.sendEmpty(200);
            }
            case "subscribe" -> {
                if (subscription.state() == State.ENDING || challenge.isEmpty()) {
                    throw ProblemException.notFound("Nobody asked for this.");
                }
                subscriptions.put(subscription.confirmed(lease(parameters) * 1_000, clock.getAsLong()));
                exchange.send(200, "text/plain", challenge.getBytes(StandardCharsets.UTF_8));
            }
            case "unsubscribe" -> {
                if (subscription.state() != State.ENDING || challenge.isEmpty()) {
                    throw ProblemException.notFound("Nobody asked for this.");
                }
                subscriptions.remove(subscription.id());
                exchange.send(200, "text/plain", challenge.getBytes(StandardCharsets.UTF_8));
            }
            default -> throw ProblemException.badRequest("hub.mode must be subscribe, unsubscribe or denied.");
        }
    }

    private static long lease(Map<String, List<String>> parameters) {
        try {
            long seconds = Long.parseLong(first(parameters, "hub.lease_seconds"));
            return Math.clamp(seconds, SHORTEST_LEASE_SECONDS, LONGEST_LEASE_SECONDS);
        } catch (NumberFormatException e) {
            return WANTED_LEASE_SECONDS;
        }
    }

    /** The topic changed. What is not signed as agreed is dropped, and the sender learns nothing of it. */
    private void deliver(Exchange exchange) {
        Subscription subscription = known(exchange);
        byte[] body = exchange.body();
        boolean isMeant = subscription.state() == State.ACTIVE || subscription.state() == State.PENDING;
        boolean isSigned = isSigned(subscription, exchange.header(SIGNATURE).orElse(""), body);
        if (isMeant && isSigned) {
            CanonicalUrl.of(subscription.topic()).ifPresent(topic -> pushes.push(List.of(topic)));
        } else {
            LOG.warn("event=delivery_dropped topic={} signed={}", subscription.topic(), isSigned);
        }
        exchange.sendEmpty(204);
    }

    private boolean isSigned(Subscription subscription, String signature, byte[] body) {
        try {
            String secret = subscriptions.secret(subscription);
            return secret == null || Signature.isOf(signature, body, secret);
        } catch (IllegalArgumentException e) { // renewed with another secret in a moment
            LOG.warn("event=subscription_secret_not_opened topic={} reason={}", subscription.topic(), e.getMessage());
            return false;
        }
    }

    private void renew() {
        try {
            for (Subscription subscription : subscriptions.all()) {
                long now = clock.getAsLong();
                if (subscription.mayBeAsked(now) && subscriptions.isClosed(subscription)) {
                    LOG.warn("event=subscription_secret_lost topic={}: asking for another", subscription.topic());
                    renew(subscription.with(newSecret()));
                } else if (subscription.isDue(now)) {
                    renew(subscription);
                }
            }
        } catch (IndexException e) {
            LOG.debug("subscriptions wait for the index: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.warn("subscriptions cannot be renewed", e); // the next look tries again
        }
    }

    private void renew(Subscription subscription) throws InterruptedException {
        Subscription asked = subscription.asked(clock.getAsLong());
        subscriptions.put(asked);
        try {
            int status = ask(asked, "subscribe");
            LOG.info("event=renew topic={} status={}", asked.topic(), status);
        } catch (WebException e) {
            LOG.warn("event=renew topic={} failed: {}", asked.topic(), e.getMessage());
        }
    }

    private int ask(Subscription subscription, String mode) throws WebException, InterruptedException {
        var form = new LinkedHashMap<String, String>();
        form.put("hub.mode", mode);
        form.put("hub.topic", subscription.topic());
        form.put("hub.callback", callback(subscription));
        if (mode.equals("subscribe")) {
            form.put("hub.lease_seconds", Long.toString(WANTED_LEASE_SECONDS));
            String secret = subscriptions.secret(subscription);
            if (secret != null) {
                form.put("hub.secret", secret);
            }
        }
        return hub.ask(CanonicalUrl.of(subscription.hub()).orElseThrow(), form);
    }

    private Secret newSecret() {
        var secret = new byte[32];
        random.nextBytes(secret);
        return new Secret(HexFormat.of().formatHex(secret));
    }

    private String callback(Subscription subscription) {
        String base = publicUrl.toString();
        return (base.endsWith("/") ? base : base + "/") + "websub/" + subscription.id();
    }

    /** What its keeper may see: all but the secret. */
    private static ObjectNode shown(Subscription subscription) {
        ObjectNode json = subscription.toJson();
        json.remove(List.of("secret", "asked", "lease"));
        json.put("state", subscription.state().name().toLowerCase(java.util.Locale.ROOT));
        json.put("created", Instant.ofEpochMilli(subscription.createdMillis()).toString());
        if (subscription.untilMillis() > 0) {
            json.put("until", Instant.ofEpochMilli(subscription.untilMillis()).toString());
        } else {
            json.remove("until");
        }
        if (subscription.reason() == null) {
            json.remove("reason");
        }
        return json;
    }

    private Subscription known(Exchange exchange) {
        String id = exchange.pathParameter("id");
        return Optional.of(id)
                .filter(text -> ID.matcher(text).matches())
                .flatMap(subscriptions::get)
                .orElseThrow(() -> ProblemException.notFound("There is no such subscription."));
    }

    private static CanonicalUrl topic(byte[] body) {
        JsonNode json;
        try {
            json = JSON.readTree(Utf8.checked(body));
        } catch (IOException e) {
            throw ProblemException.badRequest("The body must be JSON like {\"topic\":\"https://example.org/feed\"}.");
        }
        return CanonicalUrl.of(json.path("topic").asText(""))
                .orElseThrow(() -> ProblemException.badRequest(
                        "The body must be JSON like {\"topic\":\"https://example.org/feed\"}."));
    }

    private static String first(Map<String, List<String>> parameters, String name) {
        List<String> values = parameters.getOrDefault(name, List.of());
        return values.isEmpty() ? "" : values.getFirst();
    }

    private static ProblemException stopping() {
        Thread.currentThread().interrupt();
        return ProblemException.unavailable("The server is stopping.");
    }
}
