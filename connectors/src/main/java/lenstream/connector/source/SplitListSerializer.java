package lenstream.connector.source;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * Lists of splits as bytes: the splits' own version, their number, then each with its length. Thread-safe.
 *
 * @param <S> the split
 */
public final class SplitListSerializer<S> implements SimpleVersionedSerializer<List<S>> {
    private static final int VERSION = 2;

    private final SimpleVersionedSerializer<S> splits;
    private final VersionOne<S> versionOne;

    /**
     * Reads what was written before all sources wrote the same form.
     *
     * @param <S> the split
     */
    public interface VersionOne<S> {
        List<S> read(byte[] serialized) throws IOException;
    }

    private SplitListSerializer(SimpleVersionedSerializer<S> splits, VersionOne<S> versionOne) {
        this.splits = splits;
        this.versionOne = versionOne;
    }

    /** Of a source whose first version had this form, or that never had another. */
    public static <S> SplitListSerializer<S> of(SimpleVersionedSerializer<S> splits) {
        return new SplitListSerializer<>(splits, serialized -> read(splits, serialized));
    }

    /** Of a source whose first version had its own form. */
    public static <S> SplitListSerializer<S> of(SimpleVersionedSerializer<S> splits, VersionOne<S> versionOne) {
        return new SplitListSerializer<>(splits, versionOne);
    }

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(List<S> list) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            out.writeInt(splits.getVersion());
            out.writeInt(list.size());
            for (S split : list) {
                byte[] serialized = splits.serialize(split);
                out.writeInt(serialized.length);
                out.write(serialized);
            }
        }
        return bytes.toByteArray();
    }

    @Override
    public List<S> deserialize(int version, byte[] serialized) throws IOException {
        return switch (version) {
            case 1 -> versionOne.read(serialized);
            case VERSION -> read(splits, serialized);
            default ->
                throw new IOException("splits of version " + version + ", this program reads versions 1 to " + VERSION);
        };
    }

    private static <S> List<S> read(SimpleVersionedSerializer<S> splits, byte[] serialized) throws IOException {
        try (var in = new DataInputStream(new ByteArrayInputStream(serialized))) {
            int version = in.readInt();
            int size = in.readInt();
            var list = new ArrayList<S>();
            for (int i = 0; i < size; i++) {
                list.add(splits.deserialize(version, in.readNBytes(in.readInt())));
            }
            return list;
        }
    }
}
