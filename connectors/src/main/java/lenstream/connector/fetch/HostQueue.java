package lenstream.connector.fetch;

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
 * a host holds the queue's ends and saves them before a checkpoint. Confined to the task thread.
 */
final class HostQueue {
    static final ValueStateDescriptor<QueueEnds> ENDS =
            new ValueStateDescriptor<>("visit-queue-ends", TypeInformation.of(QueueEnds.class));

    private final ValueState<QueueEnds> ends;
    private final MapState<Long, QueueEntry> entries;

    HostQueue(KeyedStateStore store) {
        ends = store.getState(ENDS);
        entries = store.getMapState(
                new MapStateDescriptor<>("visit-queue", LongSerializer.INSTANCE, QueueEntry.Serializer.INSTANCE));
    }

    QueueEnds ends() throws Exception {
        QueueEnds value = ends.value();
        return value == null ? QueueEnds.EMPTY : value;
    }

    void save(QueueEnds now) throws Exception {
        if (now.size() == 0) {
            ends.clear();
        } else {
            ends.update(now);
        }
    }

    /** The entry of this number; null if it is gone. */
    @Nullable
    QueueEntry get(long number) throws Exception {
        return entries.get(number);
    }

    void put(long number, QueueEntry entry) throws Exception {
        entries.put(number, entry);
    }

    void remove(long number) throws Exception {
        entries.remove(number);
    }
}
