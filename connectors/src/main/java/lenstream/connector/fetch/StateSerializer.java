package lenstream.connector.fetch;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Immutable values of keyed state as bytes: a version, then the fields. Each value names its own version, so a new
 * version of a serializer reads the old values of a savepoint without a migration; every version ever written stays
 * readable, and golden bytes hold that. Null is no value.
 */
abstract class StateSerializer<T> extends TypeSerializerSingleton<T> {
    private static final long serialVersionUID = 1;

    /** Writes the fields in the newest version. */
    abstract void write(T value, DataOutputView out) throws IOException;

    /** Reads the fields as that version wrote them. */
    abstract T read(int version, DataInputView in) throws IOException;

    /** The newest version, from 1 to 255. */
    abstract int version();

    @Override
    public final void serialize(T value, DataOutputView out) throws IOException {
        out.writeByte(version());
        write(value, out);
    }

    @Override
    public final T deserialize(DataInputView in) throws IOException {
        int version = in.readUnsignedByte();
        if (version < 1 || version > version()) {
            throw new IOException(getClass().getSimpleName() + ": a value of version " + version
                    + ", this program reads versions 1 to " + version());
        }
        return read(version, in);
    }

    @Override
    public final T deserialize(T reuse, DataInputView in) throws IOException {
        return deserialize(in);
    }

    @Override
    public final void copy(DataInputView in, DataOutputView out) throws IOException {
        serialize(deserialize(in), out);
    }

    @Override
    public final T copy(T value) {
        return value;
    }

    @Override
    public final T copy(T value, T reuse) {
        return value;
    }

    @Override
    public final boolean isImmutableType() {
        return true;
    }

    @Override
    public final int getLength() {
        return -1;
    }

    @Override
    public final T createInstance() {
        throw new UnsupportedOperationException("values are immutable, nothing is made to be filled");
    }
}
