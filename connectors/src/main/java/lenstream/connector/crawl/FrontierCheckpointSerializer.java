package lenstream.connector.crawl;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Enumerator checkpoints as bytes: the splits' own version, then each split. Thread-safe. */
final class FrontierCheckpointSerializer implements SimpleVersionedSerializer<FrontierCheckpoint> {
    private static final int VERSION = 1;

    private final SiteSplitSerializer splits = new SiteSplitSerializer();

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(FrontierCheckpoint checkpoint) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            out.writeInt(splits.getVersion());
            out.writeInt(checkpoint.unassigned().size());
            for (SiteSplit split : checkpoint.unassigned()) {
                byte[] serialized = splits.serialize(split);
                out.writeInt(serialized.length);
                out.write(serialized);
            }
        }
        return bytes.toByteArray();
    }

    @Override
    public FrontierCheckpoint deserialize(int version, byte[] serialized) throws IOException {
        if (version != VERSION) {
            throw new IOException("frontier of version " + version + ", this program reads version " + VERSION);
        }
        try (var in = new DataInputStream(new ByteArrayInputStream(serialized))) {
            int splitVersion = in.readInt();
            int size = in.readInt();
            var unassigned = new ArrayList<SiteSplit>();
            for (int i = 0; i < size; i++) {
                unassigned.add(splits.deserialize(splitVersion, in.readNBytes(in.readInt())));
            }
            return new FrontierCheckpoint(unassigned);
        }
    }
}
