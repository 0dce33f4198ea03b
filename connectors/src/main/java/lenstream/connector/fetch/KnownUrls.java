package lenstream.connector.fetch;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the URLs of the current key's host, in keyed state: a row a URL. The row of a URL that waits changes
 * several times within a visit, so it stays in the heap until the visit is over or a checkpoint comes: then a visit costs
 * one read and one write, however many URLs are known. At most {@link #MOST_HELD} rows are held; more go to the state at
 * once. Confined to the task thread.
 */
final class KnownUrls {
    /** Some 8 MB. */
    static final int MOST_HELD = 8_192;

    static final MapStateDescriptor<String, KnownUrl> ROWS =
            new MapStateDescriptor<>("known-urls", ImageIdSerializer.INSTANCE, KnownUrlSerializer.INSTANCE);

    private final MapState<String, KnownUrl> rows;
    private final Consumer<String> keys;
    /** By id, whatever their host: an id is of one host. */
    private final Map<String, KnownUrl> held = new HashMap<>();

    /** @param keys makes a host the current key */
    KnownUrls(KeyedStateStore store, Consumer<String> keys) {
        rows = store.getMapState(ROWS);
        this.keys = keys;
    }

    @Nullable
    KnownUrl get(String id) throws Exception {
        KnownUrl url = held.get(id);
        return url == null ? rows.get(id) : url;
    }

    void put(String id, KnownUrl url) throws Exception {
        if (url.isQueued() && held.size() < MOST_HELD) {
            held.put(id, url.withoutMark()); // as it would come back from the state
        } else {
            held.remove(id);
            rows.put(id, url);
        }
    }

    void remove(String id) throws Exception {
        held.remove(id);
        rows.remove(id);
    }

    /** Before a checkpoint: the state holds everything then. Changes the current key. */
    void save() throws Exception {
        for (Map.Entry<String, KnownUrl> row : held.entrySet()) {
            keys.accept(row.getValue().target().host());
            rows.put(row.getKey(), row.getValue());
        }
        held.clear();
    }
}
