package lenstream.connector.fetch;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lenstream.core.web.WebResponse;
import org.jspecify.annotations.Nullable;

/**
 * What an answer says about its own use, in {@code X-Robots-Tag} and {@code tdm-reservation} headers or in a page's
 * {@code <meta name="robots">}. Immutable. Sources: Google's "Robots meta tag, data-nosnippet, and X-Robots-Tag
 * specifications"; W3C community group report "TDM Reservation Protocol".
 *
 * @param denial the directive because of which images must not be indexed, as it was written: {@code none, noindex,
 *     noimageindex, noai, noimageai}, an {@code unavailable_after} that has passed or {@code tdm-reservation: 1}; null if
 *     they may
 * @param noFollow links must not be followed: {@code none, nofollow}
 */
public record RobotsDirectives(@Nullable String denial, boolean noFollow) {
    public static final RobotsDirectives NONE = new RobotsDirectives(null, false);

    private static final Set<String> NO_INDEX = Set.of("none", "noindex", "noimageindex", "noai", "noimageai");
    private static final Set<String> NO_FOLLOW = Set.of("none", "nofollow");
    private static final String UNAVAILABLE_AFTER = "unavailable_after";
    private static final Set<String> WITH_VALUE =
            Set.of(UNAVAILABLE_AFTER, "max-snippet", "max-image-preview", "max-video-preview");
    private static final Pattern NAMED = Pattern.compile("([A-Za-z0-9_.*-]+)\\s*:\\s*(.*)", Pattern.DOTALL);
    private static final String RESERVED = "1";

    /** What the headers of an answer say. */
    public static RobotsDirectives of(WebResponse response, Instant now) {
        RobotsDirectives tags = ofHeaders(response.headers("x-robots-tag"), now);
        boolean reserved = response.headers("tdm-reservation").stream()
                .anyMatch(value -> value.strip().equals(RESERVED));
        return reserved ? tags.and(tdmReserved()) : tags;
    }

    /**
     * Directives from the values of {@code X-Robots-Tag} headers. A product token and a colon make what follows, up to
     * the next token, hold for that crawler alone.
     */
    static RobotsDirectives ofHeaders(List<String> values, Instant now) {
        RobotsDirectives all = NONE;
        for (String value : values) {
            all = all.and(read(value, "X-Robots-Tag: ", now));
        }
        return all;
    }

    /** What a page's meta element says to us; nothing unless it is a robots or TDM element. */
    public static RobotsDirectives ofMeta(String name, String content, Instant now) {
        return switch (name.strip().toLowerCase(Locale.ROOT)) {
            case "robots", RobotsRules.TOKEN -> read(content, "meta robots: ", now);
            case "tdm-reservation" -> content.strip().equals(RESERVED) ? tdmReserved() : NONE;
            default -> NONE;
        };
    }

    public boolean noIndex() {
        return denial != null;
    }

    /** Both, the stricter wins. */
    public RobotsDirectives and(RobotsDirectives other) {
        return new RobotsDirectives(denial == null ? other.denial : denial, noFollow || other.noFollow);
    }

    private static RobotsDirectives tdmReserved() {
        return new RobotsDirectives("tdm-reservation: " + RESERVED, false);
    }

    private static RobotsDirectives read(String list, String where, Instant now) {
        String denial = null;
        boolean noFollow = false;
        boolean ours = true;
        for (String written : directives(list)) {
            String directive = written;
            Matcher named = NAMED.matcher(directive);
            if (named.matches() && !WITH_VALUE.contains(lower(named.group(1)))) {
                String token = lower(named.group(1));
                ours = token.equals(RobotsRules.TOKEN) || token.equals("*");
                directive = named.group(2);
                named = NAMED.matcher(directive);
            }
            if (!ours) {
                continue;
            }
            boolean denies;
            if (named.matches()) {
                denies = lower(named.group(1)).equals(UNAVAILABLE_AFTER) && isPast(named.group(2), now);
            } else {
                List<String> words = List.of(lower(directive).split("\\s+", -1));
                denies = words.stream().anyMatch(NO_INDEX::contains);
                noFollow |= words.stream().anyMatch(NO_FOLLOW::contains);
            }
            denial = denies && denial == null ? where + directive : denial;
        }
        return new RobotsDirectives(denial, noFollow);
    }

    /** The parts between commas, except that the comma of a date after its weekday separates nothing. */
    private static List<String> directives(String list) {
        var parts = new ArrayList<String>();
        for (String part : list.split(",", -1)) {
            String last = parts.isEmpty() ? "" : lower(parts.getLast());
            if (last.contains(UNAVAILABLE_AFTER) && last.matches(".*:\\s*(mon|tue|wed|thu|fri|sat|sun)[a-z]*")) {
                parts.set(parts.size() - 1, parts.getLast() + ", " + part.strip());
            } else if (!part.isBlank()) {
                parts.add(part.strip());
            }
        }
        return parts;
    }

    /** A date that cannot be read forbids nothing. */
    private static boolean isPast(String date, Instant now) {
        Optional<Instant> at = HttpTimes.parseLenient(date);
        return at.isPresent() && at.get().isBefore(now);
    }

    private static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }
}
