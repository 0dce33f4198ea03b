package lenstream.cli;

import java.nio.file.Path;
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
    private @Nullable CrawlRun running;
    private boolean stopAsked;

    /** @param directory of the job's checkpoints; a job of the same directory continues where the last one ended */
    CrawlSession(IndexRun run, Path directory, Consumer<CrawlCounts> listener) {
        this.run = run;
        this.directory = directory;
        this.listener = listener;
    }

    /** Blocks until the job has ended; returns its final counts. If its end was asked for before, it is not begun. */
    CrawlCounts await(boolean follow) throws InterruptedException {
        synchronized (this) {
            if (stopAsked) {
                return CrawlCounts.NONE; // nothing was begun, and a JVM that ends loads no native library any more
            }
        }
        int restPort = LoopbackPorts.free();
        try (CrawlRun crawl = run.startHere(directory, restPort, listener)) {
            RunningJobs.announce(directory, LocalServices.localUri(restPort));
            synchronized (this) {
                running = crawl;
                if (stopAsked) {
                    crawl.stop();
                }
            }
            CrawlRun.End end = crawl.await(follow);
            end.savepoint().ifPresent(CrawlSession::tidy);
            return end.counts();
        } finally {
            RunningJobs.withdraw(directory);
        }
    }

    /** Asks for a clean end and returns at once, even before the job has started. May be called from any thread. */
    synchronized void stop() {
        stopAsked = true;
        if (running != null) {
            running.stop();
        }
    }

    private static void tidy(Path savepoint) {
        Path root = savepoint.getParent();
        if (root != null) {
            new Checkpoints(root).keepOnly(savepoint);
        }
    }
}
