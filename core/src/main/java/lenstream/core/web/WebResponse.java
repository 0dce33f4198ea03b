package lenstream.core.web;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import lenstream.core.image.Reason;

/**
 * An answer with its whole body; what {@link WebClient} gives is decompressed.
 *
 * @param url that answered; after redirects the last one
 * @param status HTTP status
 * @param headers by lower-case name, every value in order
 * @param body never written after construction; empty for 304
 */
public record WebResponse(CanonicalUrl url, int status, Map<String, List<String>> headers, byte[] body) {

    /** The first value of a header. */
    public Optional<String> header(String name) {
        return headers(name).stream().findFirst();
    }

    /** Every value of a header. */
    public List<String> headers(String name) {
        return headers.getOrDefault(name.toLowerCase(Locale.ROOT), List.of());
    }

    /**
     * The same with the compressions of its body undone that {@code Content-Encoding} names.
     *
     * @param limit bytes of the unpacked body
     * @throws WebException if there would be more, or the body is not what the header says
     */
    public WebResponse unpacked(int limit) throws WebException {
        String name = String.join(",", headers("content-encoding"));
        if (body.length == 0 || name.isEmpty() || name.equalsIgnoreCase("identity")) {
            return this;
        }
        ContentCoding coding = ContentCoding.of(name)
                .orElseThrow(() -> new WebException(
                        Reason.UNEXPECTED_STATUS,
                        url + ": sent with encoding \"" + name + "\", which was not asked for"));
        try {
            byte[] unpacked = coding.unpack(body, limit + 1);
            if (unpacked.length > limit) {
                throw new WebException(Reason.TOO_LARGE, url + ": unpacks to more, the limit is " + limit + " bytes");
            }
            return new WebResponse(url, status, headers, unpacked);
        } catch (WebException e) {
            throw e;
        } catch (IOException e) {
            throw new WebException(Reason.TRUNCATED_RESPONSE, url + ": broken " + name + ": " + e.getMessage(), e);
        }
    }

    public boolean isRedirect() {
        return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
                && header("location").isPresent();
    }
}
