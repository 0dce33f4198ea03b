package lenstream.core.ledger;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Locale;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import lenstream.core.index.Field;
import org.jspecify.annotations.Nullable;

/**
 * One line of the ledger: what was decided about an image, when, and why. Decisions in a row that are alike share a line,
 * which says how many they were; so an image that never changes does not fill the ledger. Crosses Flink edges as a POJO;
 * immutable.
 *
 * @param target the image and where it was found
 * @param key tells the lines of one image apart; writing one again replaces it
 * @param stage that decided
 * @param outcome what it decided
 * @param reason why it was refused; null if it was not
 * @param detail for people: what was tried and what came of it
 * @param robots the line of robots.txt that decided, or that there is none; null where it was not looked at
 * @param atMillis when, epoch ms; of several the last
 * @param sinceMillis of several the first
 * @param times how many
 * @param nextMillis when the image is visited again by itself, epoch ms; 0 for never or not known
 */
public record LedgerEntry(
        CrawlTarget target,
        String key,
        Stage stage,
        Outcome outcome,
        @Nullable Reason reason,
        String detail,
        @Nullable String robots,
        long atMillis,
        long sinceMillis,
        int times,
        long nextMillis) {

    private static final int LONGEST_TEXT = 2_000;

    /** What was decided. */
    public enum Outcome {
        /** It waits for its host. */
        WAITING,
        /** It was downloaded for the first time. */
        NEW,
        /** It was downloaded with other bytes than before. */
        CHANGED,
        /** It is as it was. */
        UNCHANGED,
        /** It did not answer; what is known of it stays. */
        NO_ANSWER,
        /** It is no longer there, and is withdrawn. */
        GONE,
        /** It will not be indexed. */
        REJECTED,
        /** It was decoded, embedded and sent to the index. */
        EMBEDDED,
        /** It was taken down, and stays out. */
        TAKEN_DOWN;

        /** In documents, such as {@code no_answer}. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The line of an event that happened once. */
    public static LedgerEntry once(
            CrawlTarget target, Stage stage, Outcome outcome, @Nullable Reason reason, String detail, long atMillis) {
        String key = outcome.label() + "-" + Long.toString(atMillis, Character.MAX_RADIX);
        return new LedgerEntry(target, key, stage, outcome, reason, detail, null, atMillis, atMillis, 1, 0);
    }

    /** The document's id. */
    public String id() {
        return target.id() + "-" + key;
    }

    /** The document as UTF-8 JSON on one line. */
    public byte[] json() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put(Field.IMAGE, target.id());
        json.put(Field.URL, target.url());
        json.put(Field.HOST, cut(target.host()));
        json.put(Field.SITE, cut(target.site()));
        if (target.pageUrl() != null) {
            json.put(Field.PAGE_URL, target.pageUrl());
        }
        json.put(Field.VIA, target.via());
        time(json, Field.DISCOVERED, target.discoveredAtMillis());
        if (target.publishedAtMillis() != CrawlTarget.UNKNOWN_TIME) {
            time(json, Field.PUBLISHED, target.publishedAtMillis());
        }
        json.put(Field.STAGE, stage.name());
        json.put(Field.OUTCOME, outcome.label());
        if (reason != null) {
            json.put(Field.REASON, reason.name());
        }
        json.put(Field.DETAIL, cut(detail));
        if (robots != null) {
            json.put(Field.ROBOTS, cut(robots));
        }
        time(json, Field.AT, atMillis);
        time(json, Field.SINCE, sinceMillis);
        json.put(Field.TIMES, times);
        if (nextMillis > 0) {
            time(json, Field.NEXT, nextMillis);
        }
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void time(ObjectNode json, String field, long epochMillis) {
        json.put(field, Instant.ofEpochMilli(epochMillis).toString());
    }

    /** A lone half of a surrogate pair at the cut becomes "?" when the text is written as UTF-8. */
    private static String cut(String text) {
        return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT);
    }
}
