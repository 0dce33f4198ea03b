package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import lenstream.connector.crawl.FrontierSource;
import lenstream.connector.crawl.Seeds;
import lenstream.connector.crawl.SeedsFile;
import lenstream.connector.fetch.FetchConfig;
import lenstream.core.config.ConfigReader;
import lenstream.core.local.LocalProgram;
import lenstream.core.local.LoopbackPorts;
import lenstream.gallery.GallerySite;
import lenstream.job.CrawlCounts;
import lenstream.job.IndexRun;
import lenstream.job.JobSettings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code lenstream demo}: the whole chain on one machine. OpenSearch and the search API are processes of their own, which
 * end with this one; the gallery site and the crawl job run in this JVM.
 */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = "Crawls the bundled gallery site and serves a search page for it, until Ctrl-C.",
        footer = {"", "Then open http://127.0.0.1:8080/ and type: apple"})
final class DemoCommand implements Callable<Integer> {
    private static final List<String> EXAMPLES =
            List.of("a red apple", "dog", "a musical instrument", "flowers", "an old car");
    private static final int GALLERY_PORT = 8090;

    @Mixin
    private Workspace workspace;

    @Option(names = "--once", description = "end after the example queries")
    private boolean once;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            converter = Port.class,
            defaultValue = "8080",
            description = "port of the search page (default: ${DEFAULT-VALUE})")
    private int port;

    @Option(
            names = "--gallery",
            paramLabel = "DIR",
            description = "the picture set to crawl (default: the bundled one)")
    private @Nullable Path gallery;

    @Override
    public Integer call() throws InterruptedException {
        long start = System.nanoTime();
        DoctorCommand.requireFree(port);
        requireMemory();
        Path pictures = gallery == null ? Workspace.home().resolve("gallery") : gallery;
        var counts = new AtomicReference<>(CrawlCounts.NONE);
        System.err.println("Starting OpenSearch, a gallery site, the crawl job and the search API ...");
        String running = OpenSearchLease.running(workspace).orElse("");
        int openSearchPort = LoopbackPorts.free();
        // the API is up before OpenSearch is: it says "not ready" until then, and two slow starts overlap
        var starting = startApi(
                running.isEmpty() ? LocalServices.localUri(openSearchPort).toString() : running);
        try (var ctrlC = new CtrlC();
                OpenSearchLease openSearch = OpenSearchLease.acquire(workspace, running, openSearchPort, true);
                var progress = ProgressLine.onStandardError();
                GallerySite site = openGallery(pictures);
                LocalProgram process = join(starting)) {
            URI api = LocalServices.localUri(port);
            System.err.printf("  gallery     %s%n  search API  %s%n", site.uri(), api);
            var report = new CrawlReport(System.nanoTime());
            CrawlSession crawl = session(site.uri(), openSearch.url(), report, progress, counts);
            ctrlC.onAsked(crawl::stop);
            if (once) {
                counts.set(crawl.await(false));
                progress.close();
                if (ctrlC.asked()) {
                    return 130;
                }
                report(openSearch.url(), counts.get(), report);
                ask(api);
                System.err.printf(Locale.ROOT, "%.0f s in all%n", (System.nanoTime() - start) / 1e9);
                return 0;
            }
            return stay(api, openSearch.url(), crawl, counts, report, progress, start);
        }
    }

    private CompletableFuture<LocalProgram> startApi(String openSearch) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return LocalServices.startApi(workspace, openSearch, port, false, List.of());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CompletionException(e);
            }
        });
    }

    private static <T> T join(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /** Crawls for ever beside the page; what the gallery publishes later is found too. */
    private int stay(
            URI api,
            String openSearch,
            CrawlSession crawl,
            AtomicReference<CrawlCounts> counts,
            CrawlReport report,
            ProgressLine progress,
            long start)
            throws InterruptedException {
        var ended = CompletableFuture.supplyAsync(() -> {
            try {
                return crawl.await(true);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CompletionException(e);
            }
        });
        boolean announced = false;
        while (!ended.isDone()) {
            if (!announced && settled(counts.get())) {
                announced = true;
                progress.close();
                report(openSearch, counts.get(), report);
                ask(api);
                progress.say(String.format(
                        Locale.ROOT,
                        "%nReady after %.0f s. Open %s in a browser; Ctrl-C stops everything.",
                        (System.nanoTime() - start) / 1e9,
                        api));
            }
            TimeUnit.MILLISECONDS.sleep(200);
        }
        join(ended);
        return 0;
    }

    /** Whether all that was found has been dealt with. */
    private static boolean settled(CrawlCounts c) {
        return c.found() > 0
                && c.readersDry() > 0
                && c.visitPending() == 0
                && c.found() == c.visitIn()
                && c.fetched() == c.embedded() + c.embedRejected()
                && c.sinkPending() == 0;
    }

    private CrawlSession session(
            URI site,
            String openSearch,
            CrawlReport report,
            ProgressLine progress,
            AtomicReference<CrawlCounts> counts) {
        // the demo's own loopback site may be asked without a pause between requests, and answers within 2 s if at all
        Seeds seeds = Seeds.of("demo", ConfigReader.parse("demo", """
                sites: [{url: "%s", interval: 10s}]
                network: {allow_private: ["127.0.0.0/8"], min_delay: 0s, contact: "https://lenstream.example/demo"}
                limits: {timeout: 2s, attempts: 2}
                """.formatted(site), SeedsFile.class));
        FetchConfig fetch = seeds.fetch();
        var run = new IndexRun(
                once ? FrontierSource.once(seeds) : FrontierSource.follow(seeds),
                fetch,
                Embedding.config(workspace, seeds.maxPixels(), fetch.web().maxBytes()),
                workspace.openSearchAt(openSearch),
                workspace.layout(),
                JobSettings.named("lenstream-demo"),
                StoreOptions.at(workspace));
        return new CrawlSession(run, workspace.jobDirectory("demo"), found -> {
            counts.set(found);
            progress.show(report.progress(found));
        });
    }

    private void report(String openSearch, CrawlCounts counts, CrawlReport report) {
        System.err.print(RunSummary.of(workspace, openSearch, counts).text(report));
    }

    private static void ask(URI api) throws InterruptedException {
        try (var client = new ApiClient(api)) {
            client.awaitReady(Duration.ofSeconds(30));
            for (String example : EXAMPLES) {
                JsonNode answer = client.searchText(example, 3, Map.of());
                System.out.printf("%n\"%s\"%n", example);
                SearchCommand.print(new PrintWriter(System.out, true, StandardCharsets.UTF_8), answer);
            }
            System.out.printf(
                    "%ncurl '%s/v1/search?q=apple&k=3'%n", api.toString().replaceAll("/$", ""));
        }
    }

    /** The port of the last time, so that the images keep their URLs; a free one if somebody else took it. */
    private GallerySite openGallery(Path pictures) {
        Path remembered = workspace.data().resolve("gallery.port");
        int wanted = GALLERY_PORT;
        try {
            if (Files.isRegularFile(remembered)) {
                wanted = Integer.parseInt(Files.readString(remembered).strip());
            }
            int chosen = LoopbackPorts.isFree(wanted) ? wanted : LoopbackPorts.free();
            if (chosen != wanted) {
                System.err.printf("  port %d is taken: the gallery moves to port %d, under new URLs%n", wanted, chosen);
            }
            Files.createDirectories(workspace.data());
            Files.writeString(remembered, Integer.toString(chosen));
            return GallerySite.open(pictures, chosen);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot serve the gallery in " + pictures + ": " + e.getMessage(), e);
        }
    }

    private static void requireMemory() {
        DoctorCommand.availableMemoryMib().filter(mib -> mib < 1_500).ifPresent(mib -> {
            throw new CliException("the demo needs about 1500 MiB of free memory and finds " + mib
                    + "; close other programs and try again");
        });
    }
}
