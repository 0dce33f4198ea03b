package lenstream.connector.opensearch;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import org.apache.flink.connector.base.sink.writer.AsyncSinkWriterStateSerializer;

/**
 * The sink's state: entries that were taken but not yet written. Version 1, big-endian: op (byte: 0 index, 1 delete, 2 update),
 * index, id (modified UTF-8 with length), version (int64), discovered (int64), attempts (int32), length of the document
 * (int32, -1 for none), document.
 */
final class BulkEntrySerializer extends AsyncSinkWriterStateSerializer<BulkEntry> {
    private static final int VERSION = 1;
    private static final int NONE = -1;

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    protected void serializeRequestToStream(BulkEntry entry, DataOutputStream out) throws IOException {
        out.writeByte(
                switch (entry.op()) {
                    case INDEX -> 0;
                    case DELETE -> 1;
                    case UPDATE -> 2;
                });
        out.writeUTF(entry.index());
        out.writeUTF(entry.id());
        out.writeLong(entry.version());
        out.writeLong(entry.discoveredAtMillis());
        out.writeInt(entry.attempts());
        byte[] json = entry.json();
        out.writeInt(json == null ? NONE : json.length);
        if (json != null) {
            out.write(json);
        }
    }

    @Override
    protected BulkEntry deserializeRequestFromStream(long size, DataInputStream in) throws IOException {
        BulkEntry.Op op = switch (in.readByte()) {
            case 0 -> BulkEntry.Op.INDEX;
            case 1 -> BulkEntry.Op.DELETE;
            default -> BulkEntry.Op.UPDATE;
        };
        String index = in.readUTF();
        String id = in.readUTF();
        long version = in.readLong();
        long discovered = in.readLong();
        int attempts = in.readInt();
        int length = in.readInt();
        byte[] json = null;
        if (length != NONE) {
            json = new byte[length];
            in.readFully(json);
        }
        return new BulkEntry(op, index, id, version, json, discovered, attempts);
    }
}
