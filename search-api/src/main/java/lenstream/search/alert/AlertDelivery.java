package lenstream.search.alert;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import lenstream.core.alert.Alert;
import lenstream.core.alert.AlertMatch;
import lenstream.core.alert.AlertMatches;
import lenstream.core.alert.AlertRegister;
import lenstream.core.alert.SecretSeal;
import lenstream.core.config.Secret;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexTail;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import lenstream.search.alert.Delivery.State;
import lenstream.search.http.Metrics;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the webhooks of alerts about new matches: at least once, signed, several together where they come together.
 *
 * <p>It follows the matches as the jobs write them and makes deliveries of them, which stand in an index of their own
 * before the place in the matches moves on: what was read is told, whichever process ends when. A delivery that is not
 * taken is tried again after longer and longer waits, and at last has failed, which its alert shows. A receiver that answers
 * 410 is told no more. Redirects are not followed. Of several processes one is at work, see {@link DeliveryQueue}; at most
 * {@value #AT_ONCE} requests are on their way, one an alert. Thread-safe; {@link #close} ends its threads.
 */
public final class AlertDelivery implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AlertDelivery.class);
    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final Duration UPKEEP = Duration.ofSeconds(30);
    private static final Duration PRUNING = Duration.ofHours(1);
    private static final int PAGE = 500;
    private static final int PAGES = 20;
    /** Matches that one call tells of. */
    private static final int TOGETHER = 100;

    private static final int AT_ONCE = 16;
    /** A match may be there a moment before its image can be read; after this time the image is gone. */
    private static final long IMAGE_LIMIT_MILLIS = 60_000;

    private static final long IMAGE_PAUSE_MILLIS = 2_000;
    private static final int GONE = 410;

    private final AlertConfig config;
    private final AlertRegister register;
    private final AlertMatches matches;
    private final DeliveryQueue queue;
    private final IndexTail tail;
    private final WebClient web;
    private final SecretSeal seal;
    private final BiFunction<Alert, List<AlertMatch>, Map<String, ObjectNode>> shown;
    private final Runnable upkeep;
    private final Metrics metrics;
    private final Metrics.Histogram took;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("alert-deliveries").factory());
    private final ExecutorService senders = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("webhook-", 0).factory());
    /** Alerts whose webhook is being told. */
    private final Set<String> busy = ConcurrentHashMap.newKeySet();

    private final AtomicBoolean isKeeping = new AtomicBoolean();

    private volatile long alerts;
    private volatile long pending;
    private long nextUpkeep; // these on the timer's thread, System.nanoTime()
    private long nextPruning;
    private boolean isWaiting;

    /**
     * @param web reaches the receivers, and nothing inside a network that was not listed
     * @param seal of the webhooks' secrets
     * @param shown what is told of each match, by its id; what an image has to be there for is absent while it is not
     * @param upkeep done now and then by the process that is at work, by one thread at a time
     */
    public AlertDelivery(
            AlertConfig config,
            IndexClient index,
            IndexLayout layout,
            WebClient web,
            SecretSeal seal,
            BiFunction<Alert, List<AlertMatch>, Map<String, ObjectNode>> shown,
            Runnable upkeep,
            Metrics metrics) {
        this.config = config;
        this.register = new AlertRegister(index, layout);
        this.matches = new AlertMatches(index, layout);
        this.queue = new DeliveryQueue(index, layout);
        this.tail = new IndexTail(index, layout.matchIndex());
        this.web = web;
        this.seal = seal;
        this.shown = shown;
        this.upkeep = upkeep;
        this.metrics = metrics;
        this.took = metrics.histogram("lenstream_alert_delivery_seconds", "");
        metrics.gauge("lenstream_alerts", "", () -> alerts);
        metrics.gauge("lenstream_alert_deliveries_pending", "", () -> pending);
        for (String result : List.of("delivered", "retried", "failed", "dropped")) {
            count(result, 0);
        }
    }

    /** Begins to work. */
    public void start() {
        nextUpkeep = System.nanoTime();
        nextPruning = System.nanoTime();
        var unused =
                timer.scheduleWithFixedDelay(this::turn, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** What an alert's webhook has been told. */
    public ObjectNode state(Alert alert) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        Alert.Webhook webhook = alert.webhook();
        if (webhook == null) {
            return json;
        }
        json.put("url", webhook.url()).put("state", alert.disabled() == null ? "active" : "disabled");
        if (alert.disabled() != null) {
            json.put("reason", alert.disabled());
        }
        for (State state : List.of(State.PENDING, State.DELIVERED, State.FAILED)) {
            json.put(state.word(), queue.count(alert.id(), state));
        }
        queue.lastRefused(alert.id())
                .ifPresent(delivery -> json.putObject("last_error")
                        .put("delivery", delivery.id())
                        .put("state", delivery.state().word())
                        .put("attempts", delivery.attempts())
                        .put("error", delivery.error()));
        return json;
    }

    private void turn() {
        try {
            long now = System.currentTimeMillis();
            if (!queue.hold(now)) {
                return;
            }
            if (System.nanoTime() - nextUpkeep >= 0) {
                nextUpkeep = System.nanoTime() + UPKEEP.toNanos();
                alerts = register.count();
                pending = queue.pending();
                keepUp();
            }
            if (System.nanoTime() - nextPruning >= 0) {
                nextPruning = System.nanoTime() + PRUNING.toNanos();
                queue.prune(Instant.ofEpochMilli(now).minus(config.keep()));
            }
            read();
            send();
            isWaiting = false;
        } catch (IndexUnavailableException e) {
            if (!isWaiting) {
                LOG.info("event=alerts_wait_for_index reason={}", e.getMessage());
            }
            isWaiting = true;
        } catch (RuntimeException e) {
            LOG.warn("event=alerts_not_told", e); // the next turn tries again
        }
    }

    /** Apart, because to embed thousands of alerts anew takes minutes. */
    private void keepUp() {
        if (isKeeping.compareAndSet(false, true)) {
            senders.execute(() -> {
                try {
                    upkeep.run();
                } catch (RuntimeException e) {
                    LOG.warn("event=alerts_not_kept_up", e); // the next time tries again
                } finally {
                    isKeeping.set(false);
                }
            });
        }
    }

    /** Makes deliveries of the matches that are new. */
    private void read() {
        for (int i = 0; i < PAGES; i++) {
            IndexTail.Page page = tail.read(queue.position(), PAGE);
            List<AlertMatch> found = page.hits().stream()
                    .map(hit -> AlertMatch.of(hit.path("_source")))
                    .toList();
            long now = System.currentTimeMillis();
            queue.add(deliveries(found, now), now);
            if (!queue.readTo(page.next(), now) || !page.more()) {
                return;
            }
        }
    }

    private List<Delivery> deliveries(List<AlertMatch> found, long now) {
        var telling = new HashMap<String, Boolean>();
        List<AlertMatch> wanted = found.stream()
                .filter(match -> telling.computeIfAbsent(
                        match.alert(),
                        id -> register.get(id).filter(Alert::tells).isPresent()))
                .toList();
        if (wanted.isEmpty()) {
            return List.of();
        }
        Set<String> known =
                queue.known(wanted.stream().map(AlertMatch::event).distinct().toList());
        var byAlert = new LinkedHashMap<String, List<AlertMatch>>();
        for (AlertMatch match : wanted) {
            if (known.add(match.event())) {
                byAlert.computeIfAbsent(match.alert(), id -> new ArrayList<>()).add(match);
            }
        }
        var deliveries = new ArrayList<Delivery>();
        byAlert.forEach((alert, its) -> {
            for (int from = 0; from < its.size(); from += TOGETHER) {
                deliveries.add(Delivery.of(alert, its.subList(from, Math.min(its.size(), from + TOGETHER)), now));
            }
        });
        return deliveries;
    }

    private void send() {
        for (Delivery delivery : queue.due(System.currentTimeMillis(), 8 * AT_ONCE)) {
            if (busy.size() >= AT_ONCE) {
                return;
            }
            if (busy.add(delivery.alert())) {
                senders.execute(() -> {
                    try {
                        send(delivery);
                    } catch (IndexException e) {
                        LOG.warn("event=delivery_not_settled id={} reason={}", delivery.id(), e.getMessage());
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt(); // it is still pending, and so is sent by whoever is next
                    } catch (RuntimeException e) {
                        LOG.warn("event=delivery_not_made id={}", delivery.id(), e);
                    } finally {
                        busy.remove(delivery.alert());
                    }
                });
            }
        }
    }

    private void send(Delivery delivery) throws InterruptedException {
        Optional<Alert> found = register.get(delivery.alert());
        Alert.Webhook webhook = found.map(Alert::webhook).orElse(null);
        if (found.isEmpty() || webhook == null) {
            settle(delivery.in(State.DROPPED, null), "dropped");
            return;
        }
        Alert alert = found.get();
        if (!alert.tells()) {
            settle(delivery.in(State.FAILED, alert.disabled()), "failed");
            return;
        }
        Map<String, ObjectNode> told = shown.apply(alert, matches.of(delivery.matches()));
        long now = System.currentTimeMillis();
        if (told.size() < delivery.matches().size() && now - delivery.createdAtMillis() < IMAGE_LIMIT_MILLIS) {
            queue.settle(delivery.at(now + IMAGE_PAUSE_MILLIS, delivery.error()), now);
            return;
        }
        if (told.isEmpty()) {
            settle(delivery.in(State.DROPPED, null), "dropped");
            return;
        }
        byte[] body = body(alert, delivery, told);
        String refused = refusal(alert, webhook, delivery, body);
        Delivery attempted = delivery.attempted();
        if (refused.isEmpty()) {
            settle(attempted.in(State.DELIVERED, null), "delivered");
        } else if (attempted.attempts() >= config.attempts() || isDisabled(alert.id())) {
            LOG.warn("event=delivery_failed id={} alert={} reason={}", delivery.id(), alert.id(), refused);
            settle(attempted.in(State.FAILED, refused), "failed");
        } else {
            long delay = config.delayMillis(
                    attempted.attempts(), ThreadLocalRandom.current().nextDouble());
            LOG.info(
                    "event=delivery_refused id={} alert={} attempt={} wait_ms={} reason={}",
                    delivery.id(),
                    alert.id(),
                    attempted.attempts(),
                    delay,
                    refused);
            settle(attempted.at(System.currentTimeMillis() + delay, refused), "retried");
        }
    }

    private boolean isDisabled(String alert) {
        return register.get(alert).map(now -> !now.tells()).orElse(true);
    }

    /** Makes one attempt. Why it was not taken; empty if it was. */
    private String refusal(Alert alert, Alert.Webhook webhook, Delivery delivery, byte[] body)
            throws InterruptedException {
        Optional<CanonicalUrl> url = CanonicalUrl.of(webhook.url());
        if (url.isEmpty()) {
            return "the address is no URL";
        }
        Secret secret;
        try {
            secret = seal.open(webhook.secret(), alert.id());
        } catch (IllegalArgumentException | UncheckedIOException e) { // the next attempt may find the key
            LOG.warn("event=webhook_secret_not_opened alert={} reason={}", alert.id(), e.getMessage());
            return String.valueOf(e.getMessage());
        }
        long began = System.nanoTime();
        try {
            long seconds = System.currentTimeMillis() / 1_000;
            WebResponse response = web.post(
                    url.get(),
                    body,
                    "application/json",
                    WebhookSignature.headers(secret, delivery.id(), seconds, body));
            if (response.status() == GONE) {
                LOG.warn("event=webhook_gone alert={} url={}", alert.id(), webhook.url());
                register.disable(alert.id(), "the receiver answered 410 Gone");
            }
            return response.status() >= 200 && response.status() < 300
                    ? ""
                    : "the receiver answered " + response.status();
        } catch (WebException e) {
            return String.valueOf(e.getMessage());
        } finally {
            took.add(System.nanoTime() - began);
        }
    }

    private byte[] body(Alert alert, Delivery delivery, Map<String, ObjectNode> told) {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("type", "alert.matched")
                .put(
                        "timestamp",
                        Instant.ofEpochMilli(delivery.createdAtMillis()).toString());
        ObjectNode data = json.putObject("data");
        data.putObject("alert").put("id", alert.id()).put("name", alert.name());
        told.values().forEach(data.putArray("matches")::add);
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    private void settle(Delivery delivery, String result) {
        queue.settle(delivery, System.currentTimeMillis());
        count(result, 1);
    }

    private void count(String result, int number) {
        metrics.counter("lenstream_alert_deliveries_total", "result=\"" + result + "\"")
                .add(number);
    }

    /** Ends: what is on its way is given up, and sent again by whoever is next. */
    @Override
    public void close() {
        timer.shutdownNow();
        senders.shutdownNow();
        try {
            if (!timer.awaitTermination(10, TimeUnit.SECONDS) || !senders.awaitTermination(10, TimeUnit.SECONDS)) {
                LOG.warn("event=alert_deliveries_do_not_end");
            }
            queue.release();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IndexException e) {
            LOG.debug("the right to deliver runs out by itself: {}", e.getMessage());
        }
    }
}
