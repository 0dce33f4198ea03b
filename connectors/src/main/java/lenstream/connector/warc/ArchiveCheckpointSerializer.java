package lenstream.connector.warc;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Enumerator checkpoints as bytes. Thread-safe. */
final class ArchiveCheckpointSerializer implements SimpleVersionedSerializer<ArchiveCheckpoint> {
    private static final int VERSION = 1;

    private final ArchiveSplitSerializer splits = new ArchiveSplitSerializer();

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(ArchiveCheckpoint checkpoint) throws IOException {
        var bytes = new ByteArrayOutputStream(16 + Long.BYTES * checkpoint.taken().length);
        try (var out = new DataOutputStream(bytes)) {
            out.writeInt(checkpoint.taken().length);
            for (long key : checkpoint.taken()) {
                out.writeLong(key);
            }
            out.writeInt(splits.getVersion());
            out.writeInt(checkpoint.returned().size());
            for (ArchiveSplit split : checkpoint.returned()) {
                byte[] serialized = splits.serialize(split);
                out.writeInt(serialized.length);
                out.write(serialized);
            }
        }
        return bytes.toByteArray();
    }

    @Override
    public ArchiveCheckpoint deserialize(int version, byte[] serialized) throws IOException {
        if (version != VERSION) {
            throw new IOException("archives of version " + version + ", this program reads version " + VERSION);
        }
        try (var in = new DataInputStream(new ByteArrayInputStream(serialized))) {
            var taken = new long[in.readInt()];
            for (int i = 0; i < taken.length; i++) {
                taken[i] = in.readLong();
            }
            int splitVersion = in.readInt();
            int size = in.readInt();
            var returned = new ArrayList<ArchiveSplit>();
            for (int i = 0; i < size; i++) {
                returned.add(splits.deserialize(splitVersion, in.readNBytes(in.readInt())));
            }
            return new ArchiveCheckpoint(taken, returned);
        }
    }
}
