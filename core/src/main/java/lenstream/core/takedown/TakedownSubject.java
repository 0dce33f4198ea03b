package lenstream.core.takedown;

import java.util.Optional;
import java.util.regex.Pattern;
import lenstream.core.command.Command;
import lenstream.core.image.ImageId;
import lenstream.core.web.CanonicalUrl;
import org.jspecify.annotations.Nullable;

/**
 * What a take-down is about. Immutable.
 *
 * @param scope what the text means
 * @param text canonical URL; canonical URL prefix that ends in {@code /*}; host with its port unless that is the scheme's
 *     own; or the id of the image that others look like
 * @param fingerprint embedding space of {@code vector}; null unless similar
 * @param vector unit length, never written after construction; null unless similar
 * @param threshold least cosine that counts as similar; 0 unless similar
 * @param picture a small copy of the image that others look like, by which another encoder knows it; never written after
 *     construction, null unless similar and to be had
 */
public record TakedownSubject(
        Scope scope,
        String text,
        @Nullable String fingerprint,
        float @Nullable [] vector,
        double threshold,
        byte @Nullable [] picture) {
    private static final String ALL_BELOW = "/*";
    private static final Pattern HOST = Pattern.compile("[^/\\s?#@]+");
    private static final Pattern FILE = Pattern.compile("file:/+");

    /** What a subject names. */
    public enum Scope {
        URL,
        PREFIX,
        HOST,
        SIMILAR
    }

    /**
     * Reads what a person wrote: {@code URL}, {@code PREFIX/*} or {@code HOST}.
     *
     * @throws IllegalArgumentException with a sentence that says what to write
     */
    public static TakedownSubject parse(String written) {
        String text = written.strip();
        if (text.startsWith("file:")) {
            String url = FILE.matcher(text).replaceFirst("file:///");
            return new TakedownSubject(url.endsWith(ALL_BELOW) ? Scope.PREFIX : Scope.URL, url, null, null, 0, null);
        }
        if (text.contains("://")) {
            boolean all = text.endsWith(ALL_BELOW);
            String prefix = all ? text.substring(0, text.length() - 1) : text;
            CanonicalUrl url = CanonicalUrl.of(prefix).orElseThrow(() -> unreadable(written));
            if (all && url.value().contains("?")) {
                throw unreadable(written);
            }
            return all
                    ? new TakedownSubject(Scope.PREFIX, url.value() + "*", null, null, 0, null)
                    : new TakedownSubject(Scope.URL, url.value(), null, null, 0, null);
        }
        Optional<CanonicalUrl> host = HOST.matcher(text).matches() && (text.contains(".") || text.contains(":"))
                ? CanonicalUrl.of("http://" + text + "/")
                : Optional.empty();
        return new TakedownSubject(
                Scope.HOST, host.orElseThrow(() -> unreadable(written)).hostAndPort(), null, null, 0, null);
    }

    /**
     * What looks like an image.
     *
     * @param name by which a receipt calls it: an image's id, or the SHA-256 of a file
     * @throws IllegalArgumentException if the threshold is not above 0 and at most 1
     */
    public static TakedownSubject similar(String name, String fingerprint, float[] vector, double threshold) {
        if (!(threshold > 0 && threshold <= 1)) {
            throw new IllegalArgumentException("threshold must be above 0 and at most 1, for example 0.95");
        }
        return new TakedownSubject(Scope.SIMILAR, name, fingerprint, vector, threshold, null);
    }

    /** The same with a copy of the image, from which a move to another encoder makes its vector there. */
    public TakedownSubject withPicture(byte @Nullable [] copy) {
        return new TakedownSubject(scope, text, fingerprint, vector, threshold, copy);
    }

    /** What a take-down, or its revocation, is about. */
    static TakedownSubject of(Command command) {
        Scope scope = command.vector() != null
                ? Scope.SIMILAR
                : command.subject().endsWith(ALL_BELOW)
                        ? Scope.PREFIX
                        : command.subject().contains("://") ? Scope.URL : Scope.HOST;
        return new TakedownSubject(
                scope, command.subject(), command.fingerprint(), command.vector(), command.threshold(), null);
    }

    /** The id of its take-down: the same subject has the same, so that a repetition is no second one. */
    public String id() {
        String identity = scope + " " + text + (vector == null ? "" : " " + fingerprint + " " + threshold);
        return "takedown-" + ImageId.ofUrl(identity);
    }

    private static IllegalArgumentException unreadable(String written) {
        return new IllegalArgumentException("\"" + written
                + "\" is no URL, no PREFIX/* and no host: write for example https://example.org/a.jpg,"
                + " https://example.org/album/* or example.org");
    }
}
