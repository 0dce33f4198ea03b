package lenstream.core.ledger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import lenstream.core.index.Field;
import org.jspecify.annotations.Nullable;

/**
 * Why an image is, or is not, in the index: a verdict in one sentence, and the events that led to it. Immutable.
 *
 * @param url canonical
 * @param id of the image's document
 * @param verdict for programs
 * @param sentence the verdict for people
 * @param events oldest first
 * @param duplicates other images with the same content, the oldest first; a few of them
 * @param nextVisit when it is visited again by itself; null for never or not known
 */
public record Explanation(
        String url,
        String id,
        Verdict verdict,
        String sentence,
        List<Event> events,
        List<String> duplicates,
        @Nullable Instant nextVisit) {

    /** How long an image may be on its way from the web to the searcher before that calls for a look. */
    private static final Duration ON_ITS_WAY = Duration.ofMinutes(5);

    /** Where an image stands. */
    public enum Verdict {
        INDEXED,
        WAITING,
        IN_PROGRESS,
        REJECTED,
        GONE,
        TAKEN_DOWN,
        MISSING,
        UNKNOWN;

        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * One event.
     *
     * @param what happened, one word
     * @param detail in plain words
     */
    public record Event(Instant at, String what, String detail) {}

    public Explanation {
        events = List.copyOf(events);
        duplicates = List.copyOf(duplicates);
    }

    /**
     * Draws the conclusion.
     *
     * @param lines of the ledger, newest first
     * @param image its document; null if it cannot be found
     * @param index that holds it
     * @param rejection its dead letter; null if there is none
     * @param takedown the command that keeps it out; null if there is none
     * @param ofHost how many lines the ledger has of its host, where it has none of the image
     */
    static Explanation of(
            String url,
            String id,
            List<JsonNode> lines,
            @Nullable JsonNode image,
            String index,
            @Nullable JsonNode rejection,
            List<String> duplicates,
            @Nullable JsonNode takedown,
            long ofHost) {
        var events = new ArrayList<Event>();
        lines.forEach(line -> tell(line, events));
        if (image != null) {
            if (lines.isEmpty()) {
                discovered(image, events);
            }
            events.add(new Event(
                    time(image, Field.INDEXED),
                    "indexed",
                    "document " + id + " in " + index + ", "
                            + image.path(Field.WIDTH).asInt() + " x "
                            + image.path(Field.HEIGHT).asInt() + " pixels"));
        }
        if (rejection != null && (lines.isEmpty() || isOfALaterStage(rejection))) {
            events.add(new Event(time(rejection, Field.OBSERVED), "rejected", refusal(rejection)));
        }
        if (takedown != null) {
            String subject = takedown.at("/_source/subject").asText();
            Instant issued = Instant.ofEpochMilli(takedown.at("/_source/issued").asLong());
            events.add(new Event(issued, "take-down", "of " + subject));
        }
        events.sort(Comparator.comparing(Event::at));
        JsonNode last = lines.isEmpty() ? null : lines.getFirst();
        Verdict verdict = takedown == null ? verdict(last, image, rejection) : Verdict.TAKEN_DOWN;
        return new Explanation(
                url,
                id,
                verdict,
                takedown == null ? sentence(verdict, last, image, rejection, ofHost) : takenDown(takedown, image),
                events.stream().distinct().toList(),
                duplicates,
                lines.stream()
                        .filter(line -> line.has(Field.NEXT) && isVisit(line))
                        .findFirst()
                        .map(line -> time(line, Field.NEXT))
                        .orElse(null));
    }

    private static Verdict verdict(@Nullable JsonNode last, @Nullable JsonNode image, @Nullable JsonNode rejection) {
        String outcome = last == null ? "" : last.path(Field.OUTCOME).asText();
        if (outcome.equals(LedgerEntry.Outcome.TAKEN_DOWN.label())) {
            return Verdict.TAKEN_DOWN;
        }
        if (image != null) {
            return Verdict.INDEXED;
        }
        if (outcome.equals(LedgerEntry.Outcome.GONE.label())) {
            return Verdict.GONE;
        }
        if (outcome.equals(LedgerEntry.Outcome.WAITING.label())) {
            return Verdict.WAITING;
        }
        if (rejection != null || outcome.equals(LedgerEntry.Outcome.REJECTED.label())) {
            return Verdict.REJECTED;
        }
        if (last == null) {
            return Verdict.UNKNOWN;
        }
        Instant at = time(last, Field.AT);
        return at.plus(ON_ITS_WAY).isAfter(Instant.now()) ? Verdict.IN_PROGRESS : Verdict.MISSING;
    }

    private static String sentence(
            Verdict verdict,
            @Nullable JsonNode last,
            @Nullable JsonNode image,
            @Nullable JsonNode rejection,
            long ofHost) {
        return switch (verdict) {
            case INDEXED -> "It is in the index and can be found.";
            case WAITING -> "It was discovered and waits for its host's turn.";
            case IN_PROGRESS -> "It was downloaded and is on its way into the index.";
            case REJECTED -> "It is not in the index: " + why(rejection != null ? rejection : last);
            case GONE -> "It was taken out of the index, for it is no longer there: " + why(last);
            case TAKEN_DOWN ->
                "It was taken down" + (image == null ? "" : " and is just leaving the index") + ": " + why(last);
            case MISSING ->
                "It was downloaded, but the index does not hold it: was the index deleted, or does the job stand still?";
            case UNKNOWN ->
                "Nothing is known of it: no site, feed or page that is crawled has named it."
                        + (ofHost == 0
                                ? " Nothing is known of its host either."
                                : " Of its host the ledger has " + ofHost
                                        + " lines: see whether include, exclude or max_images leave it out.");
        };
    }

    private static String takenDown(JsonNode takedown, @Nullable JsonNode image) {
        return "A take-down of " + takedown.at("/_source/subject").asText() + " keeps it out of the index"
                + (image == null ? "." : ", which it is just leaving.");
    }

    private static String why(@Nullable JsonNode line) {
        return line == null ? "" : refusal(line);
    }

    private static String refusal(JsonNode line) {
        String reason = line.path(Field.REASON).asText();
        String detail = line.path(Field.DETAIL).asText();
        return reason.isEmpty() ? detail : reason + " (" + detail + ")";
    }

    private static boolean isOfALaterStage(JsonNode rejection) {
        return rejection.path(Field.STAGE).asText().equals("INDEX");
    }

    private static boolean isVisit(JsonNode line) {
        return line.path(Field.STAGE).asText().equals("FETCH");
    }

    private static void tell(JsonNode line, List<Event> events) {
        discovered(line, events);
        String outcome = line.path(Field.OUTCOME).asText();
        String detail = outcome.equals(LedgerEntry.Outcome.REJECTED.label())
                        || outcome.equals(LedgerEntry.Outcome.GONE.label())
                        || outcome.equals(LedgerEntry.Outcome.NO_ANSWER.label())
                ? refusal(line)
                : line.path(Field.DETAIL).asText();
        int times = line.path(Field.TIMES).asInt(1);
        Instant at = time(line, Field.AT);
        if (line.has(Field.ROBOTS)) {
            events.add(new Event(at, "robots", line.path(Field.ROBOTS).asText()));
        }
        events.add(new Event(
                at,
                outcome.replace('_', ' '),
                times <= 1 ? detail : detail + ", " + times + " visits in a row since " + time(line, Field.SINCE)));
    }

    private static void discovered(JsonNode line, List<Event> events) {
        if (!line.has(Field.DISCOVERED)) {
            return;
        }
        String page = line.path(Field.PAGE_URL).asText("");
        String published = line.path(Field.PUBLISHED).asText("");
        events.add(new Event(
                time(line, Field.DISCOVERED),
                "discovered",
                "by " + line.path(Field.VIA).asText() + ", at "
                        + line.path(Field.SITE).asText()
                        + (page.isEmpty() ? "" : ", on page " + page)
                        + (published.isEmpty() ? "" : ", published " + published)));
    }

    private static Instant time(JsonNode json, String field) {
        String text = json.path(field).asText("");
        return text.isEmpty() ? Instant.EPOCH : Instant.parse(text);
    }

    /** For programs. */
    public ObjectNode json() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put(Field.URL, url)
                .put(Field.ID, id)
                .put("verdict", verdict.label())
                .put("sentence", sentence);
        if (nextVisit != null) {
            json.put("next_visit", nextVisit.toString());
        }
        var told = json.putArray("events");
        events.forEach(event -> told.addObject()
                .put(Field.AT, event.at().toString())
                .put("what", event.what())
                .put(Field.DETAIL, event.detail()));
        var same = json.putArray("duplicates");
        duplicates.forEach(same::add);
        return json;
    }

    /** For people: the verdict and a timeline. */
    public String text() {
        var text = new StringBuilder(url).append("\n  ").append(sentence).append("\n");
        if (!events.isEmpty()) {
            text.append('\n');
        }
        events.forEach(event -> line(text, event.at(), event.what(), event.detail()));
        if (!duplicates.isEmpty()) {
            text.append("  has the same content as ")
                    .append(String.join(", ", duplicates))
                    .append('\n');
        }
        if (nextVisit != null) {
            line(text, nextVisit, "next visit", "about then, unless something names it sooner");
        }
        return text.toString();
    }

    private static void line(StringBuilder text, Instant at, String what, String detail) {
        text.append(String.format(
                Locale.ROOT,
                "  %-24s  %-11s %s%n",
                at.truncatedTo(java.time.temporal.ChronoUnit.MILLIS),
                what,
                detail));
    }
}
