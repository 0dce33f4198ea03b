package lenstream.connector.crawl;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a resource. Immutable.
 *
 * @param etag as the server gave it
 * @param lastModified as the server gave it
 * @param contentHash 64 bits of the SHA-256 of its bytes; 0 for never read
 * @param intervalMillis to the next visit; shorter where things change, longer where they do not
 * @param dueAtMillis of the next visit, epoch ms
 * @param round in which it was queued last
 * @param waiting whether it is still to be visited in this round
 */
record KnownResource(
        Resource resource,
        @Nullable String etag,
        @Nullable String lastModified,
        long contentHash,
        long intervalMillis,
        long dueAtMillis,
        long round,
        boolean waiting) {

    static KnownResource of(Resource resource, long intervalMillis) {
        return new KnownResource(resource, null, null, 0, intervalMillis, 0, 0, false);
    }

    KnownResource queued(Resource as, long inRound) {
        return new KnownResource(as, etag, lastModified, contentHash, intervalMillis, dueAtMillis, inRound, true);
    }

    KnownResource notWaiting() {
        return waiting
                ? new KnownResource(
                        resource, etag, lastModified, contentHash, intervalMillis, dueAtMillis, round, false)
                : this;
    }

    /** After a visit that said what it is and when to come again. */
    KnownResource visited(
            Kind kind,
            @Nullable String newEtag,
            @Nullable String newLastModified,
            long newHash,
            long newInterval,
            long newDueAt) {
        var as = new Resource(
                resource.url(), kind, resource.depth(), resource.follow(), resource.saidMillis(), resource.feedPage());
        return new KnownResource(as, newEtag, newLastModified, newHash, newInterval, newDueAt, round, false);
    }

    /** What its index says is forgotten: it is visited when its own interval is over. */
    KnownResource undated() {
        var as = new Resource(resource.url(), resource.kind(), resource.depth(), resource.follow());
        return new KnownResource(as, etag, lastModified, contentHash, intervalMillis, dueAtMillis, round, waiting);
    }

    void write(DataOutput out) throws IOException {
        out.writeUTF(resource.url());
        out.writeUTF(resource.kind().name());
        out.writeInt(resource.depth());
        out.writeBoolean(resource.follow());
        out.writeLong(resource.saidMillis());
        out.writeInt(resource.feedPage());
        Texts.writeNullable(out, etag);
        Texts.writeNullable(out, lastModified);
        out.writeLong(contentHash);
        out.writeLong(intervalMillis);
        out.writeLong(dueAtMillis);
        out.writeLong(round);
        out.writeBoolean(waiting);
    }

    /** @param version of the split; the first did not know of dates and feed pages */
    static KnownResource read(DataInput in, int version) throws IOException {
        String url = in.readUTF();
        Kind kind = Kind.valueOf(in.readUTF());
        int depth = in.readInt();
        boolean follow = in.readBoolean();
        var resource = version == 1
                ? new Resource(url, kind, depth, follow)
                : new Resource(url, kind, depth, follow, in.readLong(), in.readInt());
        return new KnownResource(
                resource,
                Texts.readNullable(in),
                Texts.readNullable(in),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readBoolean());
    }
}
