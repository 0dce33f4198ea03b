package lenstream.connector.fetch;

import java.io.IOException;
import java.util.HexFormat;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Reason;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;
import org.jspecify.annotations.Nullable;

/** Rows of what is known of URLs; some 200 bytes and the texts of the context. */
final class KnownUrlSerializer extends StateSerializer<KnownUrl> {
    static final KnownUrlSerializer INSTANCE = new KnownUrlSerializer();
    private static final long serialVersionUID = 1;
    private static final int SHA256_BYTES = 32;

    /** Flink's note of the serializer in a savepoint. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<KnownUrl> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }

    @Override
    int version() {
        return 1;
    }

    @Override
    void write(KnownUrl known, DataOutputView out) throws IOException {
        target(known.target(), out);
        out.writeLong(known.queued());
        observation(known.last(), out);
        out.writeByte(known.next().ring());
        out.writeLong(known.next().dueAtMillis());
        out.writeLong(known.next().filedUntilMillis());
        out.writeLong(known.ledgerMillis());
    }

    @Override
    KnownUrl read(int version, DataInputView in) throws IOException {
        return new KnownUrl(
                target(in),
                in.readLong(),
                observation(in),
                new Schedule(in.readByte(), in.readLong(), in.readLong()),
                in.readLong());
    }

    @SuppressWarnings("NullAway") // Flink's strings may be null, its signatures do not say so
    private static void target(CrawlTarget target, DataOutputView out) throws IOException {
        StringValue.writeString(target.url(), out);
        StringValue.writeString(target.host(), out);
        StringValue.writeString(target.site(), out);
        StringValue.writeString(target.pageUrl(), out);
        StringValue.writeString(target.title(), out);
        StringValue.writeString(target.alt(), out);
        StringValue.writeString(target.caption(), out);
        StringValue.writeString(target.credit(), out);
        StringValue.writeString(target.license(), out);
        out.writeLong(target.publishedAtMillis());
        out.writeLong(target.discoveredAtMillis());
        StringValue.writeString(target.via(), out);
    }

    private static CrawlTarget target(DataInputView in) throws IOException {
        return new CrawlTarget(
                StringValue.readString(in),
                StringValue.readString(in),
                StringValue.readString(in),
                StringValue.readString(in),
                StringValue.readString(in),
                StringValue.readString(in),
                StringValue.readString(in),
                StringValue.readString(in),
                StringValue.readString(in),
                in.readLong(),
                in.readLong(),
                StringValue.readString(in));
    }

    @SuppressWarnings("NullAway") // as above
    private static void observation(Observation last, DataOutputView out) throws IOException {
        out.writeByte(last.state().code());
        if (last.state() == UrlState.NEW) {
            return; // nothing else was observed
        }
        StringValue.writeString(last.reason() == null ? null : last.reason().name(), out);
        StringValue.writeString(last.etag(), out);
        StringValue.writeString(last.lastModified(), out);
        String sha256 = last.sha256();
        out.writeBoolean(sha256 != null);
        if (sha256 != null) {
            out.write(HexFormat.of().parseHex(sha256));
        }
        out.writeLong(last.version());
        out.writeInt(last.missing());
        out.writeLong(last.checkedAtMillis());
        out.writeLong(last.sinceMillis());
        out.writeInt(last.times());
    }

    private static Observation observation(DataInputView in) throws IOException {
        UrlState state = UrlState.of(in.readByte());
        if (state == UrlState.NEW) {
            return Observation.NONE;
        }
        String reason = StringValue.readString(in);
        return new Observation(
                state,
                reason == null ? null : Reason.valueOf(reason),
                StringValue.readString(in),
                StringValue.readString(in),
                in.readBoolean() ? hash(in) : null,
                in.readLong(),
                in.readInt(),
                in.readLong(),
                in.readLong(),
                in.readInt());
    }

    private static @Nullable String hash(DataInputView in) throws IOException {
        var bytes = new byte[SHA256_BYTES];
        in.readFully(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    @Override
    public TypeSerializerSnapshot<KnownUrl> snapshotConfiguration() {
        return new Snapshot();
    }
}
