package lenstream.connector.fetch;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Optional;
import lenstream.core.web.WebResponse;

/** Times in HTTP headers, after RFC 9110 §5.6.7 and §10.2.3 and RFC 9111 §5.2. */
public final class HttpTimes {
    private static final DateTimeFormatter IMF_FIXDATE =
            DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH);

    private HttpTimes() {}

    /** An instant as {@code If-Modified-Since} wants it, such as {@code Sun, 06 Nov 1994 08:49:37 GMT}. */
    public static String imfFixdate(Instant instant) {
        return IMF_FIXDATE.format(instant.atOffset(ZoneOffset.UTC));
    }

    /** An HTTP date, in the form that is sent today or its variants with an offset. */
    public static Optional<Instant> parse(String text) {
        try {
            return Optional.of(ZonedDateTime.parse(text.strip(), DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant());
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    /** What {@code Retry-After} asks for, from now; 0 if there is none or it cannot be read. */
    public static long retryAfterMillis(WebResponse response, long nowMillis) {
        String value = response.header("retry-after").orElse("").strip();
        if (!value.isEmpty() && value.length() <= 9 && value.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return Long.parseLong(value) * 1000;
        }
        return parse(value)
                .map(at -> Math.max(0, at.toEpochMilli() - nowMillis))
                .orElse(0L);
    }

    /** How long an answer stays fresh by its {@code Cache-Control}. */
    public static Optional<Duration> maxAge(WebResponse response) {
        for (String header : response.headers("cache-control")) {
            for (String directive : header.toLowerCase(Locale.ROOT).split(",", -1)) {
                String value = directive.strip();
                if (value.startsWith("max-age=")) {
                    String seconds = value.substring(8).replace("\"", "");
                    if (!seconds.isEmpty()
                            && seconds.length() <= 9
                            && seconds.chars().allMatch(c -> c >= '0' && c <= '9')) {
                        return Optional.of(Duration.ofSeconds(Long.parseLong(seconds)));
                    }
                }
            }
        }
        return Optional.empty();
    }
}
