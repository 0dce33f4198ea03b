package lenstream.connector.crawl;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lenstream.core.image.CrawlTarget;
import org.jspecify.annotations.Nullable;

/**
 * Dates of publication as sitemaps and feeds write them: W3C datetime in all its lengths, RFC 3339, RFC 822, the form of C's
 * {@code ctime}, and what stands in the wild for each: other zones, weekdays that are wrong, months in full, years of two
 * digits. A time without a zone is taken for UTC, a date without a time for its first moment.
 */
final class Dates {
    private static final int LONGEST = 100;
    private static final String TIME = "(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:[.,]\\d+)?)?";
    private static final String WEEKDAY = "(?:\\p{L}+[,.]?\\s+)?";

    /** Year, month, day; hour, minute, second; zone. */
    private static final Pattern ISO =
            Pattern.compile("(\\d{4})-?(\\d{2})-?(\\d{2})(?:(?:\\s+|[Tt])" + TIME + "\\s*(.*))?");

    /** Day, month, year; hour, minute, second; zone. */
    private static final Pattern RFC_822 = Pattern.compile(
            WEEKDAY + "(\\d{1,2})[ -]+([A-Za-z]{3,9})\\.?[ -]+(\\d{4}|\\d{2})(?:,?\\s+" + TIME + "\\s*(.*))?");

    /** Month, day; hour, minute, second; zone; year. */
    private static final Pattern CTIME = Pattern.compile(WEEKDAY + "([A-Za-z]{3,9})\\.?\\s+(\\d{1,2}),?\\s+(?:" + TIME
            + "\\s+([A-Z]{1,4}|[+-]\\d{4})?\\s*)?(\\d{4})");

    private static final Pattern OFFSET = Pattern.compile("(?:GMT|UTC)?([+-])(\\d{2}):?(\\d{2})");
    private static final List<String> MONTHS =
            List.of("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec");

    /** Hours of the zones that RFC 822 names. */
    private static final Map<String, Integer> ZONES = Map.ofEntries(
            Map.entry("", 0),
            Map.entry("GMT", 0),
            Map.entry("UT", 0),
            Map.entry("UTC", 0),
            Map.entry("Z", 0),
            Map.entry("EST", -5),
            Map.entry("EDT", -4),
            Map.entry("CST", -6),
            Map.entry("CDT", -5),
            Map.entry("MST", -7),
            Map.entry("MDT", -6),
            Map.entry("PST", -8),
            Map.entry("PDT", -7));

    private static final List<Function<String, Long>> FORMS = List.of(
            text -> OffsetDateTime.parse(text).toInstant().toEpochMilli(),
            text -> ZonedDateTime.parse(text).toInstant().toEpochMilli(),
            text -> startOf(LocalDate.parse(text)),
            Dates::loose,
            text -> startOf(YearMonth.parse(text).atDay(1)),
            text -> startOf(Year.parse(text).atDay(1)));

    private Dates() {}

    /**
     * Epoch milliseconds, or {@link CrawlTarget#UNKNOWN_TIME} for a date that cannot be read or lies in the future.
     */
    static long parse(@Nullable String text, long nowMillis) {
        if (text == null || text.isBlank() || text.length() > LONGEST) {
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

    private static long loose(String text) {
        Matcher iso = ISO.matcher(text);
        if (iso.matches()) {
            var day = LocalDate.of(number(iso, 1), number(iso, 2), number(iso, 3));
            return millis(day, iso, 4, iso.group(7));
        }
        Matcher rfc = RFC_822.matcher(text);
        if (rfc.matches()) {
            var day = LocalDate.of(year(number(rfc, 3)), month(rfc.group(2)), number(rfc, 1));
            return millis(day, rfc, 4, rfc.group(7));
        }
        Matcher ctime = CTIME.matcher(text);
        if (ctime.matches()) {
            var day = LocalDate.of(number(ctime, 7), month(ctime.group(1)), number(ctime, 2));
            return millis(day, ctime, 3, ctime.group(6));
        }
        throw new DateTimeException("not a date: " + text);
    }

    /** @param time number of the group of hours; minutes and seconds follow */
    private static long millis(LocalDate day, Matcher matcher, int time, @Nullable String zone) {
        if (matcher.group(time) == null) {
            return startOf(day);
        }
        int seconds = matcher.group(time + 2) == null ? 0 : number(matcher, time + 2);
        var clock = LocalTime.of(number(matcher, time), number(matcher, time + 1), Math.min(seconds, 59));
        return day.atTime(clock).toInstant(offset(zone == null ? "" : zone)).toEpochMilli();
    }

    private static ZoneOffset offset(String zone) {
        String name = zone.strip().toUpperCase(Locale.ROOT);
        Integer hours = ZONES.get(name);
        if (hours != null) {
            return ZoneOffset.ofHours(hours);
        }
        Matcher offset = OFFSET.matcher(name);
        if (!offset.matches()) {
            throw new DateTimeException("unknown zone " + zone);
        }
        int sign = offset.group(1).equals("-") ? -1 : 1;
        return ZoneOffset.ofHoursMinutes(sign * number(offset, 2), sign * number(offset, 3));
    }

    private static int month(String name) {
        int month = MONTHS.indexOf(name.substring(0, 3).toLowerCase(Locale.ROOT)) + 1;
        if (month == 0) {
            throw new DateTimeException("unknown month " + name);
        }
        return month;
    }

    private static int year(int written) {
        return written < 100 ? 2000 + written : written;
    }

    private static int number(Matcher matcher, int group) {
        return Integer.parseInt(matcher.group(group));
    }
}
