package lenstream.connector.crawl;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Globs of URL paths: {@code *} stands for anything within a segment, {@code **} for anything, {@code ?} for one
 * character; {@code /news/**} matches {@code /news} too. A glob must match the whole path. Immutable, thread-safe.
 */
final class PathGlobs {
    private final List<Pattern> patterns;

    private PathGlobs(List<Pattern> patterns) {
        this.patterns = patterns;
    }

    /** @throws IllegalArgumentException if one does not begin with a slash or a star */
    static PathGlobs of(List<String> globs) {
        return new PathGlobs(globs.stream().map(PathGlobs::pattern).toList());
    }

    boolean isEmpty() {
        return patterns.isEmpty();
    }

    boolean matches(String path) {
        return patterns.stream().anyMatch(pattern -> pattern.matcher(path).matches());
    }

    private static Pattern pattern(String glob) {
        if (!glob.startsWith("/") && !glob.startsWith("*")) {
            throw new IllegalArgumentException("\"" + glob + "\" must begin with a slash, for example /news/**");
        }
        var regex = new StringBuilder();
        for (int i = 0; i < glob.length(); i++) {
            if (glob.startsWith("/**", i) && i + 3 == glob.length()) {
                regex.append("(?:/.*)?");
                i += 2;
            } else if (glob.startsWith("**", i)) {
                regex.append(".*");
                i++;
            } else {
                switch (glob.charAt(i)) {
                    case '*' -> regex.append("[^/]*");
                    case '?' -> regex.append("[^/]");
                    default -> regex.append(Pattern.quote(glob.substring(i, i + 1)));
                }
            }
        }
        return Pattern.compile(regex.toString());
    }
}
