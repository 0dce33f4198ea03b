package lenstream.search;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import lenstream.search.http.ProblemException;

/**
 * Where a page ended: the rank value and the id of its last hit. Hits are ordered by falling value, then by rising id, so
 * the next page begins behind this place even if images were added or removed in between. Opaque to clients.
 *
 * @param query hash of everything that decides the list, so that a cursor is not used with another search
 */
record Cursor(int query, double value, String id) {
    private static final byte FORM = 1;

    String text() {
        byte[] name = id.getBytes(StandardCharsets.UTF_8);
        byte[] bytes = ByteBuffer.allocate(13 + name.length)
                .put(FORM)
                .putInt(query)
                .putDouble(value)
                .put(name)
                .array();
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** @throws ProblemException if it is none of ours, or of another search */
    static Cursor parse(String text, int query) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(text));
            if (bytes.get() == FORM) {
                int found = bytes.getInt();
                double value = bytes.getDouble();
                byte[] name = new byte[bytes.remaining()];
                bytes.get(name);
                if (found == query) {
                    return new Cursor(found, value, new String(name, StandardCharsets.UTF_8));
                }
                throw ProblemException.badRequest(
                        "The cursor belongs to another search: send it with the same query, filter, mode, collapse, diversity, recency, min_score and min_cosine.");
            }
        } catch (IllegalArgumentException | BufferUnderflowException e) {
            throw refused();
        }
        throw refused();
    }

    /** Whether a hit lies behind this place. */
    boolean isBefore(double otherValue, String otherId) {
        int order = Double.compare(otherValue, value);
        return order < 0 || (order == 0 && otherId.compareTo(id) > 0);
    }

    private static ProblemException refused() {
        return ProblemException.badRequest("The cursor is not one of ours: take it from the answer before, unchanged.");
    }
}
