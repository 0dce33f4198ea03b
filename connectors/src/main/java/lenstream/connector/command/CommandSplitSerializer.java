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

/** Command splits, one or many, as bytes. Thread-safe. */
final class CommandSplitSerializer {
    private static final int VERSION = 1;

    private CommandSplitSerializer() {}

    static SimpleVersionedSerializer<CommandSplit> one() {
        return new SimpleVersionedSerializer<>() {
            @Override
            public int getVersion() {
                return VERSION;
            }

            @Override
            public byte[] serialize(CommandSplit split) throws IOException {
                return write(List.of(split));
            }

            @Override
            public CommandSplit deserialize(int version, byte[] serialized) throws IOException {
                return read(version, serialized).getFirst();
            }
        };
    }

    static SimpleVersionedSerializer<List<CommandSplit>> many() {
        return new SimpleVersionedSerializer<>() {
            @Override
            public int getVersion() {
                return VERSION;
            }

            @Override
            public byte[] serialize(List<CommandSplit> splits) throws IOException {
                return write(splits);
            }

            @Override
            public List<CommandSplit> deserialize(int version, byte[] serialized) throws IOException {
                return read(version, serialized);
            }
        };
    }

    private static byte[] write(List<CommandSplit> splits) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            out.writeInt(splits.size());
            for (CommandSplit split : splits) {
                out.writeUTF(split.position().log());
                out.writeLong(split.position().number());
            }
        }
        return bytes.toByteArray();
    }

    private static List<CommandSplit> read(int version, byte[] serialized) throws IOException {
        if (version != VERSION) {
            throw new IOException("command split of version " + version + ", this program reads version " + VERSION);
        }
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
