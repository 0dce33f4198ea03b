package lenstream.connector.fetch;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.Year;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import lenstream.core.web.WebResponse;

/** Times in HTTP headers, after RFC 9110 §5.6.7 and §10.2.3 and RFC 9111 §5.2. */
public final class HttpTimes {
    private static final DateTimeFormatter IMF_FIXDATE =
            DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH);

    private static final DateTimeFormatter RFC_850 = new DateTimeFormatterBuilder()
            .parseCaseInsensitive()
            .appendPattern("d-MMM-")
            .appendValueReduced(ChronoField.YEAR, 2, 4, Year.now(ZoneOffset.UTC).getValue() - 50)
            .appendPattern(" HH:mm:ss X")
            .toFormatter(Locale.ENGLISH);
    private static final DateTimeFormatter ASCTIME = DateTimeFormatter.ofPattern("MMM d HH:mm:ss yyyy", Locale.ENGLISH);
    private static final DateTimeFormatter RFC_822 = new DateTimeFormatterBuilder()
            .parseCaseInsensitive()
            .appendPattern("d MMM yyyy HH:mm[:ss] X")
            .toFormatter(Locale.ENGLISH);
    private static final List<Function<String, Instant>> HTTP_FORMS = List.of(
            text -> ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant(),
            text -> ZonedDateTime.parse(numericZone(withoutWeekday(text)), RFC_850)
                    .toInstant(),
            text -> LocalDateTime.parse(withoutWeekday(text).replaceAll("\\s+", " "), ASCTIME)
                    .toInstant(ZoneOffset.UTC));
    private static final List<Function<String, Instant>> FURTHER_FORMS = List.of(
            text -> OffsetDateTime.parse(text).toInstant(),
            text -> LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant(),
            text -> ZonedDateTime.parse(numericZone(withoutWeekday(text)), RFC_822)
                    .toInstant());
    private static final Map<String, String> ZONES = Map.ofEntries(
            Map.entry("GMT", "Z"),
            Map.entry("UT", "Z"),
            Map.entry("UTC", "Z"),
            Map.entry("EST", "-05"),
            Map.entry("EDT", "-04"),
            Map.entry("CST", "-06"),
            Map.entry("CDT", "-05"),
            Map.entry("MST", "-07"),
            Map.entry("MDT", "-06"),
            Map.entry("PST", "-08"),
            Map.entry("PDT", "-07"));

    private HttpTimes() {}

    /** An instant as {@code If-Modified-Since} wants it, such as {@code Sun, 06 Nov 1994 08:49:37 GMT}. */
    public static String imfFixdate(Instant instant) {
        return IMF_FIXDATE.format(instant.atOffset(ZoneOffset.UTC));
    }

    /** An HTTP date in any of its three forms; a year of two digits lies at most 50 years back. */
    public static Optional<Instant> parse(String text) {
        return first(text.strip(), HTTP_FORMS);
    }

    /** An HTTP date, an ISO 8601 date with or without time, or an RFC 822 date with the zone names of that standard. */
    static Optional<Instant> parseLenient(String text) {
        return parse(text).or(() -> first(text.strip(), FURTHER_FORMS));
    }

    private static Optional<Instant> first(String text, List<Function<String, Instant>> forms) {
        for (Function<String, Instant> form : forms) {
            try {
                return Optional.of(form.apply(text));
            } catch (DateTimeException e) {
                // not this form: the next one is tried
            }
        }
        return Optional.empty();
    }

    private static String withoutWeekday(String text) {
        return text.replaceFirst("^[A-Za-z]+,?\\s+", "");
    }

    private static String numericZone(String text) {
        int zone = text.lastIndexOf(' ') + 1;
        String name = text.substring(zone).toUpperCase(Locale.ROOT);
        return text.substring(0, zone) + ZONES.getOrDefault(name, name);
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
