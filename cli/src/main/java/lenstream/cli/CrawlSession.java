package lenstream.cli;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import lenstream.core.local.LoopbackPorts;
import lenstream.job.Checkpoints;
import lenstream.job.CrawlCounts;
import lenstream.job.CrawlRun;
import lenstream.job.IndexRun;
import org.jspecify.annotations.Nullable;

/**
 * One index job in this JVM, from start to its clean end: when the frontier is dry, or at Ctrl-C, the job stops with a
 * savepoint that the next run continues from. Confined to one thread, except {@link #stop}.
 */
final class CrawlSession {
    private final IndexRun run;
    private final Path directory;
    private final Consumer<CrawlCounts> listener;
    private final AtomicReference<@Nullable CrawlRun> running = new AtomicReference<>();

    /** @param directory of the job's checkpoints; a job of the same directory continues where the last one ended */
    CrawlSession(IndexRun run, Path directory, Consumer<CrawlCounts> listener) {
        this.run = run;
        this.directory = directory;
        this.listener = listener;
    }

    /** Blocks until the job has ended; returns its final counts. */
    CrawlCounts await(boolean follow) throws InterruptedException {
        try (CrawlRun crawl = run.startHere(directory, LoopbackPorts.free(), listener)) {
            running.set(crawl);
            CrawlRun.End end = crawl.await(run.settings().parallelism(), follow);
            end.savepoint().ifPresent(new Checkpoints(directory.resolve("checkpoints"))::keepOnly);
            return end.counts();
        } finally {
            running.set(null);
        }
    }

    /** Asks for a clean end and returns at once. May be called from any thread. */
    void stop() {
        CrawlRun crawl = running.get();
        if (crawl != null) {
            crawl.stop();
        }
    }
}
