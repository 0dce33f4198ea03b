package lenstream.connector.opensearch;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import lenstream.core.image.CrawlTarget;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.ledger.Freshness;
import lenstream.core.ledger.FreshnessRecord;
import lenstream.core.ledger.Milestone;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures how long images take until they can be found. An acknowledged document is not yet searchable: the index has to
 * be refreshed. So of each bulk request that brought images one is asked for by a search, five times a second, until it
 * is there; the others of the request count with it (shards refresh apart, but each within the same interval). The
 * figures go to the metrics and, once in ten seconds, to the hour's document in the ledger's index, where they outlive
 * the job.
 *
 * <p>Thread-safe; asks on a thread of its own. What cannot be measured is dropped: nothing waits for it.
 */
final class FreshnessProbe implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FreshnessProbe.class);

    private static final long LOOK_MILLIS = 200;
    private static final long SAVE_MILLIS = 10_000;
    private static final long GIVE_UP_MILLIS = TimeUnit.MINUTES.toMillis(10);
    private static final long LAST_LOOKS_MILLIS = 2_000;
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(5);
    private static final int MOST_WAITING = 1_000;
    private static final int ASKED_AT_ONCE = 100;

    /** The images that one request brought into one index; the last of them is looked for. */
    private record Group(String index, String id, long version, List<DocumentTimes> all, long acknowledgedMillis) {}

    private final IndexClient client;
    private final String ledger;
    private final FreshnessMetrics metrics;
    private final String writer = UUID.randomUUID().toString();
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("freshness").factory());
    private final ArrayDeque<Group> waiting = new ArrayDeque<>();
    private Instant window = Freshness.windowOf(Instant.now());
    private FreshnessRecord record = new FreshnessRecord();
    private boolean isSaved = true;
    private long savedMillis;

    /** @param client borrowed */
    FreshnessProbe(IndexClient client, IndexLayout layout, FreshnessMetrics metrics) {
        this.client = client;
        this.ledger = layout.ledgerIndex();
        this.metrics = metrics;
        thread.scheduleWithFixedDelay(this::turn, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** The images that one bulk request brought into the index, a moment ago. */
    void acknowledged(List<BulkEntry> entries) {
        long now = System.currentTimeMillis();
        var byIndex = new HashMap<String, List<BulkEntry>>();
        entries.forEach(entry -> byIndex.computeIfAbsent(entry.index(), unseen -> new ArrayList<>())
                .add(entry));
        var groups = new ArrayList<Group>();
        byIndex.forEach((index, images) -> groups.add(new Group(
                index,
                images.getLast().id(),
                images.getLast().version(),
                images.stream()
                        .map(image -> DocumentTimes.of(requireNonNull(image.json())))
                        .toList(),
                now)));
        synchronized (waiting) {
            waiting.addAll(groups);
            while (waiting.size() > MOST_WAITING) {
                waiting.remove();
            }
        }
    }

    private void turn() {
        try {
            look();
            save(System.currentTimeMillis() - savedMillis >= SAVE_MILLIS);
        } catch (IndexException | TimeoutException e) {
            LOG.debug("freshness cannot be measured for now: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it is closed
        } catch (RuntimeException e) {
            LOG.warn("freshness cannot be measured", e); // else the schedule would end without a word
        }
    }

    /** Asks which of the oldest can be found by now. */
    private void look() throws InterruptedException, TimeoutException {
        var asked = new ArrayList<Group>();
        synchronized (waiting) {
            long tooOld = System.currentTimeMillis() - GIVE_UP_MILLIS;
            waiting.removeIf(group -> group.acknowledgedMillis() < tooOld);
            waiting.stream().limit(ASKED_AT_ONCE).forEach(asked::add);
        }
        var byIndex = new HashMap<String, List<Group>>();
        asked.forEach(group -> byIndex.computeIfAbsent(group.index(), unseen -> new ArrayList<>())
                .add(group));
        for (Map.Entry<String, List<Group>> one : byIndex.entrySet()) {
            Map<String, Long> versions = versions(one.getKey(), one.getValue());
            long now = System.currentTimeMillis();
            for (Group group : one.getValue()) {
                if (versions.getOrDefault(group.id(), -1L) >= group.version()) {
                    synchronized (waiting) {
                        waiting.remove(group);
                    }
                    for (DocumentTimes times : group.all()) {
                        searchable(times, group.acknowledgedMillis(), now);
                    }
                }
            }
        }
    }

    /** The versions that a search sees. */
    private Map<String, Long> versions(String index, List<Group> groups) throws InterruptedException, TimeoutException {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("size", groups.size()).put("version", true).put("_source", false);
        var ids = body.putObject("query").putObject("ids").putArray("values");
        groups.forEach(group -> ids.add(group.id()));
        IndexAnswer answer = send("POST", "/" + index + "/_search", body);
        var versions = new HashMap<String, Long>();
        if (answer.ok()) {
            for (JsonNode hit : answer.json().at("/hits/hits")) {
                versions.put(hit.path("_id").asText(), hit.path("_version").asLong());
            }
        }
        return versions;
    }

    private void searchable(DocumentTimes times, long acknowledged, long now)
            throws InterruptedException, TimeoutException {
        if (times.discoveredMillis() == CrawlTarget.UNKNOWN_TIME) {
            return;
        }
        took(times, Milestone.DISCOVERED_TO_FETCHED, times.observedMillis() - times.discoveredMillis());
        took(times, Milestone.FETCHED_TO_EMBEDDED, times.embeddedMillis() - times.observedMillis());
        took(times, Milestone.EMBEDDED_TO_INDEXED, acknowledged - times.embeddedMillis());
        took(times, Milestone.INDEXED_TO_SEARCHABLE, now - acknowledged);
        took(times, Milestone.DISCOVERED_TO_SEARCHABLE, now - times.discoveredMillis());
        long age = times.discoveredMillis() - times.publishedMillis();
        if (times.publishedMillis() != CrawlTarget.UNKNOWN_TIME && age <= Freshness.NEWS.toMillis()) {
            took(times, Milestone.PUBLISHED_TO_SEARCHABLE, now - times.publishedMillis());
        }
    }

    private void took(DocumentTimes times, Milestone milestone, long millis)
            throws InterruptedException, TimeoutException {
        Instant hour = Freshness.windowOf(Instant.now());
        if (!hour.equals(window)) {
            writeDown();
            window = hour;
            record = new FreshnessRecord();
        }
        record.add(times.source(), milestone, millis);
        metrics.add(times.source(), milestone, millis);
        isSaved = false;
    }

    private void save(boolean due) throws InterruptedException, TimeoutException {
        if (!isSaved && due) {
            savedMillis = System.currentTimeMillis();
            writeDown();
            isSaved = true;
        }
    }

    /** The hour as it stands; should that fail, the next one brings it, or an hour's last seconds are lost. */
    private void writeDown() throws InterruptedException, TimeoutException {
        String path = "/" + ledger + "/_doc/freshness-" + window.getEpochSecond() + "-" + writer;
        IndexAnswer answer = send("PUT", path, Freshness.document(window, record));
        if (!answer.ok()) {
            LOG.warn("event=freshness_not_saved status={} answer={}", answer.status(), answer.text());
        }
    }

    private IndexAnswer send(String method, String path, JsonNode body) throws InterruptedException, TimeoutException {
        byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
        try {
            return client.sendAsync(method, path, bytes, "application/json")
                    .get(ANSWER_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new IndexException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Looks for those that were acknowledged last, for two seconds at most, and saves the hour. */
    @Override
    public void close() {
        thread.shutdownNow();
        try {
            thread.awaitTermination(LAST_LOOKS_MILLIS, TimeUnit.MILLISECONDS);
            long until = System.currentTimeMillis() + LAST_LOOKS_MILLIS;
            while (isWaiting() && System.currentTimeMillis() < until) {
                TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
                look();
            }
            save(true);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IndexException | TimeoutException e) {
            LOG.debug("the last figures of freshness are lost: {}", e.getMessage());
        }
    }

    private boolean isWaiting() {
        synchronized (waiting) {
            return !waiting.isEmpty();
        }
    }
}
