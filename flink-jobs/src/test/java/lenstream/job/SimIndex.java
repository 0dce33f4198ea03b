package lenstream.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.core.index.Field;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.jspecify.annotations.Nullable;

/**
 * An image index in this JVM, with OpenSearch's rule for external versions: a write that is older than what is there changes
 * nothing. Tasks of a mini cluster reach it because they run here. Thread-safe.
 */
final class SimIndex implements Sink<BulkEntry> {
    private static final long serialVersionUID = 1;

    private static final Map<String, Entry> ENTRIES = new ConcurrentHashMap<>();
    private static final AtomicLong WRITES = new AtomicLong();

    private final Set<String> names;

    /** @param url null for one that was deleted */
    private record Entry(long version, @Nullable String url, String sha256) {}

    /** @param names of the index and its aliases; entries of other indices are dropped */
    SimIndex(Set<String> names) {
        this.names = Set.copyOf(names);
    }

    static void clear() {
        ENTRIES.clear();
        WRITES.set(0);
    }

    /** The SHA-256 of each image by URL. */
    static Map<String, String> images() {
        var images = new HashMap<String, String>();
        for (Entry entry : ENTRIES.values()) {
            if (entry.url() != null) {
                images.put(entry.url(), entry.sha256());
            }
        }
        return images;
    }

    /** Documents written so far. */
    static long writes() {
        return WRITES.get();
    }

    @Override
    public SinkWriter<BulkEntry> createWriter(WriterInitContext context) {
        var json = new ObjectMapper();
        return new SinkWriter<>() {
            @Override
            public void write(BulkEntry entry, Context when) throws IOException {
                if (names.contains(entry.index())) {
                    Entry now = read(entry);
                    ENTRIES.merge(
                            entry.id(), now, (before, after) -> after.version() >= before.version() ? after : before);
                }
            }

            private Entry read(BulkEntry entry) throws IOException {
                if (entry.json() == null) {
                    return new Entry(entry.version(), null, "");
                }
                WRITES.incrementAndGet();
                JsonNode document = json.readTree(entry.json());
                return new Entry(
                        entry.version(),
                        document.path(Field.URL).asText(),
                        document.path(Field.SHA256).asText());
            }

            @Override
            public void flush(boolean endOfInput) {}

            @Override
            public void close() {}
        };
    }
}
