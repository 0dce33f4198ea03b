package lenstream.connector.warc;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lenstream.connector.fetch.HttpTimes;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import org.jspecify.annotations.Nullable;

/**
 * A long file on the web, read in ranges one after the other, so that a break costs a piece and any place can be the first.
 * A server that is busy or does not answer is asked again, after longer and longer pauses. Confined to one thread; borrows
 * the client.
 */
final class RangeStream extends InputStream {
    static final int PIECE = 4 << 20;
    private static final int ATTEMPTS = 6;
    private static final long PAUSE_MILLIS = 1_000;
    private static final long LONGEST_PAUSE_MILLIS = 60_000;

    private static final Pattern RANGE = Pattern.compile("bytes [0-9]+-[0-9]+/([0-9]{1,18})");

    private final WebClient client;
    private final CanonicalUrl url;
    private long next;
    private @Nullable String etag;
    private byte[] piece = new byte[0];
    private int at;
    private boolean ended;

    RangeStream(WebClient client, CanonicalUrl url, long offset) {
        this.client = client;
        this.url = url;
        this.next = offset;
    }

    @Override
    public int read() throws IOException {
        return fill() ? piece[at++] & 0xff : -1;
    }

    @Override
    public int read(byte[] to, int from, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        if (!fill()) {
            return -1;
        }
        int count = Math.min(length, piece.length - at);
        System.arraycopy(piece, at, to, from, count);
        at += count;
        return count;
    }

    private boolean fill() throws IOException {
        if (at < piece.length) {
            return true;
        }
        if (ended) {
            return false;
        }
        WebResponse response = ask();
        if (response.status() == 416) {
            ended = true;
            return false;
        }
        if (response.status() >= 400) {
            throw new IOException(url + ": status " + response.status()); // not there, or not for us: that stays so
        }
        if (response.status() != 206) {
            throw new IOException(url + ": status " + response.status()
                    + (response.status() == 200 ? ", the server does not give parts of a file: download it" : ""));
        }
        String tag = response.header("etag").orElse(null);
        if (etag != null && tag != null && !etag.equals(tag)) {
            throw new ArchiveUnavailableException(url + ": changed while it was being read");
        }
        etag = tag;
        piece = response.body();
        at = 0;
        next += piece.length;
        ended = next >= total(response) || piece.length == 0;
        return piece.length > 0;
    }

    /** How long the file is; where the server does not say, a short piece is the last. */
    private long total(WebResponse response) {
        Matcher range = RANGE.matcher(response.header("content-range").orElse(""));
        if (range.matches()) {
            return Long.parseLong(range.group(1));
        }
        return piece.length < PIECE ? next : Long.MAX_VALUE;
    }

    private WebResponse ask() throws IOException {
        Map<String, String> headers = new HashMap<>();
        headers.put("Range", "bytes=" + next + "-" + (next + PIECE - 1));
        headers.put("Accept-Encoding", "identity");
        String problem = "";
        long pause = PAUSE_MILLIS;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            try {
                if (attempt > 0) {
                    TimeUnit.MILLISECONDS.sleep(pause);
                    pause = Math.min(LONGEST_PAUSE_MILLIS, pause * 2);
                }
                WebResponse response = client.fetch(url, headers);
                if (response.status() != 429 && response.status() < 500) {
                    return response;
                }
                problem = "status " + response.status();
                pause = Math.min(
                        LONGEST_PAUSE_MILLIS,
                        Math.max(pause, HttpTimes.retryAfterMillis(response, System.currentTimeMillis())));
            } catch (WebException e) {
                problem = String.valueOf(e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("reading " + url);
            }
        }
        throw new ArchiveUnavailableException(url + ": " + problem + ", after " + ATTEMPTS + " attempts");
    }
}
