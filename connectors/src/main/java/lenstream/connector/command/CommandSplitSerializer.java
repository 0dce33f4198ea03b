package lenstream.connector.command;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.command.CommandLog.Position;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Command splits as bytes. Thread-safe. */
final class CommandSplitSerializer implements SimpleVersionedSerializer<CommandSplit> {
    private static final int VERSION = 1;

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(CommandSplit split) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            out.writeInt(1); // how many: this version could hold a list
            out.writeUTF(split.position().log());
            out.writeLong(split.position().number());
        }
        return bytes.toByteArray();
    }

    @Override
    public CommandSplit deserialize(int version, byte[] serialized) throws IOException {
        if (version != VERSION) {
            throw new IOException("command split of version " + version + ", this program reads version " + VERSION);
        }
        return versionOne(serialized).getFirst();
    }

    static List<CommandSplit> versionOne(byte[] serialized) throws IOException {
        try (var in = new DataInputStream(new ByteArrayInputStream(serialized))) {
            int size = in.readInt();
            var splits = new ArrayList<CommandSplit>();
            for (int i = 0; i < size; i++) {
                splits.add(new CommandSplit(new Position(in.readUTF(), in.readLong())));
            }
            return splits;
        }
    }
}
