package lenstream.connector.fetch;

import java.io.IOException;
import java.util.HexFormat;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Document ids, which are 32 hex digits, as 16 bytes: they are the keys of everything that is known of URLs. */
final class ImageIdSerializer extends TypeSerializerSingleton<String> {
    static final ImageIdSerializer INSTANCE = new ImageIdSerializer();
    private static final long serialVersionUID = 1;
    private static final int BYTES = 16;

    /** Flink's note of the serializer in a savepoint. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<String> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }

    @Override
    public void serialize(String id, DataOutputView out) throws IOException {
        if (id.length() != 2 * BYTES) {
            throw new IOException("\"" + id + "\" is no id of an image");
        }
        out.writeLong(HexFormat.fromHexDigitsToLong(id, 0, BYTES));
        out.writeLong(HexFormat.fromHexDigitsToLong(id, BYTES, 2 * BYTES));
    }

    @Override
    public String deserialize(DataInputView in) throws IOException {
        HexFormat hex = HexFormat.of();
        return hex.toHexDigits(in.readLong()).concat(hex.toHexDigits(in.readLong()));
    }

    @Override
    public String deserialize(String reuse, DataInputView in) throws IOException {
        return deserialize(in);
    }

    @Override
    public void copy(DataInputView in, DataOutputView out) throws IOException {
        out.write(in, BYTES);
    }

    @Override
    public String copy(String id) {
        return id;
    }

    @Override
    public String copy(String id, String reuse) {
        return id;
    }

    @Override
    public boolean isImmutableType() {
        return true;
    }

    @Override
    public int getLength() {
        return BYTES;
    }

    @Override
    public String createInstance() {
        return "0".repeat(2 * BYTES);
    }

    @Override
    public TypeSerializerSnapshot<String> snapshotConfiguration() {
        return new Snapshot();
    }
}
