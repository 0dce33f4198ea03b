package lenstream.core.takedown;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import lenstream.core.command.Command;
import lenstream.core.image.ImageId;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.Quantisation;
import lenstream.core.model.Fingerprint;

/**
 * Removes from the indices what a take-down covers: documents of every embedding space, thumbnails, dead letters and what
 * alerts met. A
 * deletion carries the take-down's time as its version, or the document's own where that is greater, so that a write that
 * is older and arrives later changes nothing. What is removed can be found no more when {@link #of} returns. Thread-safe;
 * blocks; may be repeated.
 */
public final class Removal {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final int PAGE = 1_000;
    /** A page whose documents are written anew while they are deleted is met again; for ever it cannot be. */
    private static final int MOST_PAGES = 100_000;

    private final IndexClient client;
    private final IndexLayout layout;

    public Removal(IndexClient client, IndexLayout layout) {
        this.client = client;
        this.layout = layout;
    }

    /**
     * What was removed. Immutable.
     *
     * @param images documents of images, in every embedding space
     * @param thumbnails copies of the pictures
     * @param deadLetters documents of rejections
     */
    public record Removed(long images, long thumbnails, long deadLetters) {
        public static final Removed NOTHING = new Removed(0, 0, 0);

        public Removed plus(Removed other) {
            return new Removed(images + other.images, thumbnails + other.thumbnails, deadLetters + other.deadLetters);
        }

        public boolean isNothing() {
            return images + thumbnails + deadLetters == 0;
        }
    }

    /**
     * Removes what this take-down covers now.
     *
     * @throws IndexException if the index refuses
     * @throws lenstream.core.index.IndexUnavailableException if it does not answer; what was removed so far stays removed
     */
    public Removed of(Command takedown) {
        float[] vector = takedown.vector();
        String fingerprint = takedown.fingerprint();
        if (vector != null && fingerprint != null) {
            String index = layout.imageIndex(new Fingerprint(fingerprint));
            if (client.send("HEAD", "/" + index, null).status() == 404) {
                return Removed.NOTHING;
            }
            return alike(index, vector, takedown);
        }
        ObjectNode query = query(takedown.subject(), Field.ID);
        remove(layout.matchIndex(), query(takedown.subject(), Field.IMAGE), 0, takedown.issuedAtMillis(), false);
        return remove(allSpaces(), query, 0, takedown.issuedAtMillis(), true)
                .plus(remove(layout.rejectionIndex(), query, 0, takedown.issuedAtMillis(), false));
    }

    /**
     * What looks alike in one space goes from all of them, for while there is a move to another encoder the same images lie in
     * two; and what a backfill has on its way finds a younger deletion.
     */
    private Removed alike(String index, float[] vector, Command takedown) {
        Quantisation kept = IndexSetup.quantisation(client, index);
        ObjectNode query = kept.exact(vector);
        double least = kept.exactScore(takedown.threshold());
        Removed removed = Removed.NOTHING;
        for (int page = 0; page < MOST_PAGES; page++) {
            JsonNode hits = found(index, query, least);
            if (hits.isEmpty()) {
                return removed;
            }
            removed = removed.plus(delete(hits, takedown.issuedAtMillis(), true));
            ObjectNode same = JSON.objectNode();
            ArrayNode ids = same.putObject("ids").putArray("values");
            hits.forEach(hit -> ids.add(hit.path("_id").asText()));
            removed = removed.plus(remove(allSpaces(), same, 0, takedown.issuedAtMillis(), true));
            bury(ids, takedown.issuedAtMillis());
        }
        throw writtenAsFast(index);
    }

    /** Leaves a deletion in every space, also where there is nothing yet. */
    private void bury(ArrayNode ids, long version) {
        var bulk = new ByteArrayOutputStream();
        send("GET", "/_cat/indices/" + allSpaces() + "?format=json&h=index", null)
                .forEach(row -> ids.forEach(
                        id -> bulk.writeBytes(action(row.path("index").asText(), id.asText(), version))));
        client.required(client.bulk("/_bulk", bulk.toByteArray())); // an item that is newer was found above
    }

    private String allSpaces() {
        return layout.prefix() + "-images-*";
    }

    /** What names a URL, what lies below a prefix, or a host's own. */
    private static ObjectNode query(String subject, String idField) {
        ObjectNode query = JSON.objectNode();
        if (!subject.contains("://")) {
            query.putObject("term").put(Field.HOST, subject);
        } else if (subject.endsWith("/*")) {
            query.putObject("prefix").put(Field.URL, subject.substring(0, subject.length() - 1));
        } else {
            query.putObject("term").put(idField, ImageId.ofUrl(subject));
        }
        return query;
    }

    private Removed remove(String index, ObjectNode query, double minScore, long version, boolean images) {
        Removed removed = Removed.NOTHING;
        for (int page = 0; page < MOST_PAGES; page++) {
            JsonNode hits = found(index, query, minScore);
            if (hits.isEmpty()) {
                return removed;
            }
            removed = removed.plus(delete(hits, version, images));
        }
        throw writtenAsFast(index);
    }

    /** A page of what a query finds at this moment. */
    private JsonNode found(String index, ObjectNode query, double minScore) {
        send("POST", "/" + index + "/_refresh?allow_no_indices=true&ignore_unavailable=true", null);
        ObjectNode search =
                JSON.objectNode().put("size", PAGE).put("version", true).put("_source", false);
        if (minScore > 0) {
            search.put("min_score", minScore);
        }
        search.set("query", query);
        return send(
                        "POST",
                        "/" + index + "/_search?allow_no_indices=true&ignore_unavailable=true&preference=_primary",
                        search)
                .at("/hits/hits");
    }

    private static IndexException writtenAsFast(String index) {
        return new IndexException("what is taken down is written anew as fast as it is removed from " + index);
    }

    private Removed delete(JsonNode hits, long version, boolean images) {
        if (images) {
            forgetMatches(hits);
        }
        var bulk = new ByteArrayOutputStream();
        for (JsonNode hit : hits) {
            long own = Math.max(version, hit.path("_version").asLong());
            bulk.writeBytes(action(hit.path("_index").asText(), hit.path("_id").asText(), own));
            if (images) {
                bulk.writeBytes(action(layout.thumbnailIndex(), hit.path("_id").asText(), own));
            }
        }
        IndexAnswer answer = client.bulk("/_bulk?refresh=true", bulk.toByteArray());
        long documents = 0;
        long thumbnails = 0;
        for (JsonNode item : client.required(answer).path("items")) {
            JsonNode result = item.path("delete");
            int status = result.path("status").asInt();
            if (status == 200) {
                boolean thumbnail = result.path("_index").asText().equals(layout.thumbnailIndex());
                documents += thumbnail ? 0 : 1;
                thumbnails += thumbnail ? 1 : 0;
            } else if (status != 404 && status != 409) { // gone already; or newer, and met again on the next page
                throw new IndexException("OpenSearch at " + client.url() + " does not remove "
                        + result.path("_id").asText() + ": " + result.path("error"));
            }
        }
        return images ? new Removed(documents, thumbnails, 0) : new Removed(0, 0, documents);
    }

    /** What the alerts met in these images, whatever named them: a likeness leaves no other trace in a match. */
    private void forgetMatches(JsonNode hits) {
        ObjectNode body = JSON.objectNode();
        ArrayNode ids = body.putObject("query").putObject("terms").putArray(Field.IMAGE);
        hits.forEach(hit -> ids.add(hit.path("_id").asText()));
        send(
                "POST",
                "/" + layout.matchIndex()
                        + "/_delete_by_query?conflicts=proceed&refresh=true&allow_no_indices=true&ignore_unavailable=true",
                body);
    }

    private static byte[] action(String index, String id, long version) {
        ObjectNode action = JSON.objectNode();
        action.putObject("delete")
                .put("_index", index)
                .put("_id", id)
                .put("version", version)
                .put("version_type", "external_gte");
        return (action + "\n").getBytes(UTF_8);
    }

    private JsonNode send(String method, String path, @org.jspecify.annotations.Nullable JsonNode body) {
        return client.required(client.send(method, path, body));
    }
}
