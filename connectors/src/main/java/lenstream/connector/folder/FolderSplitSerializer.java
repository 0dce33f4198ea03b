package lenstream.connector.folder;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Folder splits as bytes. Thread-safe. */
final class FolderSplitSerializer implements SimpleVersionedSerializer<FolderSplit> {
    private static final int VERSION = 1;

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(FolderSplit split) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            out.writeInt(1); // how many: this version could hold a list
            out.writeUTF(split.folder());
            out.writeUTF(split.run());
            out.writeUTF(split.position());
            out.writeBoolean(split.done());
        }
        return bytes.toByteArray();
    }

    @Override
    public FolderSplit deserialize(int version, byte[] serialized) throws IOException {
        if (version != VERSION) {
            throw new IOException("folder split of version " + version + ", this program reads version " + VERSION);
        }
        return versionOne(serialized).getFirst();
    }

    static List<FolderSplit> versionOne(byte[] serialized) throws IOException {
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
