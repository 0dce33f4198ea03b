package lenstream.job.reembed;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexScan;
import lenstream.core.index.MultiGet;

/**
 * What the new index lacks of the old one, and what it has too much, by one merge of both in the order of their ids.
 *
 * @param documents in the old index
 * @param missing of these, absent from the new one or there of an earlier observation
 * @param examples URLs of some that are missing
 * @param extra ids that the new one alone holds, with their versions; at most {@value #MOST_EXTRA}
 */
record SpaceDiff(long documents, long missing, List<String> examples, List<IndexScan.Row> extra) {
    private static final int MOST_EXTRA = 10_000;
    private static final int EXAMPLES = 5;
    private static final int PAGE = 5_000;

    static SpaceDiff of(IndexClient client, String from, String to) {
        refresh(client, from, to);
        long documents = 0;
        long missing = 0;
        var examples = new ArrayList<String>();
        var extra = new ArrayList<IndexScan.Row>();
        try (var old = new IndexScan(client, from, List.of(Field.URL, Field.OBSERVED), null, PAGE);
                var now = new IndexScan(client, to, List.of(Field.OBSERVED), null, PAGE)) {
            IndexScan.Row there = now.hasNext() ? now.next() : null;
            while (old.hasNext()) {
                IndexScan.Row row = old.next();
                documents++;
                while (there != null && there.id().compareTo(row.id()) < 0) {
                    note(extra, there);
                    there = now.hasNext() ? now.next() : null;
                }
                boolean same = there != null && there.id().equals(row.id());
                if (!same || there == null || observed(there).isBefore(observed(row))) {
                    missing++;
                    if (examples.size() < EXAMPLES) {
                        examples.add(row.source().path(Field.URL).asText());
                    }
                }
                if (same) {
                    there = now.hasNext() ? now.next() : null;
                }
            }
            while (there != null) {
                note(extra, there);
                there = now.hasNext() ? now.next() : null;
            }
        }
        return new SpaceDiff(documents, missing, examples, extra);
    }

    /** Not the version: an update of a document, such as of its group, adds to it. */
    private static Instant observed(IndexScan.Row row) {
        return Instant.parse(row.source().path(Field.OBSERVED).asText());
    }

    private static void note(List<IndexScan.Row> extra, IndexScan.Row row) {
        if (extra.size() < MOST_EXTRA) {
            extra.add(row);
        }
    }

    /**
     * Removes from the new index what the old one no longer holds. Asked anew by id, so that what is merely not refreshed
     * yet stays; and with the version that was seen, so that a later observation stays too.
     */
    static long removeExtra(
            IndexClient client, String from, String to, List<IndexScan.Row> extra, Consumer<String> progress) {
        long removed = 0;
        for (int start = 0; start < extra.size(); start += 500) {
            List<IndexScan.Row> part = extra.subList(start, Math.min(extra.size(), start + 500));
            Map<String, MultiGet.Found> still = MultiGet.of(
                    client, from, part.stream().map(IndexScan.Row::id).toList(), List.of(Field.SHA256));
            for (IndexScan.Row row : part) {
                if (!still.containsKey(row.id())) {
                    IndexAnswer answer = client.send(
                            "DELETE",
                            "/" + to + "/_doc/" + row.id() + "?version_type=external_gte&version=" + row.version(),
                            null);
                    if (!answer.ok() && answer.status() != 404 && answer.status() != 409) {
                        throw new IndexException("OpenSearch at " + client.url() + " does not remove " + row.id()
                                + " from " + to + " (" + answer.status() + "): " + answer.text());
                    }
                    removed++;
                }
            }
        }
        if (removed > 0) {
            progress.accept("removed " + removed + " that the old index no longer holds");
        }
        return removed;
    }

    private static void refresh(IndexClient client, String from, String to) {
        client.required(client.send("POST", "/" + from + "," + to + "/_refresh", null));
    }
}
