package lenstream.connector.crawl;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a site's crawl stands; changes only by {@link #apply}. Its size is bounded by the site's own limits: some 24
 * bytes for each of at most {@code max_images} URLs named since the last full round, and an entry for each of at most
 * {@code max_pages} pages and {@link SiteWalk#MAX_LISTS} sitemaps and feeds. Confined to one thread.
 */
public final class SiteState {
    private long round;
    private boolean inRound;
    private boolean full;
    private String run = "";
    private long lastFullAtMillis;
    private long nextRoundAtMillis;
    private int pages;
    private SeenUrls seen = new SeenUrls();
    private final Map<String, KnownResource> resources = new LinkedHashMap<>();
    private final ArrayDeque<String> lists = new ArrayDeque<>();
    private final ArrayDeque<String> pageQueue = new ArrayDeque<>();

    SiteState() {}

    void apply(SiteEvent event) {
        switch (event) {
            case SiteEvent.RoundStarted started -> start(started);
            case SiteEvent.RoundResumed resumed -> run = resumed.run();
            case SiteEvent.Queued queued -> queue(queued.resource());
            case SiteEvent.Found found -> seen.put(SeenUrls.key(found.target().url()), found.stamp());
            case SiteEvent.Visited visited -> visited(visited);
            case SiteEvent.RoundEnded ended -> end(ended);
        }
    }

    private void start(SiteEvent.RoundStarted started) {
        round++;
        inRound = true;
        full = started.full();
        run = started.run();
        resources.replaceAll((url, known) -> known.notWaiting());
        lists.clear();
        pageQueue.clear();
        if (full) {
            lastFullAtMillis = started.atMillis();
            seen.clear();
        }
        started.agenda().forEach(this::queue);
    }

    private void queue(Resource resource) {
        KnownResource known = resources.get(resource.url());
        if (known == null) {
            known = KnownResource.of(resource, 0);
            pages += resource.kind() == Kind.PAGE ? 1 : 0;
        } else if (known.round() == round) {
            return; // its turn came or comes in this round
        }
        resources.put(resource.url(), known.queued(resource, round));
        enqueue(resource);
    }

    private void enqueue(Resource resource) {
        (resource.kind() == Kind.PAGE ? pageQueue : lists).add(resource.url());
    }

    private void visited(SiteEvent.Visited visited) {
        lists.remove(visited.url());
        pageQueue.remove(visited.url());
        KnownResource before = resources.get(visited.url());
        int wasPage = before != null && before.resource().kind() == Kind.PAGE ? 1 : 0;
        KnownResource after = visited.known();
        if (after == null) {
            resources.remove(visited.url());
            pages -= wasPage;
        } else {
            resources.put(visited.url(), after);
            pages += (after.resource().kind() == Kind.PAGE ? 1 : 0) - wasPage;
        }
    }

    private void end(SiteEvent.RoundEnded ended) {
        inRound = false;
        nextRoundAtMillis = ended.nextRoundAtMillis();
        if (full) {
            resources.values().removeIf(known -> known.round() != round);
            pages = (int) resources.values().stream()
                    .filter(known -> known.resource().kind() == Kind.PAGE)
                    .count();
        }
    }

    boolean inRound() {
        return inRound;
    }

    /** Whether the round, or the last one, asks for everything again. */
    boolean full() {
        return full;
    }

    long round() {
        return round;
    }

    /** The submission of the job to which the round belongs. */
    String run() {
        return run;
    }

    long lastFullAtMillis() {
        return lastFullAtMillis;
    }

    long nextRoundAtMillis() {
        return nextRoundAtMillis;
    }

    /** Pages among the known resources. */
    int pages() {
        return pages;
    }

    SeenUrls seen() {
        return seen;
    }

    Collection<KnownResource> resources() {
        return resources.values();
    }

    @Nullable
    KnownResource resource(String url) {
        return resources.get(url);
    }

    /** The resource whose turn it is: lists before pages. */
    @Nullable
    KnownResource next() {
        String url = lists.isEmpty() ? pageQueue.peek() : lists.peek();
        return url == null ? null : resources.get(url);
    }

    /** Resources still to be visited in this round. */
    int waiting() {
        return lists.size() + pageQueue.size();
    }

    SiteState copy() {
        var copy = new SiteState();
        copy.round = round;
        copy.inRound = inRound;
        copy.full = full;
        copy.run = run;
        copy.lastFullAtMillis = lastFullAtMillis;
        copy.nextRoundAtMillis = nextRoundAtMillis;
        copy.pages = pages;
        copy.seen = seen.copy();
        copy.resources.putAll(resources);
        copy.lists.addAll(lists);
        copy.pageQueue.addAll(pageQueue);
        return copy;
    }

    void write(DataOutput out) throws IOException {
        out.writeLong(round);
        out.writeBoolean(inRound);
        out.writeBoolean(full);
        out.writeUTF(run);
        out.writeLong(lastFullAtMillis);
        out.writeLong(nextRoundAtMillis);
        seen.write(out);
        out.writeInt(resources.size());
        for (KnownResource known : resources.values()) {
            known.write(out);
        }
    }

    static SiteState read(DataInput in, int version) throws IOException {
        var state = new SiteState();
        state.round = in.readLong();
        state.inRound = in.readBoolean();
        state.full = in.readBoolean();
        state.run = in.readUTF();
        state.lastFullAtMillis = in.readLong();
        state.nextRoundAtMillis = in.readLong();
        state.seen = SeenUrls.read(in);
        int size = in.readInt();
        var waiting = new ArrayList<Resource>();
        for (int i = 0; i < size; i++) {
            KnownResource known = KnownResource.read(in, version);
            state.resources.put(known.resource().url(), known);
            state.pages += known.resource().kind() == Kind.PAGE ? 1 : 0;
            if (known.waiting()) {
                waiting.add(known.resource());
            }
        }
        waiting.forEach(state::enqueue);
        return state;
    }
}
