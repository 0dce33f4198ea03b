package lenstream.connector.crawl;

import java.util.Optional;

/** Picks from {@code srcset} attributes. Source: HTML standard, "Parsing a srcset attribute". */
final class Srcset {
    private Srcset() {}

    /**
     * A candidate.
     *
     * @param url as written
     * @param size its width in pixels, or its density times 1,000 where widths are not said
     * @param isWidth which of the two
     */
    record Candidate(String url, double size, boolean isWidth) {
        /** An address that says nothing of its size, in an element that may say its width. */
        static Candidate plain(String url, String width) {
            boolean said = width.strip().matches("[1-9][0-9]{0,5}");
            return said
                    ? new Candidate(url, Double.parseDouble(width.strip()), true)
                    : new Candidate(url, 1_000, false);
        }

        /** What says its width is larger than a plain address that does not; else only equal measures can be compared. */
        boolean isLargerThan(Candidate other) {
            boolean otherIsPlain = !other.isWidth && other.size == 1_000;
            return isWidth == other.isWidth ? size > other.size : isWidth && otherIsPlain;
        }
    }

    /** The largest candidate; the first of equals; those of {@code data:} URLs do not count. */
    static Optional<Candidate> best(String srcset) {
        Candidate best = null;
        int at = 0;
        int length = srcset.length();
        while (at < length) {
            while (at < length && (isSpace(srcset.charAt(at)) || srcset.charAt(at) == ',')) {
                at++;
            }
            int start = at;
            while (at < length && !isSpace(srcset.charAt(at))) {
                at++;
            }
            String url = srcset.substring(start, at);
            String descriptor = "";
            if (url.endsWith(",")) {
                url = url.replaceAll(",+$", "");
            } else {
                int end = srcset.indexOf(',', at);
                end = end < 0 ? length : end;
                descriptor = srcset.substring(at, end).strip();
                at = end;
            }
            if (!url.isEmpty() && !url.startsWith("data:")) {
                var candidate = new Candidate(url, size(descriptor), descriptor.endsWith("w"));
                best = best == null || candidate.size > best.size ? candidate : best;
            }
        }
        return Optional.ofNullable(best);
    }

    private static double size(String descriptor) {
        for (String part : descriptor.split("\\s+", -1)) {
            if (part.endsWith("w") || part.endsWith("x")) {
                try {
                    double value = Double.parseDouble(part.substring(0, part.length() - 1));
                    return part.endsWith("w") ? value : value * 1_000;
                } catch (NumberFormatException e) {
                    return 0; // an unreadable descriptor loses against every other
                }
            }
        }
        return 1_000; // none means 1x
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
    }
}
