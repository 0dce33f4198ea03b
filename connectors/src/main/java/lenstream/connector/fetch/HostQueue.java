package lenstream.connector.fetch;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.jspecify.annotations.Nullable;

/**
 * The queue of the current key's host, in keyed state: an entry a row, so that a long queue stays on disk. Who works on
 * a host holds the queue's ends and the entries that came last, and saves them before a checkpoint: most entries come and
 * go between two of them, and never cost a row. Of all hosts together at most {@link KnownUrls#MOST_HELD} entries are
 * held; more go to the state at once. Confined to the task thread.
 */
final class HostQueue {
    static final ValueStateDescriptor<QueueEnds> ENDS =
            new ValueStateDescriptor<>("visit-queue-ends", TypeInformation.of(QueueEnds.class));

    private final ValueState<QueueEnds> ends;
    private final MapState<Long, QueueEntry> entries;
    private int held;

    HostQueue(KeyedStateStore store) {
        ends = store.getState(ENDS);
        entries = store.getMapState(
                new MapStateDescriptor<>("visit-queue", LongSerializer.INSTANCE, QueueEntry.Serializer.INSTANCE));
    }

    QueueEnds ends() throws Exception {
        QueueEnds value = ends.value();
        return value == null ? QueueEnds.EMPTY : value;
    }

    /** From here on the state holds it all. */
    void save(QueueEnds now, Held line) throws Exception {
        if (now.size() == 0) {
            ends.clear();
        } else {
            ends.update(now);
        }
        for (Map.Entry<Long, QueueEntry> entry : line.entries.entrySet()) {
            entries.put(entry.getKey(), entry.getValue());
        }
        held -= line.entries.size();
        line.entries.clear();
    }

    /** The entry of this number; null if it is gone. */
    @Nullable
    QueueEntry get(Held line, long number) throws Exception {
        QueueEntry entry = line.entries.get(number);
        return entry == null ? entries.get(number) : entry;
    }

    void put(Held line, long number, QueueEntry entry) throws Exception {
        if (held < KnownUrls.MOST_HELD) {
            line.entries.put(number, entry);
            held++;
        } else {
            entries.put(number, entry);
        }
    }

    void remove(Held line, long number) throws Exception {
        if (line.entries.remove(number) == null) {
            entries.remove(number);
        } else {
            held--;
        }
    }

    /** The entries of one host that the state does not hold. */
    static final class Held {
        private final Map<Long, QueueEntry> entries = new HashMap<>(4);
    }
}
