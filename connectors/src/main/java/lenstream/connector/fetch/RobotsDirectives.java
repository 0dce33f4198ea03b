package lenstream.connector.fetch;

import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * What an answer says about its own use, in {@code X-Robots-Tag} headers or in a page's {@code <meta name="robots">}.
 * Immutable.
 *
 * @param noIndex the images must not be indexed: {@code none, noindex, noimageindex, noai, noimageai} or an {@code
 *     unavailable_after} that has passed
 * @param noFollow links must not be followed: {@code none, nofollow}
 */
public record RobotsDirectives(boolean noIndex, boolean noFollow) {
    public static final RobotsDirectives NONE = new RobotsDirectives(false, false);

    private static final Set<String> NO_INDEX = Set.of("none", "noindex", "noimageindex", "noai", "noimageai");
    private static final Set<String> NO_FOLLOW = Set.of("none", "nofollow");
    private static final Set<String> WITH_VALUE =
            Set.of("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview");

    /**
     * Directives from header values. A value may begin with a product token and a colon; it then holds only for that
     * crawler.
     */
    public static RobotsDirectives ofHeaders(List<String> values, Instant now) {
        RobotsDirectives all = NONE;
        for (String value : values) {
            int colon = value.indexOf(':');
            String name = colon < 0 ? "" : value.substring(0, colon).strip().toLowerCase(Locale.ROOT);
            boolean hasToken = colon > 0 && name.indexOf(',') < 0 && !WITH_VALUE.contains(name);
            if (!hasToken || name.equals(RobotsRules.TOKEN)) {
                all = all.and(ofContent(hasToken ? value.substring(colon + 1) : value, now));
            }
        }
        return all;
    }

    /** Directives from the content of a meta element. */
    public static RobotsDirectives ofContent(String content, Instant now) {
        String text = content.toLowerCase(Locale.ROOT);
        boolean noIndex = false;
        boolean noFollow = false;
        int after = text.indexOf("unavailable_after");
        if (after >= 0) {
            noIndex = passed(content.substring(after + "unavailable_after".length()), now);
            text = text.substring(0, after);
        }
        for (String directive : text.split("[,\\s]+", -1)) {
            noIndex |= NO_INDEX.contains(directive);
            noFollow |= NO_FOLLOW.contains(directive);
        }
        return new RobotsDirectives(noIndex, noFollow);
    }

    /** Both, the stricter wins. */
    public RobotsDirectives and(RobotsDirectives other) {
        return new RobotsDirectives(noIndex || other.noIndex, noFollow || other.noFollow);
    }

    private static boolean passed(String rest, Instant now) {
        String date = rest.strip();
        date = date.startsWith(":") ? date.substring(1).strip() : date;
        var http = HttpTimes.parse(date);
        if (http.isPresent()) {
            return http.get().isBefore(now);
        }
        String first = date.split("[,\\s]", -1)[0];
        try {
            return first.length() <= 10
                    ? LocalDate.parse(first)
                            .atStartOfDay(ZoneOffset.UTC)
                            .toInstant()
                            .isBefore(now)
                    : OffsetDateTime.parse(first).toInstant().isBefore(now);
        } catch (DateTimeParseException e) {
            return false; // a date that cannot be read forbids nothing
        }
    }
}
