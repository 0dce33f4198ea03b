package lenstream.search;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lenstream.core.index.Field;

/**
 * How often values occur among the hits that can be paged through: the ranked neighbours, not the whole index.
 *
 * @param countedOver number of these hits
 * @param scope says what was counted, for people
 * @param fields the most frequent values of each field that was asked for, falling
 */
record Facets(@JsonProperty("counted_over") int countedOver, String scope, Map<String, List<Value>> fields) {
    /** What can be counted: names of the request. */
    static final List<String> FIELDS =
            List.of(Field.SITE, Field.HOST, Field.MIME, Field.LICENSE, Field.ORIENTATION, Field.COLOR, Field.LABEL);

    private static final int MOST = 20;
    private static final String SCOPE = "the hits of this search, at most " + ImageSearch.DEPTH + ", not the index";

    /** The field of the index that a facet counts: the same name, but that labels are those of an image's regions. */
    static String field(String facet) {
        return facet.equals(Field.LABEL) ? Field.REGION_LABEL : facet;
    }

    /** A value and the number of hits that have it. */
    record Value(String value, int count) {}

    /** @param values of each hit by field; a hit may lack a field or have several values of it */
    static Facets count(List<String> wanted, List<Map<String, List<String>>> values) {
        var fields = new LinkedHashMap<String, List<Value>>();
        for (String field : wanted) {
            var counts = new HashMap<String, Integer>();
            for (Map<String, List<String>> hit : values) {
                hit.getOrDefault(field, List.of()).forEach(value -> counts.merge(value, 1, Integer::sum));
            }
            var list = new ArrayList<Value>();
            counts.forEach((value, count) -> list.add(new Value(value, count)));
            list.sort(Comparator.comparingInt(Value::count).reversed().thenComparing(Value::value));
            fields.put(field, List.copyOf(list.subList(0, Math.min(MOST, list.size()))));
        }
        return new Facets(values.size(), SCOPE, fields);
    }
}
