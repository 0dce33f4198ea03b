package lenstream.core.command;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One thing that the jobs are asked to do. The record is flat, so that it crosses Flink edges as a POJO and means the same
 * whichever way it came. Repeating a command changes nothing: it may reach a job more than once. Immutable.
 *
 * @param key identity: a later command of the same key takes the place of an earlier one, in the log too. 1 to 128 of
 *     {@code a-z A-Z 0-9 . _ : -}
 * @param kind what is asked
 * @param subject what it is about: a URL, a URL prefix that ends in {@code /*}, a host, or a name
 * @param threshold least cosine that counts as similar to {@code vector}; 0 where there is none
 * @param fingerprint embedding space of {@code vector}; null where there is none
 * @param vector of unit length, never written after construction; null where nothing is compared
 * @param body what only this kind needs, as JSON; null for nothing
 * @param issuedAtMillis when it was given, epoch ms, by the clock of the program that took it
 * @param position in the log, from 0 on; {@link #NO_POSITION} before it was appended
 */
public record Command(
        String key,
        Kind kind,
        String subject,
        double threshold,
        @Nullable String fingerprint,
        float @Nullable [] vector,
        @Nullable String body,
        long issuedAtMillis,
        long position) {

    /** Before every position of the log. */
    public static final long NO_POSITION = -1;

    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

    /** What is asked. Flink state and documents hold the names: add some, never rename one. */
    public enum Kind {
        /** Visit a page or an image now. */
        PUSH,
        /** Ask again for what is known of a URL. */
        RECRAWL,
        /** Remove, and keep out. */
        TAKEDOWN,
        /** The take-down of the same key holds no more. */
        TAKEDOWN_REVOKE,
        /** Match every new embedding with a saved query. */
        ALERT_PUT,
        /** The alert of the same key ends. */
        ALERT_DELETE
    }

    public Command {
        if (!KEY.matcher(key).matches()) {
            throw new IllegalArgumentException("\"" + key + "\" is no key: 1 to 128 of a-z A-Z 0-9 . _ : -");
        }
        if ((vector == null) != (fingerprint == null)) {
            throw new IllegalArgumentException(key + ": vector and fingerprint belong together");
        }
    }

    /** A command without a vector, not yet in a log. */
    public static Command of(String key, Kind kind, String subject, @Nullable String body, long issuedAtMillis) {
        return new Command(key, kind, subject, 0, null, null, body, issuedAtMillis, NO_POSITION);
    }

    /** What a job needs of a take-down. */
    public Command withoutBody() {
        return new Command(key, kind, subject, threshold, fingerprint, vector, null, issuedAtMillis, position);
    }

    /** This command where it stands in a log. */
    public Command at(long newPosition) {
        return new Command(key, kind, subject, threshold, fingerprint, vector, body, issuedAtMillis, newPosition);
    }
}
