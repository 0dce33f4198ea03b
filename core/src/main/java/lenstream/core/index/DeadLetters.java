package lenstream.core.index;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import org.jspecify.annotations.Nullable;

/**
 * The images that were rejected, for sending them through again. How often that was done is kept apart from the rejections
 * (which every new attempt writes anew) and noted before an attempt, so that an image that always fails is tried a bounded
 * number of times, whatever crashes in between. Thread-safe; blocking; does not own its client.
 */
public final class DeadLetters {
    private static final int PAGE = 1_000;
    private static final String REPLAYS = "replays";
    private static final String LAST = "last";
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final IndexClient client;
    private final IndexLayout layout;

    public DeadLetters(IndexClient client, IndexLayout layout) {
        this.client = client;
        this.layout = layout;
    }

    /**
     * Which ones.
     *
     * @param reasons named ones; empty for all that may pass by themselves ({@link Reason.Retry#LATER}): what can never
     *     succeed as it is must be named, after whatever was wrong was mended
     * @param stages named ones; empty for all
     * @param since rejected at this time or later
     * @param mostReplays leave out what was sent through again this often
     */
    public record Choice(Set<Reason> reasons, Set<Stage> stages, Instant since, int mostReplays) {
        public Choice {
            reasons = Set.copyOf(reasons);
            stages = Set.copyOf(stages);
        }

        Set<Reason> effectiveReasons() {
            if (!reasons.isEmpty()) {
                return reasons;
            }
            var later = new HashSet<>(Arrays.asList(Reason.values()));
            later.removeIf(reason -> reason.retry() != Reason.Retry.LATER);
            return later;
        }
    }

    /**
     * A rejected image.
     *
     * @param target as it was discovered, but now
     * @param replays how often it was sent through again
     */
    public record Letter(CrawlTarget target, Stage stage, Reason reason, int replays) {}

    /**
     * What was found.
     *
     * @param letters oldest first
     * @param exhausted left out because they were sent through again too often
     * @param more whether the limit cut the list
     */
    public record Found(List<Letter> letters, int exhausted, boolean more) {}

    /** The rejections that a choice means, at most so many. */
    public Found find(Choice choice, int limit) {
        var letters = new ArrayList<Letter>();
        int exhausted = 0;
        ArrayNode after = null;
        long now = System.currentTimeMillis();
        while (true) {
            IndexAnswer answer = client.send("POST", "/" + layout.rejectionIndex() + "/_search", query(choice, after));
            if (answer.status() == 404) {
                return new Found(letters, exhausted, false);
            }
            JsonNode hits = client.required(answer).at("/hits/hits");
            Map<String, Integer> replays = replays(hits);
            for (JsonNode hit : hits) {
                after = (ArrayNode) hit.path("sort");
                int before = replays.getOrDefault(hit.path("_id").asText(), 0);
                if (before >= choice.mostReplays()) {
                    exhausted++;
                } else if (letters.size() == limit) {
                    return new Found(letters, exhausted, true);
                } else {
                    letters.add(letter(hit.path("_source"), before, now));
                }
            }
            if (hits.size() < PAGE) {
                return new Found(letters, exhausted, false);
            }
        }
    }

    /** Notes that these are sent through again now; to be called before they are. */
    public void note(List<Letter> letters, Instant now) {
        prepare();
        for (int from = 0; from < letters.size(); from += PAGE) {
            var lines = new ByteArrayOutputStream();
            for (Letter letter : letters.subList(from, Math.min(letters.size(), from + PAGE))) {
                ObjectNode action = JSON.objectNode();
                action.putObject("index").put("_id", letter.target().id());
                ObjectNode line = JSON.objectNode()
                        .put(Field.ID, letter.target().id())
                        .put(REPLAYS, letter.replays() + 1)
                        .put(LAST, now.toString())
                        .put(Field.REASON, letter.reason().name());
                lines.writeBytes((action + "\n" + line + "\n").getBytes(UTF_8));
            }
            if (client.required(client.bulk("/" + layout.replayIndex() + "/_bulk", lines.toByteArray()))
                    .path("errors")
                    .asBoolean()) {
                throw new IndexException("OpenSearch at " + client.url()
                        + " does not take the note of what is replayed; nothing was replayed: see its log");
            }
        }
    }

    /** Those of these images that are rejected, with their reasons. */
    public Map<String, String> stillRejected(Collection<Letter> letters) {
        return rejected(letters, Instant.MAX);
    }

    /** Those of these images whose rejection is older than this moment, so that nothing has become of them since. */
    public Map<String, String> unanswered(Collection<Letter> letters, Instant since) {
        return rejected(letters, since);
    }

    private Map<String, String> rejected(Collection<Letter> letters, Instant before) {
        client.required(client.send("POST", "/" + layout.rejectionIndex() + "/_refresh", null));
        var reasons = new HashMap<String, String>();
        List<String> ids = letters.stream().map(letter -> letter.target().id()).toList();
        for (int from = 0; from < ids.size(); from += PAGE) {
            ObjectNode body = JSON.objectNode().put("size", PAGE);
            body.putArray("_source").add(Field.REASON);
            ArrayNode filter = body.putObject("query").putObject("bool").putArray("filter");
            ArrayNode wanted = filter.addObject().putObject("ids").putArray("values");
            if (before.isBefore(Instant.MAX)) {
                filter.addObject().putObject("range").putObject(Field.OBSERVED).put("lt", before.toString());
            }
            ids.subList(from, Math.min(ids.size(), from + PAGE)).forEach(wanted::add);
            client.required(client.send("POST", "/" + layout.rejectionIndex() + "/_search", body))
                    .at("/hits/hits")
                    .forEach(hit -> reasons.put(
                            hit.path("_id").asText(),
                            hit.path("_source").path(Field.REASON).asText()));
        }
        return reasons;
    }

    private void prepare() {
        IndexAnswer answer = client.send("PUT", "/" + layout.replayIndex(), layout.replayIndexBody());
        if (!answer.ok() && !answer.errorType().equals("resource_already_exists_exception")) {
            client.required(answer);
        }
    }

    private static ObjectNode query(Choice choice, @Nullable ArrayNode after) {
        ObjectNode body = JSON.objectNode().put("size", PAGE);
        ArrayNode filter = body.putObject("query").putObject("bool").putArray("filter");
        ArrayNode reasons = filter.addObject().putObject("terms").putArray(Field.REASON);
        choice.effectiveReasons().forEach(reason -> reasons.add(reason.name()));
        if (!choice.stages().isEmpty()) {
            ArrayNode stages = filter.addObject().putObject("terms").putArray(Field.STAGE);
            choice.stages().forEach(stage -> stages.add(stage.name()));
        }
        filter.addObject()
                .putObject("range")
                .putObject(Field.OBSERVED)
                .put("gte", choice.since().toString());
        ArrayNode sort = body.putArray("sort");
        sort.addObject().put(Field.OBSERVED, "asc");
        sort.addObject().put(Field.ID, "asc");
        if (after != null) {
            body.set("search_after", after);
        }
        return body;
    }

    /** How often each hit was sent through again; none where nothing ever was. */
    private Map<String, Integer> replays(JsonNode hits) {
        var counts = new HashMap<String, Integer>();
        if (hits.isEmpty()) {
            return counts;
        }
        ObjectNode body = JSON.objectNode();
        ArrayNode ids = body.putArray("ids");
        hits.forEach(hit -> ids.add(hit.path("_id").asText()));
        IndexAnswer answer = client.send("POST", "/" + layout.replayIndex() + "/_mget", body);
        if (answer.status() != 404) {
            for (JsonNode document : client.required(answer).path("docs")) {
                counts.put(
                        document.path("_id").asText(),
                        document.path("_source").path(REPLAYS).asInt());
            }
        }
        return counts;
    }

    private static Letter letter(JsonNode source, int replays, long now) {
        return new Letter(
                target(source, now),
                Stage.valueOf(source.path(Field.STAGE).asText()),
                Reason.valueOf(source.path(Field.REASON).asText()),
                replays);
    }

    /** The image of a document or of a dead letter, as it was discovered, but at another time (epoch ms). */
    static CrawlTarget target(JsonNode source, long now) {
        return new CrawlTarget(
                source.path(Field.URL).asText(),
                source.path(Field.HOST).asText(),
                source.path(Field.SITE).asText(),
                text(source, Field.PAGE_URL),
                text(source, Field.TITLE),
                text(source, Field.ALT),
                text(source, Field.CAPTION),
                text(source, Field.CREDIT),
                text(source, Field.LICENSE),
                source.has(Field.PUBLISHED)
                        ? Instant.parse(source.path(Field.PUBLISHED).asText()).toEpochMilli()
                        : CrawlTarget.UNKNOWN_TIME,
                now,
                source.path(Field.VIA).asText());
    }

    private static @Nullable String text(JsonNode source, String field) {
        return source.hasNonNull(field) ? source.get(field).asText() : null;
    }
}
