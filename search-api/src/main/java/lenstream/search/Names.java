package lenstream.search;

import java.util.List;
import lenstream.core.config.Nearest;
import lenstream.search.http.ProblemException;

/** Refuses names that are not known, with the nearest known one. */
final class Names {
    private static final int LONGEST = 60;

    private Names() {}

    /**
     * @param where what stands before the name, such as {@code filter.}
     * @param name as it was sent, of any length
     */
    static ProblemException unknown(String where, String name, List<String> known) {
        String shown = name.length() <= LONGEST ? name : name.substring(0, LONGEST) + "…";
        return ProblemException.badRequest("\"" + where + shown + "\" is not known" + Nearest.suggestion(shown, known));
    }
}
