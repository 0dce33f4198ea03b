package lenstream.connector.fetch;

import java.io.IOException;
import java.time.Duration;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * The known URLs of the current key's host in the order in which they are due, in keyed state. Each ring is a line whose
 * entries all wait equally long: the first to come is the first to be due. So filing a URL and taking the one that is due
 * cost one row each, however many there are; nothing is sorted, scanned or kept in the heap, and a host needs one timer.
 * Ring 0 does not wait: it holds what a full queue cannot. Ring {@code n} waits 2<sup>n-1</sup> seconds.
 *
 * <p>Who works on a host holds its {@link Ends} and saves them before a checkpoint. Confined to the task thread.
 */
final class RevisitWheel {
    static final int RINGS = 26;
    /** The delay of the last ring, some 194 days. */
    static final Duration LONGEST = Duration.ofSeconds(1L << RINGS - 2);

    private static final int RING_SHIFT = 56;

    private final ValueState<Ends> ends;
    private final MapState<Long, Slot> slots;

    RevisitWheel(KeyedStateStore store) {
        ends = store.getState(new ValueStateDescriptor<>("revisit-ends", EndsSerializer.INSTANCE));
        slots = store.getMapState(
                new MapStateDescriptor<>("revisits", LongSerializer.INSTANCE, SlotSerializer.INSTANCE));
    }

    static long delayMillis(int ring) {
        return ring == 0 ? 0 : 1_000L << ring - 1;
    }

    /** The first ring that waits at least this long, not ring 0; the last one if none does. */
    static int ringOf(Duration delay) {
        return ringOf(delay.toMillis());
    }

    static int ringOf(long delayMillis) {
        int ring = 1;
        while (ring < RINGS - 1 && delayMillis(ring) < delayMillis) {
            ring++;
        }
        return ring;
    }

    /** Those of the current host; the caller's own. */
    Ends ends() throws Exception {
        Ends value = ends.value();
        return value == null ? new Ends() : value.copy();
    }

    void save(Ends now) throws Exception {
        if (now.isChanged) {
            ends.update(now.copy());
            now.isChanged = false;
        }
    }

    /** Puts a URL at the end of a ring; says when it will be given out, epoch ms. */
    long file(Ends now, int ring, String id, long nowMillis) throws Exception {
        long due = nowMillis + delayMillis(ring);
        if (now.isEmpty(ring)) {
            now.due[ring] = due;
        }
        slots.put(key(ring, now.tail[ring]), new Slot(id, due));
        now.tail[ring]++;
        now.isChanged = true;
        return due;
    }

    /** Takes the URL that has been due for longest; null if none is due. */
    @Nullable
    Due take(Ends now, long nowMillis) throws Exception {
        int ring = now.first();
        if (ring < 0 || now.due[ring] > nowMillis) {
            return null;
        }
        long key = key(ring, now.head[ring]);
        Slot slot = slots.get(key);
        slots.remove(key);
        now.isChanged = true;
        now.head[ring]++;
        if (now.isEmpty(ring)) {
            now.head[ring] = 0;
            now.tail[ring] = 0;
        } else {
            Slot following = slots.get(key(ring, now.head[ring]));
            now.due[ring] = following == null ? nowMillis : following.dueAtMillis();
        }
        return slot == null ? null : new Due(slot.id(), slot.dueAtMillis(), ring == 0);
    }

    private static long key(int ring, long number) {
        return (long) ring << RING_SHIFT | number;
    }

    /**
     * A URL that was taken from the wheel.
     *
     * @param dueAtMillis since when it was due, epoch ms
     * @param overflow whether it came from ring 0
     */
    record Due(String id, long dueAtMillis, boolean overflow) {}

    /**
     * A URL on the wheel.
     *
     * @param dueAtMillis when it is given out, epoch ms
     */
    record Slot(String id, long dueAtMillis) {}

    /** Where the rings of one host begin and end, and when the first of each is due. Confined to one thread. */
    static final class Ends {
        private final long[] head = new long[RINGS];
        private final long[] tail = new long[RINGS];
        private final long[] due = new long[RINGS];
        /** When the host's timer goes off; {@link Long#MAX_VALUE} if it has none. */
        private long timerAtMillis = Long.MAX_VALUE;
        /** Since it was read or saved. */
        private boolean isChanged;

        private boolean isEmpty(int ring) {
            return head[ring] == tail[ring];
        }

        private int first() {
            int first = -1;
            for (int ring = 0; ring < RINGS; ring++) {
                if (!isEmpty(ring) && (first < 0 || due[ring] < due[first])) {
                    first = ring;
                }
            }
            return first;
        }

        /** When the first URL is due, epoch ms; {@link Long#MAX_VALUE} if there is none. */
        long firstDueMillis() {
            int first = first();
            return first < 0 ? Long.MAX_VALUE : due[first];
        }

        private Ends copy() {
            var copy = new Ends();
            System.arraycopy(head, 0, copy.head, 0, RINGS);
            System.arraycopy(tail, 0, copy.tail, 0, RINGS);
            System.arraycopy(due, 0, copy.due, 0, RINGS);
            copy.timerAtMillis = timerAtMillis;
            return copy;
        }

        /** The rings that hold something, in few words. */
        long[] packed() {
            int held = 0;
            int words = 2;
            for (int ring = 0; ring < RINGS; ring++) {
                if (!isEmpty(ring)) {
                    held |= 1 << ring;
                    words += 3;
                }
            }
            var packed = new long[words];
            packed[0] = timerAtMillis;
            packed[1] = held;
            int at = 2;
            for (int ring = 0; ring < RINGS; ring++) {
                if (!isEmpty(ring)) {
                    packed[at++] = head[ring];
                    packed[at++] = tail[ring];
                    packed[at++] = due[ring];
                }
            }
            return packed;
        }

        static Ends unpacked(long[] packed) {
            var ends = new Ends();
            ends.timerAtMillis = packed[0];
            int at = 2;
            for (int ring = 0; ring < RINGS; ring++) {
                if ((packed[1] & 1L << ring) != 0) {
                    ends.head[ring] = packed[at++];
                    ends.tail[ring] = packed[at++];
                    ends.due[ring] = packed[at++];
                }
            }
            return ends;
        }

        /** URLs on the wheel, those included that were put on it again since. */
        long size() {
            long size = 0;
            for (int ring = 0; ring < RINGS; ring++) {
                size += tail[ring] - head[ring];
            }
            return size;
        }

        long timerAtMillis() {
            return timerAtMillis;
        }

        void timerAt(long millis) {
            isChanged |= timerAtMillis != millis;
            timerAtMillis = millis;
        }
    }

    /** The rings that hold something. */
    static final class EndsSerializer extends StateSerializer<Ends> {
        static final EndsSerializer INSTANCE = new EndsSerializer();
        private static final long serialVersionUID = 1;

        /** Flink's note of the serializer in a savepoint. */
        public static final class Snapshot extends SimpleTypeSerializerSnapshot<Ends> {
            public Snapshot() {
                super(() -> INSTANCE);
            }
        }

        @Override
        int version() {
            return 1;
        }

        @Override
        void write(Ends ends, DataOutputView out) throws IOException {
            long[] packed = ends.packed();
            out.writeLong(packed[0]);
            out.writeInt((int) packed[1]);
            for (int i = 2; i < packed.length; i++) {
                out.writeLong(packed[i]);
            }
        }

        @Override
        Ends read(int version, DataInputView in) throws IOException {
            long timer = in.readLong();
            int held = in.readInt();
            var packed = new long[2 + 3 * Integer.bitCount(held)];
            packed[0] = timer;
            packed[1] = held;
            for (int i = 2; i < packed.length; i++) {
                packed[i] = in.readLong();
            }
            return Ends.unpacked(packed);
        }

        @Override
        public TypeSerializerSnapshot<Ends> snapshotConfiguration() {
            return new Snapshot();
        }
    }

    /** Slots as bytes. */
    static final class SlotSerializer extends StateSerializer<Slot> {
        static final SlotSerializer INSTANCE = new SlotSerializer();
        private static final long serialVersionUID = 1;

        /** Flink's note of the serializer in a savepoint. */
        public static final class Snapshot extends SimpleTypeSerializerSnapshot<Slot> {
            public Snapshot() {
                super(() -> INSTANCE);
            }
        }

        @Override
        int version() {
            return 1;
        }

        @Override
        void write(Slot slot, DataOutputView out) throws IOException {
            ImageIdSerializer.INSTANCE.serialize(slot.id(), out);
            out.writeLong(slot.dueAtMillis());
        }

        @Override
        Slot read(int version, DataInputView in) throws IOException {
            return new Slot(ImageIdSerializer.INSTANCE.deserialize(in), in.readLong());
        }

        @Override
        public TypeSerializerSnapshot<Slot> snapshotConfiguration() {
            return new Snapshot();
        }
    }
}
