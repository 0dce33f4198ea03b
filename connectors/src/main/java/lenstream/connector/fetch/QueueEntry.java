package lenstream.connector.fetch;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * A URL's place in its host's queue. Immutable.
 *
 * @param id of the URL
 * @param attempts that failed so far
 * @param notBeforeMillis earliest next attempt, epoch ms
 * @param askedAtMillis when the visit was asked for, epoch ms: by discovery, or by the URL's own schedule
 * @param revisit whether the schedule asked for it
 */
record QueueEntry(String id, int attempts, long notBeforeMillis, long askedAtMillis, boolean revisit) {

    QueueEntry again(int failed, long notBefore) {
        return new QueueEntry(id, failed, notBefore, askedAtMillis, revisit);
    }

    /** Entries as bytes. */
    static final class Serializer extends StateSerializer<QueueEntry> {
        static final Serializer INSTANCE = new Serializer();
        private static final long serialVersionUID = 1;

        /** Flink's note of the serializer in a savepoint. */
        public static final class Snapshot extends SimpleTypeSerializerSnapshot<QueueEntry> {
            public Snapshot() {
                super(() -> INSTANCE);
            }
        }

        @Override
        int version() {
            return 1;
        }

        @Override
        void write(QueueEntry entry, DataOutputView out) throws IOException {
            ImageIdSerializer.INSTANCE.serialize(entry.id(), out);
            out.writeInt(entry.attempts());
            out.writeLong(entry.notBeforeMillis());
            out.writeLong(entry.askedAtMillis());
            out.writeBoolean(entry.revisit());
        }

        @Override
        QueueEntry read(int version, DataInputView in) throws IOException {
            return new QueueEntry(
                    ImageIdSerializer.INSTANCE.deserialize(in),
                    in.readInt(),
                    in.readLong(),
                    in.readLong(),
                    in.readBoolean());
        }

        @Override
        public TypeSerializerSnapshot<QueueEntry> snapshotConfiguration() {
            return new Snapshot();
        }
    }
}
