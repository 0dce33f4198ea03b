package lenstream.connector.crawl;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.time.Duration;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Splits as bytes. A change of the form takes a new version; every version ever written stays readable. Thread-safe. */
final class SiteSplitSerializer implements SimpleVersionedSerializer<SiteSplit> {
    private static final int VERSION = 2;

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(SiteSplit split) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            Site site = split.site();
            out.writeUTF(site.url());
            out.writeUTF(site.host());
            out.writeUTF(site.kind().name());
            out.writeLong(site.interval().toMillis());
            Texts.writeList(out, site.include());
            Texts.writeList(out, site.exclude());
            out.writeInt(site.maxPages());
            out.writeInt(site.maxImages());
            split.state().write(out);
        }
        return bytes.toByteArray();
    }

    @Override
    public SiteSplit deserialize(int version, byte[] serialized) throws IOException {
        if (version < 1 || version > VERSION) {
            throw new IOException("site split of version " + version + ", this program reads versions 1 to " + VERSION);
        }
        try (var in = new DataInputStream(new ByteArrayInputStream(serialized))) {
            var site = new Site(
                    in.readUTF(),
                    in.readUTF(),
                    Kind.valueOf(in.readUTF()),
                    Duration.ofMillis(in.readLong()),
                    Texts.readList(in),
                    Texts.readList(in),
                    in.readInt(),
                    in.readInt());
            return new SiteSplit(site, SiteState.read(in, version));
        }
    }
}
