package lenstream.connector.warc;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import java.util.zip.GZIPInputStream;

/**
 * Finds where the next record of a damaged archive begins: a gzip member whose first bytes are those of a record, or, in a
 * plain file, the line {@code WARC/1.0} that a record begins with. Records of plain ARC files have no mark and are not
 * found. Reads the stream once; holds {@value #WINDOW} bytes.
 */
final class RecordSearch {
    private static final int WINDOW = 1 << 17;

    /** Enough for the header of a gzip member, the code tables of its first block and some bytes of the record. */
    private static final int LOOK_AHEAD = 1 << 12;

    private static final byte[] RECORD = "WARC/".getBytes(StandardCharsets.US_ASCII);
    /** Of {@code 1.0}, {@code 1.1}, {@code 0.17} and {@code 0.18}. */
    private static final int LONGEST_VERSION = 4;

    private static final byte[] MEMBER = {0x1f, (byte) 0x8b, 8};

    private final InputStream in;
    private final byte[] window = new byte[WINDOW];
    private int held;
    private boolean ended;

    /** @param in the archive from some offset on; stays the caller's */
    RecordSearch(InputStream in) {
        this.in = in;
    }

    /** How many bytes lie before the first byte of the first record that begins here; empty if none does. */
    OptionalLong next() throws IOException {
        long before = 0;
        fill();
        while (held > 0) {
            int end = ended ? held : held - LOOK_AHEAD;
            for (int at = 0; at < end; at++) {
                boolean found = window[at] == RECORD[0] && has(RECORD, at) && isVersion(at + RECORD.length)
                        || window[at] == MEMBER[0] && has(MEMBER, at) && isRecord(at);
                if (found) {
                    return OptionalLong.of(before + at);
                }
            }
            before += end;
            System.arraycopy(window, end, window, 0, held - end);
            held -= end;
            fill();
        }
        return OptionalLong.empty();
    }

    private void fill() throws IOException {
        while (!ended && held < WINDOW) {
            int count = in.read(window, held, WINDOW - held);
            ended = count < 0;
            held += Math.max(0, count);
        }
    }

    private boolean has(byte[] mark, int at) {
        if (at + mark.length > held) {
            return false;
        }
        for (int i = 0; i < mark.length; i++) {
            if (window[at + i] != mark[i]) {
                return false;
            }
        }
        return true;
    }

    /** Whether the rest of the line is that of a record's first, not of a text that speaks of such files. */
    private boolean isVersion(int from) {
        int at = from;
        while (at < Math.min(held, from + LONGEST_VERSION) && window[at] > ' ') {
            at++;
        }
        return at > from && at + 1 < held && window[at] == '\r' && window[at + 1] == '\n';
    }

    /** Three bytes of a gzip header stand in compressed data now and then; only a member can also be unpacked. */
    private boolean isRecord(int at) {
        var bytes = new ByteArrayInputStream(window, at, Math.min(LOOK_AHEAD, held - at));
        try (var member = new GZIPInputStream(bytes)) {
            String start = new String(member.readNBytes(RECORD.length), StandardCharsets.US_ASCII);
            return start.equals("WARC/") || start.equals("http:") || start.equals("https"); // the last two of ARC
        } catch (IOException e) {
            return false;
        }
    }
}
