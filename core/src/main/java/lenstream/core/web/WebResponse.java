package lenstream.core.web;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * An answer with its whole body, decompressed.
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

    public boolean isRedirect() {
        return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
                && header("location").isPresent();
    }
}
