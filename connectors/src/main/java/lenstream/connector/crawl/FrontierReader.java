package lenstream.connector.crawl;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import lenstream.connector.fetch.HostTurns;
import lenstream.connector.fetch.PoliteWeb;
import lenstream.connector.fetch.TurnMessage;
import lenstream.connector.source.ProgressReader;
import lenstream.core.image.CrawlTarget;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebResponse;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.connector.base.source.reader.RecordEmitter;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;

/** Flink's view of the sites of one subtask: emits what their walks found and keeps their progress for checkpoints. */
final class FrontierReader extends ProgressReader<SiteEvent, CrawlTarget, SiteSplit, SiteProgress> {
    /** The metric variable that names the job. */
    private static final String JOB_ID = "<job_id>";

    /** The visit operator beside this reader knows from before a restart how fast the hosts may be asked. */
    private static final Duration PACES_LIMIT = Duration.ofMinutes(1);

    private final FrontierSource source;
    private final PoliteWeb web;
    private final HostTurns turns;
    private final AtomicLong waitingImages;

    @SuppressWarnings("MustBeClosed") // the reader closes it
    static FrontierReader open(FrontierSource source, SourceReaderContext context) {
        String job = requireNonNull(context.metricGroup().getAllVariables().get(JOB_ID), "the job's id");
        return new FrontierReader(
                source, PoliteWeb.lease(job, source.seeds().fetch(), true), new AtomicLong(), context);
    }

    private FrontierReader(
            FrontierSource source, PoliteWeb web, AtomicLong waitingImages, SourceReaderContext context) {
        super(
                () -> new SiteReader(split -> walk(source, web, split), source.follows(), waitingImages),
                new Emitter(context),
                source,
                context);
        this.source = source;
        this.web = web;
        this.waitingImages = waitingImages;
        int parallelism = context.currentParallelism();
        int keyGroups = source.maxParallelism(parallelism);
        this.turns = web.join(
                context.getIndexOfSubtask(),
                host -> KeyGroupRangeAssignment.assignKeyToParallelOperator(host, keyGroups, parallelism),
                context::sendSourceEventToCoordinator);
    }

    private static SiteWalk walk(FrontierSource source, PoliteWeb web, SiteSplit split) {
        var polite = new SiteWalk.Web() {
            @Override
            public WebResponse get(CanonicalUrl url, Map<String, String> headers)
                    throws IOException, InterruptedException {
                web.awaitPaces(PACES_LIMIT);
                return web.get(url, headers);
            }

            @Override
            public List<String> sitemaps(CanonicalUrl url) throws IOException, InterruptedException {
                web.awaitPaces(PACES_LIMIT);
                return web.robots(url).sitemaps();
            }
        };
        return new SiteWalk(split.site(), split.state().copy(), source.run(), polite, System::currentTimeMillis);
    }

    /** Images found and not yet emitted; the sites add the resources still to be visited. */
    @Override
    protected long pendingBeside() {
        return waitingImages.get();
    }

    @Override
    public void handleSourceEvents(SourceEvent event) {
        if (event instanceof TurnMessage message) {
            turns.receive(message);
        } else {
            super.handleSourceEvents(event);
        }
    }

    @Override
    protected SiteProgress begin(SiteSplit split) {
        return new SiteProgress(split, source.run());
    }

    @Override
    public void close() throws Exception {
        try {
            super.close();
        } finally {
            web.close();
        }
    }

    /** Applies each event where it is emitted, so that a checkpoint lies between two of them. */
    private static final class Emitter implements RecordEmitter<SiteEvent, CrawlTarget, SiteProgress> {
        private final Counter found;
        private final Counter requests;
        private final Counter failed;

        Emitter(SourceReaderContext context) {
            found = context.metricGroup().counter("lenstream_found");
            requests = context.metricGroup().counter("lenstream_discovery_visits");
            failed = context.metricGroup().counter("lenstream_discovery_failed");
        }

        @Override
        public void emitRecord(SiteEvent event, SourceOutput<CrawlTarget> output, SiteProgress progress) {
            if (event instanceof SiteEvent.Found image) {
                output.collect(image.target());
                found.inc();
            } else if (event instanceof SiteEvent.Visited visited) {
                requests.inc();
                if (visited.failed()) {
                    failed.inc();
                }
            }
            progress.apply(event);
        }
    }
}
