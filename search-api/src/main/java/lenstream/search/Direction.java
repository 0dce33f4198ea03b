package lenstream.search;

import java.util.List;

/**
 * Where a query leads.
 *
 * @param vector unit length; never written after construction
 * @param length of the weighted sum of the parts' unit vectors before it was made a unit; 1 for a single query
 * @param parts of a query that has several; empty for a single one
 */
record Direction(float[] vector, double length, List<Part> parts) {
    /**
     * @param label names the query for people
     * @param unit its vector, unit length; never written after construction
     */
    record Part(String label, double weight, float[] unit) {}

    static Direction of(float[] vector) {
        return new Direction(vector, 1, List.of());
    }
}
