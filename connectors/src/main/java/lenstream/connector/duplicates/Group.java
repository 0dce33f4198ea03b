package lenstream.connector.duplicates;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Contents that look alike and the images that show them. Mutable; lives for one event and is written back.
 *
 * <p>As bytes: version 1, number of contents, each in modified UTF-8 with length, number of members, each as id, version,
 * pixels, discovered; members that are not kept (int64), first seen (int64), whether its document is written, length of
 * the page sketch, page sketch.
 */
final class Group {
    private static final int VERSION = 1;
    /** The largest picture, then the one that was found first; the id decides what is left. */
    private static final Comparator<Map.Entry<String, Facts>> BEST = Comparator.comparingLong(
                    (Map.Entry<String, Facts> member) -> -member.getValue().pixels())
            .thenComparingLong(member -> member.getValue().discoveredAtMillis())
            .thenComparing(Map.Entry::getKey);

    /** A member at the observation that was seen last. */
    record Facts(long version, long pixels, long discoveredAtMillis) {}

    final String id;
    final TreeSet<String> contents = new TreeSet<>();
    final TreeMap<String, Facts> members = new TreeMap<>();
    /** Images of the group beyond those in {@link #members}. */
    long others;

    long firstSeenMillis = Long.MAX_VALUE;
    PageSketch pages = PageSketch.EMPTY;
    boolean written;

    Group(String id) {
        this.id = id;
    }

    long size() {
        return members.size() + others;
    }

    /** The best member's id; null if there is none. */
    @Nullable
    String canonical() {
        return members.entrySet().stream().min(BEST).map(Map.Entry::getKey).orElse(null);
    }

    byte[] bytes() {
        var bytes = new ByteArrayOutputStream(256 + members.size() * 64);
        try (var out = new DataOutputStream(bytes)) {
            out.writeByte(VERSION);
            out.writeInt(contents.size());
            for (String content : contents) {
                out.writeUTF(content);
            }
            out.writeInt(members.size());
            for (var member : members.entrySet()) {
                out.writeUTF(member.getKey());
                out.writeLong(member.getValue().version());
                out.writeLong(member.getValue().pixels());
                out.writeLong(member.getValue().discoveredAtMillis());
            }
            out.writeLong(others);
            out.writeLong(firstSeenMillis);
            out.writeBoolean(written);
            byte[] sketch = pages.bytes();
            out.writeInt(sketch.length);
            out.write(sketch);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // only memory is written
        }
        return bytes.toByteArray();
    }

    static Group of(String id, byte[] bytes) {
        var group = new Group(id);
        try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            int version = in.readUnsignedByte();
            if (version != VERSION) {
                throw new IllegalStateException("a group of version " + version + ", this program reads " + VERSION);
            }
            for (int i = in.readInt(); i > 0; i--) {
                group.contents.add(in.readUTF());
            }
            for (int i = in.readInt(); i > 0; i--) {
                group.members.put(in.readUTF(), new Facts(in.readLong(), in.readLong(), in.readLong()));
            }
            group.others = in.readLong();
            group.firstSeenMillis = in.readLong();
            group.written = in.readBoolean();
            var sketch = new byte[in.readInt()];
            in.readFully(sketch);
            group.pages = PageSketch.of(sketch);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return group;
    }
}
