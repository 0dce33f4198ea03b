package lenstream.search.http;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lenstream.core.index.IndexClient;

/**
 * Where a request belongs among those of other programs: W3C Trace Context. A request that brings no valid
 * {@code traceparent} begins a trace of its own. Immutable.
 *
 * @param traceId 32 hexadecimal digits
 * @param spanId 16 hexadecimal digits, of this server's part
 * @param flags two hexadecimal digits, as they came
 */
record Trace(String traceId, String spanId, String flags) {
    /** The key under which it stands in SLF4J's MDC, for the log and for requests to the index that follow from this one. */
    static final String MDC_KEY = IndexClient.TRACE;

    private static final Pattern PARENT =
            Pattern.compile("(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?");
    private static final int LONGEST = 512;
    private static final long SEED = new SecureRandom().nextLong();

    static Trace of(String traceparent) {
        Matcher parent = PARENT.matcher(
                traceparent.length() > LONGEST ? "" : traceparent.strip().toLowerCase(Locale.ROOT));
        Random random = ThreadLocalRandom.current();
        String span = hex(random);
        return parent.matches()
                ? new Trace(parent.group(1), span, parent.group(2))
                : new Trace(hex(random) + hex(random), span, "00");
    }

    /** For the answer and for requests that this one causes. */
    String header() {
        return "00-" + traceId + "-" + spanId + "-" + flags;
    }

    /** Never all zeros. */
    private static String hex(Random random) {
        return HexFormat.of().toHexDigits((random.nextLong() ^ SEED) | 1);
    }
}
