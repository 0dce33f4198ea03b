package lenstream.search.http;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The parts of a {@code multipart/form-data} body that is in memory already (RFC 7578), by name. Of a name that occurs
 * twice the first one counts.
 */
public final class Multipart {
    private static final Pattern BOUNDARY = Pattern.compile("boundary=(?:\"([^\"]{1,70})\"|([^\\s;,\"]{1,70}))");
    private static final Pattern NAME = Pattern.compile("(?i)content-disposition:[^\\r\\n]*[; ]name=\"([^\"]*)\"");
    private static final byte[] END_OF_HEADERS = {'\r', '\n', '\r', '\n'};
    private static final int MAX_PARTS = 32;

    private Multipart() {}

    /**
     * @param contentType with the boundary
     * @throws ProblemException if the body does not have that form
     */
    public static Map<String, byte[]> parts(String contentType, byte[] body) {
        Matcher found = BOUNDARY.matcher(contentType);
        if (!found.find()) {
            throw ProblemException.badRequest("multipart/form-data needs a boundary in Content-Type.");
        }
        String boundary = found.group(1) != null ? found.group(1) : found.group(2);
        byte[] first = ("--" + boundary).getBytes(StandardCharsets.ISO_8859_1);
        byte[] next = ("\r\n--" + boundary).getBytes(StandardCharsets.ISO_8859_1);
        var parts = new LinkedHashMap<String, byte[]>();
        int at = indexOf(body, first, 0);
        if (at < 0) {
            throw broken();
        }
        at += first.length;
        for (int count = 0; count < MAX_PARTS; count++) {
            if (at + 1 < body.length && body[at] == '-' && body[at + 1] == '-') {
                return parts;
            }
            int headersEnd = indexOf(body, END_OF_HEADERS, at);
            int end = headersEnd < 0 ? -1 : indexOf(body, next, headersEnd + 2);
            if (end < 0) {
                throw broken();
            }
            Matcher name = NAME.matcher(new String(body, at, headersEnd - at, StandardCharsets.UTF_8));
            if (name.find()) {
                int from = headersEnd + END_OF_HEADERS.length;
                parts.putIfAbsent(name.group(1), Arrays.copyOfRange(body, from, Math.max(from, end)));
            }
            at = end + next.length;
        }
        throw ProblemException.badRequest("The form has more than " + MAX_PARTS + " parts; send one named image.");
    }

    private static ProblemException broken() {
        return ProblemException.badRequest("The form is incomplete: it does not end with its boundary.");
    }

    private static int indexOf(byte[] text, byte[] wanted, int from) {
        outer:
        for (int i = from; i <= text.length - wanted.length; i++) {
            for (int j = 0; j < wanted.length; j++) {
                if (text[i + j] != wanted[j]) {
                    continue outer;
                }
            }
            return i;
        }
        return -1;
    }
}
