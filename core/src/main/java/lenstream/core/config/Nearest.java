package lenstream.core.config;

import java.util.List;
import java.util.Locale;

/** Finds what a misspelt name may have meant. */
public final class Nearest {
    private Nearest() {}

    /**
     * The end of a sentence such as {@code "x is not known"}: the known name with the smallest edit distance, if it is
     * near enough to be a slip, else all of them.
     */
    public static String suggestion(String name, List<String> known) {
        String best = "";
        int bestDistance = Math.max(2, name.length() / 3) + 1;
        for (String candidate : known) {
            int distance = distance(name.toLowerCase(Locale.ROOT), candidate);
            if (distance < bestDistance) {
                bestDistance = distance;
                best = candidate;
            }
        }
        return best.isEmpty() ? "; known here: " + String.join(", ", known) : "; did you mean " + best + "?";
    }

    private static int distance(String a, String b) {
        var previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            var current = new int[b.length() + 1];
            current[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int swap = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(swap, Math.min(previous[j], current[j - 1]) + 1);
            }
            previous = current;
        }
        return previous[b.length()];
    }
}
