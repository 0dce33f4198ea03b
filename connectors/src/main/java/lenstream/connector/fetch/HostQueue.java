package lenstream.connector.fetch;

import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.jspecify.annotations.Nullable;

/**
 * The queue of the current key's host, in keyed state: an entry a row, so that a long queue stays on disk. An entry
 * leaves it only with {@link #remove} or {@link #postpone}. Confined to the task thread.
 */
final class HostQueue {
    static final ValueStateDescriptor<QueueEnds> ENDS =
            new ValueStateDescriptor<>("queue-ends", TypeInformation.of(QueueEnds.class));

    private final ValueState<QueueEnds> ends;
    private final MapState<Long, PendingVisit> entries;
    private final MapState<String, Long> numbers;

    HostQueue(KeyedStateStore store) {
        ends = store.getState(ENDS);
        entries = store.getMapState(
                new MapStateDescriptor<>("queue", Types.LONG, TypeInformation.of(PendingVisit.class)));
        numbers = store.getMapState(new MapStateDescriptor<>("queued", Types.STRING, Types.LONG));
    }

    QueueEnds ends() throws Exception {
        QueueEnds value = ends.value();
        return value == null ? QueueEnds.EMPTY : value;
    }

    /** Adds a target unless its URL is waiting already; says whether it did. */
    boolean add(PendingVisit visit) throws Exception {
        String id = visit.target().id();
        if (numbers.contains(id)) {
            return false;
        }
        QueueEnds now = ends();
        append(id, visit, now);
        return true;
    }

    /** The entry of this number; null if it is gone. */
    @Nullable
    PendingVisit get(long number) throws Exception {
        return entries.get(number);
    }

    void remove(long number, String id) throws Exception {
        entries.remove(number);
        numbers.remove(id);
        QueueEnds now = ends();
        if (now.size() <= 1) {
            ends.clear();
            return;
        }
        long head = now.head();
        if (number == head) {
            do {
                head++;
            } while (head < now.tail() && !entries.contains(head));
        }
        ends.update(new QueueEnds(head, now.tail(), now.size() - 1));
    }

    /** Moves an entry to the end of the queue. */
    void postpone(long number, PendingVisit visit) throws Exception {
        String id = visit.target().id();
        QueueEnds now = ends();
        append(id, visit, now);
        entries.remove(number);
        QueueEnds grown = ends();
        long head = grown.head();
        while (head < grown.tail() && !entries.contains(head)) {
            head++;
        }
        ends.update(new QueueEnds(head, grown.tail(), grown.size() - 1));
    }

    private void append(String id, PendingVisit visit, QueueEnds now) throws Exception {
        entries.put(now.tail(), visit);
        numbers.put(id, now.tail());
        ends.update(new QueueEnds(now.head(), now.tail() + 1, now.size() + 1));
    }
}
