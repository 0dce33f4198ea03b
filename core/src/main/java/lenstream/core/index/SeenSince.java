package lenstream.core.index;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import lenstream.core.image.CrawlTarget;

/**
 * The images of the web of which an index has learnt something since a moment: those that it shows and those that it
 * rejects, with the context in which they were found. Blocks; does not own its client.
 */
public final class SeenSince {
    private static final int PAGE = 1_000;

    private static final List<String> CONTEXT = List.of(
            Field.URL,
            Field.HOST,
            Field.SITE,
            Field.PAGE_URL,
            Field.TITLE,
            Field.ALT,
            Field.CAPTION,
            Field.CREDIT,
            Field.LICENSE,
            Field.PUBLISHED,
            Field.VIA);

    private SeenSince() {}

    /**
     * Gives the images out in parts of at most {@value #PAGE}.
     *
     * @param index of images or of rejections; one that is not there holds none
     * @param since inclusive
     * @return how many there were
     */
    public static long in(IndexClient client, String index, Instant since, Consumer<List<CrawlTarget>> to) {
        if (client.send("HEAD", "/" + index, null).status() == 404) {
            return 0;
        }
        client.required(client.send("POST", "/" + index + "/_refresh", null));
        ObjectNode query = JsonNodeFactory.instance.objectNode();
        query.putObject("range").putObject(Field.OBSERVED).put("gte", since.toString());
        long now = System.currentTimeMillis();
        long seen = 0;
        var part = new ArrayList<CrawlTarget>();
        try (var scan = new IndexScan(client, index, CONTEXT, query, PAGE)) {
            while (scan.hasNext()) {
                CrawlTarget target = DeadLetters.target(scan.next().source(), now);
                if (target.url().startsWith("http")) {
                    part.add(target);
                    seen++;
                }
                if (part.size() == PAGE || (!scan.hasNext() && !part.isEmpty())) {
                    to.accept(List.copyOf(part));
                    part.clear();
                }
            }
        }
        return seen;
    }
}
