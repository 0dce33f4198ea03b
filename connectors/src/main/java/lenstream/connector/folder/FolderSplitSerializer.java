package lenstream.connector.folder;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Folder splits, one or many, as bytes. Thread-safe. */
final class FolderSplitSerializer {
    private static final int VERSION = 1;

    private FolderSplitSerializer() {}

    static SimpleVersionedSerializer<FolderSplit> one() {
        return new SimpleVersionedSerializer<>() {
            @Override
            public int getVersion() {
                return VERSION;
            }

            @Override
            public byte[] serialize(FolderSplit split) throws IOException {
                return write(List.of(split));
            }

            @Override
            public FolderSplit deserialize(int version, byte[] serialized) throws IOException {
                return read(version, serialized).get(0);
            }
        };
    }

    static SimpleVersionedSerializer<FolderCheckpoint> many() {
        return new SimpleVersionedSerializer<>() {
            @Override
            public int getVersion() {
                return VERSION;
            }

            @Override
            public byte[] serialize(FolderCheckpoint checkpoint) throws IOException {
                return write(checkpoint.unassigned());
            }

            @Override
            public FolderCheckpoint deserialize(int version, byte[] serialized) throws IOException {
                return new FolderCheckpoint(read(version, serialized));
            }
        };
    }

    private static byte[] write(List<FolderSplit> splits) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            out.writeInt(splits.size());
            for (FolderSplit split : splits) {
                out.writeUTF(split.folder());
                out.writeUTF(split.run());
                out.writeUTF(split.position());
                out.writeBoolean(split.done());
            }
        }
        return bytes.toByteArray();
    }

    private static List<FolderSplit> read(int version, byte[] serialized) throws IOException {
        if (version != VERSION) {
            throw new IOException("folder splits of version " + version + ", this program reads version " + VERSION);
        }
        try (var in = new DataInputStream(new ByteArrayInputStream(serialized))) {
            int size = in.readInt();
            var splits = new ArrayList<FolderSplit>();
            for (int i = 0; i < size; i++) {
                splits.add(new FolderSplit(in.readUTF(), in.readUTF(), in.readUTF(), in.readBoolean()));
            }
            return splits;
        }
    }
}
