package lenstream.connector.fetch;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The {@code Content-Signal} lines of a robots.txt, such as {@code Content-Signal: search=yes, ai-train=no}. A line
 * belongs to its group as Allow and Disallow do: those of the groups that name our token count, or else those of the
 * {@code *} groups; a line before every group counts for all. Only {@code search} concerns an image search. Of several
 * lines that count the strictest wins; what cannot be read signals nothing. Source: contentsignals.org.
 */
final class ContentSignals {
    /** The signal that keeps us out, as a rejection quotes it. */
    static final String NO_SEARCH = "Content-Signal: search=no";

    private static final Pattern LINE_END = Pattern.compile("\\r\\n|\\r|\\n");
    private static final Pattern TOKEN_END = Pattern.compile("[^a-z_-]");

    private ContentSignals() {}

    /** @param token our product token, in lower case */
    static boolean denySearch(String robotsTxt, String token) {
        boolean everybody = false;
        boolean others = false;
        boolean ours = false;
        boolean weAreNamed = false;
        boolean inAgents = false;
        boolean groupIsOurs = false;
        boolean groupIsOthers = false;
        boolean beforeGroups = true;
        for (String raw : LINE_END.split(robotsTxt, -1)) {
            String line = raw.replaceFirst("#.*", "").strip().toLowerCase(Locale.ROOT);
            int colon = line.indexOf(':');
            if (colon < 0) {
                continue;
            }
            String name = line.substring(0, colon).strip();
            String value = line.substring(colon + 1).strip();
            switch (name) {
                case "user-agent" -> {
                    groupIsOurs = (inAgents && groupIsOurs) || TOKEN_END.split(value, 2)[0].equals(token);
                    groupIsOthers = (inAgents && groupIsOthers) || value.equals("*");
                    weAreNamed |= groupIsOurs;
                    inAgents = true;
                    beforeGroups = false;
                }
                case "allow", "disallow" -> inAgents = false;
                case "content-signal" -> {
                    inAgents = false;
                    boolean denies = saysNoSearch(value);
                    everybody |= denies && beforeGroups;
                    ours |= denies && groupIsOurs;
                    others |= denies && groupIsOthers;
                }
                default -> {} // a line that belongs to no group ends none
            }
        }
        return everybody || (weAreNamed ? ours : others);
    }

    private static boolean saysNoSearch(String signals) {
        for (String signal : signals.split("[,;]", -1)) {
            if (signal.replaceAll("\\s", "").equals("search=no")) {
                return true;
            }
        }
        return false;
    }
}
