package lenstream.connector.duplicates;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.core.index.Field;
import lenstream.core.index.IndexLayout;

/** Bulk entries of groups. */
final class GroupEntries {
    /** Members that a group's document names; the rest is found by the images' own {@code group_id}. */
    private static final int NAMED = 100;

    /**
     * Names a group in the document of an image, of one observation only. Group ids of one observation only ever get smaller,
     * so it does not matter in which order, or how often, these arrive. A document that is not there yet, or is of an
     * earlier observation, makes the update fail, and the sink tries again; a later one has an assignment of its own.
     */
    private static final String SCRIPT = """
            long there = ZonedDateTime.parse(ctx._source.observed).toInstant().toEpochMilli();
            if (there < params.observed) { throw new IllegalStateException('an earlier observation') }
            if (there > params.observed || ctx._source.group_id.compareTo(params.group_id) <= 0) { ctx.op = 'none' }
            else { ctx._source.group_id = params.group_id }
            """.replace('\n', ' ');

    private GroupEntries() {}

    static BulkEntry assign(Groups.Assignment assignment, String imageIndex) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        ObjectNode script = body.putObject("script");
        script.put("lang", "painless").put("source", SCRIPT);
        script.putObject("params").put(Field.OBSERVED, assignment.version()).put(Field.GROUP_ID, assignment.group());
        return BulkEntry.update(imageIndex, assignment.id(), assignment.version(), utf8(body));
    }

    static BulkEntry write(Group group, IndexLayout layout, long version) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put(Field.GROUP_ID, group.id);
        body.put(Field.CANONICAL, group.canonical());
        body.put(Field.GROUP_SIZE, group.size());
        body.put(Field.SEEN_ON, Math.max(1, group.pages.count()));
        body.put(Field.FIRST_SEEN, Instant.ofEpochMilli(group.firstSeenMillis).toString());
        ArrayNode named = body.putArray(Field.MEMBERS);
        group.members.keySet().stream().limit(NAMED).forEach(named::add);
        return BulkEntry.index(layout.groupIndex(), group.id, version, utf8(body), 0);
    }

    private static byte[] utf8(ObjectNode body) {
        return body.toString().getBytes(StandardCharsets.UTF_8);
    }
}
