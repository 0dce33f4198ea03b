package lenstream.connector.opensearch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;

/**
 * Sends entries as bulk requests and says what became of each. A request that is refused as a whole because it is too
 * large or malformed is halved until the item at fault stands alone. Thread-safe; does not own its client.
 */
final class BulkSender {
    /** Only what {@link BulkOutcome} reads comes back. */
    private static final String PATH =
            "/_bulk?filter_path=items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason";

    private final IndexClient client;

    BulkSender(IndexClient client) {
        this.client = client;
    }

    /** One outcome an entry, in order. The future does not fail: no answer is an outcome too. */
    CompletableFuture<List<BulkOutcome>> send(List<BulkEntry> entries) {
        return client.sendAsync("POST", PATH, body(entries), "application/x-ndjson")
                .handle((answer, failure) -> failure == null
                        ? outcomes(entries, answer)
                        : all(entries, new BulkOutcome.Retry(0, String.valueOf(failure.getMessage()), true)))
                .thenCompose(outcomes -> outcomes);
    }

    private CompletableFuture<List<BulkOutcome>> outcomes(List<BulkEntry> entries, IndexAnswer answer) {
        if (answer.ok()) {
            JsonNode items = items(answer);
            if (items.size() != entries.size()) { // not OpenSearch's own answer: some proxy's, or cut short
                String reason = "a bulk request of " + entries.size() + " items was answered with " + items.size();
                return all(entries, new BulkOutcome.Retry(answer.status(), reason, true));
            }
            return CompletableFuture.completedFuture(StreamSupport.stream(items.spliterator(), false)
                    .map(BulkOutcome::ofItem)
                    .toList());
        }
        boolean divisible = answer.status() == 400 || answer.status() == 413;
        if (divisible && entries.size() > 1) {
            int middle = entries.size() / 2;
            return send(entries.subList(0, middle))
                    .thenCompose(first -> send(entries.subList(middle, entries.size()))
                            .thenApply(second -> Stream.concat(first.stream(), second.stream())
                                    .toList()));
        }
        if (answer.status() >= 500) { // a gateway's fault says nothing about the items
            return all(entries, new BulkOutcome.Retry(answer.status(), "bulk request refused", true));
        }
        return all(entries, BulkOutcome.of(answer.status(), "bulk request refused", answer.text()));
    }

    private static JsonNode items(IndexAnswer answer) {
        try {
            return answer.json().path("items");
        } catch (IndexException unreadable) {
            return MissingNode.getInstance();
        }
    }

    private static CompletableFuture<List<BulkOutcome>> all(List<BulkEntry> entries, BulkOutcome outcome) {
        return CompletableFuture.completedFuture(new ArrayList<>(Collections.nCopies(entries.size(), outcome)));
    }

    private static byte[] body(List<BulkEntry> entries) {
        long size = entries.stream().mapToLong(BulkEntry::bulkBytes).sum();
        var body = new ByteArrayOutputStream(Math.toIntExact(size));
        for (BulkEntry entry : entries) {
            body.writeBytes(entry.action());
            byte[] json = entry.json();
            if (json != null) {
                body.writeBytes(json);
                body.write('\n');
            }
        }
        return body.toByteArray();
    }
}
