package lenstream.connector.fetch;

import java.io.IOException;
import lenstream.core.image.Reason;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;

/**
 * What a host has to be remembered for over a restart: that it wants more time than usual between two requests, or that
 * it failed. Immutable.
 *
 * @param delayMillis between two requests
 * @param blockedUntilMillis until when it is left alone after failures, epoch ms; 0 if it is not
 * @param failures in a row
 * @param lastFailure the reason of the last one
 */
record HostPace(long delayMillis, long blockedUntilMillis, int failures, Reason lastFailure) {

    /** Paces as bytes. */
    static final class Serializer extends StateSerializer<HostPace> {
        static final Serializer INSTANCE = new Serializer();
        private static final long serialVersionUID = 1;

        /** Flink's note of the serializer in a savepoint. */
        public static final class Snapshot extends SimpleTypeSerializerSnapshot<HostPace> {
            public Snapshot() {
                super(() -> INSTANCE);
            }
        }

        @Override
        int version() {
            return 1;
        }

        @Override
        void write(HostPace pace, DataOutputView out) throws IOException {
            out.writeLong(pace.delayMillis());
            out.writeLong(pace.blockedUntilMillis());
            out.writeInt(pace.failures());
            StringValue.writeString(pace.lastFailure().name(), out);
        }

        @Override
        HostPace read(int version, DataInputView in) throws IOException {
            return new HostPace(in.readLong(), in.readLong(), in.readInt(), Reason.valueOf(StringValue.readString(in)));
        }

        @Override
        public TypeSerializerSnapshot<HostPace> snapshotConfiguration() {
            return new Snapshot();
        }
    }
}
