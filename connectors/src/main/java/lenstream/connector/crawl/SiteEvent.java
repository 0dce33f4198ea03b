package lenstream.connector.crawl;

import java.util.List;
import lenstream.core.image.CrawlTarget;
import org.jspecify.annotations.Nullable;

/**
 * A step of a site's crawl. The fetcher thread makes them and keeps its own {@link SiteState} by applying them; the
 * reader applies the same ones when it emits, so that a checkpoint between any two of them is consistent. Immutable.
 */
sealed interface SiteEvent {
    /**
     * A round began.
     *
     * @param full whether everything is asked for again, from the seed on
     * @param run the submission of the job that it belongs to
     * @param agenda what will be visited to begin with: in the same step, as a round without would end at once
     */
    record RoundStarted(boolean full, String run, long atMillis, List<Resource> agenda) implements SiteEvent {}

    /** An unfinished round goes on in another submission of the job. */
    record RoundResumed(String run) implements SiteEvent {}

    /** A resource will be visited in this round. */
    record Queued(Resource resource) implements SiteEvent {}

    /** An image is to be visited. */
    record Found(CrawlTarget target, int stamp) implements SiteEvent {}

    /**
     * A resource was visited, and everything it named has been emitted.
     *
     * @param known what to remember of it; null to forget it
     * @param failed whether no usable answer came
     */
    record Visited(String url, @Nullable KnownResource known, boolean failed) implements SiteEvent {}

    /** Every resource of the round was visited. */
    record RoundEnded(long nextRoundAtMillis) implements SiteEvent {}
}
