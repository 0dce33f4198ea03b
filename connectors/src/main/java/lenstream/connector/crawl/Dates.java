package lenstream.connector.crawl;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import lenstream.core.image.CrawlTarget;
import org.jspecify.annotations.Nullable;

/**
 * Dates of publication as sitemaps and feeds write them: W3C datetime in all its lengths, RFC 3339, RFC 822 with the
 * zones and weekday names found in the wild.
 */
final class Dates {
    private static final DateTimeFormatter RFC_822 = new DateTimeFormatterBuilder()
            .parseCaseInsensitive()
            .parseLenient()
            .appendPattern("d MMM yyyy H:mm[:ss] ")
            .appendOffset("+HHMM", "GMT")
            .toFormatter(Locale.ENGLISH);
    private static final Map<String, String> ZONES = Map.ofEntries(
            Map.entry("GMT", "+0000"),
            Map.entry("UT", "+0000"),
            Map.entry("UTC", "+0000"),
            Map.entry("Z", "+0000"),
            Map.entry("EST", "-0500"),
            Map.entry("EDT", "-0400"),
            Map.entry("CST", "-0600"),
            Map.entry("CDT", "-0500"),
            Map.entry("MST", "-0700"),
            Map.entry("MDT", "-0600"),
            Map.entry("PST", "-0800"),
            Map.entry("PDT", "-0700"));
    private static final List<Function<String, Long>> FORMS = List.of(
            text -> OffsetDateTime.parse(text).toInstant().toEpochMilli(),
            text -> ZonedDateTime.parse(text).toInstant().toEpochMilli(),
            text -> startOf(LocalDate.parse(text)),
            text -> startOf(YearMonth.parse(text).atDay(1)),
            text -> startOf(Year.parse(text).atDay(1)),
            text -> ZonedDateTime.parse(rfc822(text), RFC_822).toInstant().toEpochMilli());

    private Dates() {}

    /**
     * Epoch milliseconds, or {@link CrawlTarget#UNKNOWN_TIME} for a date that cannot be read or lies in the future.
     */
    static long parse(@Nullable String text, long nowMillis) {
        if (text == null || text.isBlank()) {
            return CrawlTarget.UNKNOWN_TIME;
        }
        for (Function<String, Long> form : FORMS) {
            try {
                long millis = form.apply(text.strip());
                return millis >= 0 && millis <= nowMillis ? millis : CrawlTarget.UNKNOWN_TIME;
            } catch (DateTimeException | ArithmeticException e) {
                // not this form, or a year beyond what milliseconds hold: the next one is tried
            }
        }
        return CrawlTarget.UNKNOWN_TIME;
    }

    private static long startOf(LocalDate day) {
        return day.atStartOfDay(ZoneOffset.UTC).toInstant().toEpochMilli();
    }

    private static String rfc822(String text) {
        String date = text.substring(text.indexOf(',') + 1).strip().replaceAll("\\s+", " ");
        int zone = date.lastIndexOf(' ');
        if (zone < 0) {
            return date;
        }
        String name = date.substring(zone + 1);
        return date.substring(0, zone + 1) + ZONES.getOrDefault(name.toUpperCase(Locale.ROOT), name.replace(":", ""));
    }
}
