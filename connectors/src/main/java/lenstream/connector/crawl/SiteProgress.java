package lenstream.connector.crawl;

import lenstream.connector.source.SplitProgress;

/**
 * Where the reader stands with a site: the state after the events emitted so far. Changed on the task thread, looked at by
 * metric reporters.
 */
final class SiteProgress implements SplitProgress<SiteSplit> {
    private final Site site;
    private final SiteState state;
    private final String run;
    private volatile boolean dry;
    private volatile int waiting;

    SiteProgress(SiteSplit split, String run) {
        this.site = split.site();
        this.state = split.state().copy();
        this.run = run;
        look();
    }

    void apply(SiteEvent event) {
        state.apply(event);
        look();
    }

    /** Whether the round of this submission has ended and all it found was emitted. */
    @Override
    public boolean isDry() {
        return dry;
    }

    /** Resources still to be visited in this round. */
    @Override
    public long pending() {
        return waiting;
    }

    @Override
    public SiteSplit split() {
        return new SiteSplit(site, state.copy());
    }

    private void look() {
        dry = !state.inRound() && state.run().equals(run);
        waiting = state.waiting();
    }
}
