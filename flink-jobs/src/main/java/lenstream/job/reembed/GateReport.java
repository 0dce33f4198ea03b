package lenstream.job.reembed;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What the gate measured and what it makes of it. Immutable.
 *
 * @param from fingerprint of the old space
 * @param to fingerprint of the new one
 * @param checks one a rule
 * @param facts what was measured besides, for people
 */
public record GateReport(String from, String to, List<Check> checks, List<String> facts) {
    public GateReport {
        checks = List.copyOf(checks);
        facts = List.copyOf(facts);
    }

    /**
     * A measured value against its rule.
     *
     * @param value NaN if there was nothing to measure, which passes
     * @param atLeast whether the value must be at least {@code limit}, else at most
     */
    public record Check(String name, double value, boolean atLeast, double limit, String meaning) {
        public boolean passed() {
            return Double.isNaN(value) || (atLeast ? value >= limit : value <= limit);
        }

        String line() {
            return String.format(
                    Locale.ROOT,
                    "  %-7s %-22s %s  (%s %.4g)  %s",
                    passed() ? "ok" : "REFUSED",
                    name,
                    Double.isNaN(value) ? "nothing to measure" : String.format(Locale.ROOT, "%.4f", value),
                    atLeast ? "at least" : "at most",
                    limit,
                    meaning);
        }
    }

    public boolean passed() {
        return checks.stream().allMatch(Check::passed);
    }

    /** The checks that failed, as one sentence. */
    public String refusal() {
        var failed = new ArrayList<String>();
        for (Check check : checks) {
            if (!check.passed()) {
                failed.add(String.format(
                        Locale.ROOT,
                        "%s is %.4f, %s %.4g is asked",
                        check.name(),
                        check.value(),
                        check.atLeast() ? "at least" : "at most",
                        check.limit()));
            }
        }
        return String.join("; ", failed);
    }

    /** For people. */
    public String text() {
        var text = new StringBuilder("gate: " + from + " -> " + to + (passed() ? ": passed\n" : ": REFUSED\n"));
        checks.forEach(check -> text.append(check.line()).append('\n'));
        facts.forEach(fact -> text.append("  ").append(fact).append('\n'));
        return text.toString();
    }

    public ObjectNode json() {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("from", from)
                .put("to", to)
                .put("passed", passed());
        ArrayNode list = json.putArray("checks");
        for (Check check : checks) {
            ObjectNode one = list.addObject().put("name", check.name()).put("passed", check.passed());
            if (Double.isNaN(check.value())) {
                one.putNull("value");
            } else {
                one.put("value", check.value());
            }
            one.put(check.atLeast() ? "at_least" : "at_most", check.limit()).put("meaning", check.meaning());
        }
        facts.forEach(json.putArray("facts")::add);
        return json;
    }
}
