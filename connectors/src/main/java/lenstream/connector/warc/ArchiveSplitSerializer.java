package lenstream.connector.warc;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Archive splits as bytes. Thread-safe. */
final class ArchiveSplitSerializer implements SimpleVersionedSerializer<ArchiveSplit> {
    private static final int VERSION = 1;

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(ArchiveSplit split) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            out.writeUTF(split.url());
            out.writeUTF(split.mark());
            out.writeLong(split.place());
        }
        return bytes.toByteArray();
    }

    @Override
    public ArchiveSplit deserialize(int version, byte[] serialized) throws IOException {
        if (version != VERSION) {
            throw new IOException("archive split of version " + version + ", this program reads version " + VERSION);
        }
        try (var in = new DataInputStream(new ByteArrayInputStream(serialized))) {
            return new ArchiveSplit(in.readUTF(), in.readUTF(), in.readLong());
        }
    }
}
