package lenstream.core.local;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A single-node OpenSearch of this machine, run from the distribution that {@code infra/opensearch} lays out: its own
 * process on loopback ports, with its data in a run folder, so that they survive a restart. Thread-safe.
 *
 * <p>It never runs as root, which OpenSearch refuses: started by root, it becomes user 65534 ({@code nobody}). That user
 * must be able to reach the distribution and the run folder; where a parent folder is closed to it (a checkout below
 * {@code /root}, for instance), copies below {@code /var/tmp} are used and the run folder's file {@code relocated} names
 * the place. Deleting the run folder makes the next start discard what lies there.
 *
 * <p>The JVM flags are those of OpenSearch 3.6's own {@code jvm.options}; see the constants for what is added.
 */
public final class LocalOpenSearch implements AutoCloseable {
    private static final String SERVICE = "OpenSearch";
    private static final int MINIMUM_JDK = 21;
    private static final String PID_FILE = "opensearch.pid";
    private static final int LOG_LINES = 15;
    private static final int PORT_ATTEMPTS = 3;

    /** Beyond the heap: right after start, about 100 MiB were resident with 512 MiB of heap; the rest is reserve. */
    private static final long BEYOND_HEAP_MIB = 250;

    /** From OpenSearch 3.6's {@code config/jvm.options} and what its start script adds. */
    private static final List<String> JVM_FLAGS = List.of(
            "-Xss1m",
            "-XX:+UseG1GC",
            "-XX:G1ReservePercent=25",
            "-XX:InitiatingHeapOccupancyPercent=30",
            "-XX:-OmitStackTraceInFastThrow",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            "-Dfile.encoding=UTF-8",
            "-Djna.nosys=true",
            "-Dio.netty.noUnsafe=true",
            "-Dio.netty.noKeySetOptimization=true",
            "-Dio.netty.recycler.maxCapacityPerThread=0",
            "-Dio.netty.allocator.numDirectArenas=0",
            "-Dlog4j.shutdownHookEnabled=false",
            "-Dlog4j2.disable.jmx=true",
            "-Dopensearch.networkaddress.cache.ttl=60",
            "-Dopensearch.networkaddress.cache.negative.ttl=10",
            "-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1",
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED");

    /**
     * How to start.
     *
     * @param distribution the folder {@code infra/opensearch/target/opensearch}
     * @param javaHome a JDK 21 or newer
     * @param runDir holds data, log, pid file and temporary files; made if absent. When root starts the node, the folder
     *     is handed to user 65534
     * @param heap as in {@code -Xmx}: digits and {@code m} or {@code g}. 512m held 50,000 vectors of 384 floats
     * @param httpPort port of 127.0.0.1, or 0 for a free one
     * @param log takes the node's output; emptied at start
     * @param detached whether the node outlives this JVM; {@link #attach} finds it again
     * @param startLimit how long the node may take until it is ready
     * @param quickStart compile with C1 only: measured on 2 cores, ready after 5.4 s instead of 7.5 s, with 6 s of CPU
     *     time instead of 13 s. Lucene then scores vectors without SIMD, so it is for tests and small demos
     */
    public record Config(
            Path distribution,
            Path javaHome,
            Path runDir,
            String heap,
            int httpPort,
            Path log,
            boolean detached,
            Duration startLimit,
            boolean quickStart) {
        public Config {
            if (!heap.matches("[1-9][0-9]{0,6}[mMgG]")) {
                throw new IllegalArgumentException("heap: \"" + heap + "\" is not a size such as 512m or 2g");
            }
            if (httpPort < 0 || httpPort > 65_535) {
                throw new IllegalArgumentException("httpPort: " + httpPort + " is not in 0..65535");
            }
        }

        /** 512m of heap, a free port, this JVM's own JDK, attached, ready within two minutes. */
        public static Config of(Path distribution, Path runDir) {
            Path run = runDir.toAbsolutePath().normalize();
            return new Config(
                    distribution.toAbsolutePath().normalize(),
                    Path.of(System.getProperty("java.home")),
                    run,
                    "512m",
                    0,
                    run.resolve("opensearch.log"),
                    false,
                    Duration.ofMinutes(2),
                    false);
        }

        public Config withJavaHome(Path home) {
            return new Config(distribution, home, runDir, heap, httpPort, log, detached, startLimit, quickStart);
        }

        public Config withHeap(String size) {
            return new Config(distribution, javaHome, runDir, size, httpPort, log, detached, startLimit, quickStart);
        }

        public Config withHttpPort(int port) {
            return new Config(distribution, javaHome, runDir, heap, port, log, detached, startLimit, quickStart);
        }

        public Config withDetached(boolean outlives) {
            return new Config(distribution, javaHome, runDir, heap, httpPort, log, outlives, startLimit, quickStart);
        }

        public Config withStartLimit(Duration limit) {
            return new Config(distribution, javaHome, runDir, heap, httpPort, log, detached, limit, quickStart);
        }

        public Config withQuickStart(boolean quick) {
            return new Config(distribution, javaHome, runDir, heap, httpPort, log, detached, startLimit, quick);
        }

        private long heapMib() {
            long number = Long.parseLong(heap.substring(0, heap.length() - 1));
            return heap.toLowerCase(Locale.ROOT).endsWith("g") ? number * 1024 : number;
        }
    }

    private final LocalProcess process;
    private final int httpPort;
    private final Path log;
    private final boolean detached;

    private LocalOpenSearch(LocalProcess process, int httpPort, Path log, boolean detached) {
        this.process = process;
        this.httpPort = httpPort;
        this.log = log;
        this.detached = detached;
    }

    /**
     * Starts a node and waits until it serves. Blocking, 5 to 15 s.
     *
     * @param progress gets one short line now and then, for people
     * @throws LocalServiceException with one sentence that says what to do; no process is left then
     */
    public static LocalOpenSearch start(Config config, Consumer<String> progress) {
        Path java = JavaHome.java(config.javaHome(), MINIMUM_JDK, SERVICE);
        requireDistribution(config.distribution());
        attach(config.runDir()).ifPresent(running -> {
            throw new LocalServiceException("OpenSearch already runs for " + config.runDir() + " (process "
                    + running.pid() + ", port " + running.httpPort()
                    + "): use that one, or stop it before another start.");
        });
        requireMemory(config);
        if (config.httpPort() != 0) {
            LoopbackPorts.requireFree(SERVICE, config.httpPort());
        }
        Place place = Place.prepare(config.distribution(), config.runDir(), config.javaHome());
        place.note().ifPresent(progress);
        for (int attempt = 1; ; attempt++) {
            int port = config.httpPort() == 0 ? LoopbackPorts.free() : config.httpPort();
            try {
                return startOnce(config, place, java, port, progress);
            } catch (PortTaken taken) {
                // a free port is only known to have been free: somebody was quicker
                if (attempt == PORT_ATTEMPTS || config.httpPort() != 0) {
                    throw LoopbackPorts.taken(SERVICE, port);
                }
            }
        }
    }

    /** The node that runs for this folder, if one does. Closing an attached node does not stop it; {@link #stop} does. */
    public static Optional<LocalOpenSearch> attach(Path runDir) {
        Path run = runDir.toAbsolutePath().normalize();
        return LocalProcess.attach(run.resolve(PID_FILE))
                .map(process -> new LocalOpenSearch(
                        process,
                        Integer.parseInt(process.fact("http.port").orElse("0")),
                        Path.of(process.fact("log")
                                .orElse(run.resolve("opensearch.log").toString())),
                        true));
    }

    public int httpPort() {
        return httpPort;
    }

    public URI uri() {
        return URI.create("http://127.0.0.1:" + httpPort);
    }

    public long pid() {
        return process.pid();
    }

    public Path log() {
        return log;
    }

    /** Whether the process is there; it may still be unable to answer. */
    public boolean isRunning() {
        return process.isAlive();
    }

    /** Whether the node answers and all primary shards are there. Blocking, 5 s at most. */
    public boolean isHealthy() {
        return process.isAlive() && healthy(httpPort);
    }

    /** Ends the process, detached or not: SIGTERM, and SIGKILL after 20 s. Idempotent. */
    public void stop() {
        process.stop(LocalProcess.STOP_LIMIT);
    }

    /** Ends the process unless it was started detached, or by another JVM. Idempotent. */
    @Override
    public void close() {
        if (!detached) {
            stop();
        }
    }

    private static LocalOpenSearch startOnce(
            Config config, Place place, Path java, int httpPort, Consumer<String> progress) {
        int transportPort = LoopbackPorts.free();
        var process = LocalProcess.start(new LocalProcess.Spec(
                command(config, place, java, httpPort, transportPort),
                Map.of("PATH", "/usr/bin:/bin", "HOSTNAME", "localhost", "LANG", "C.UTF-8"),
                place.run(),
                config.log(),
                config.runDir().resolve(PID_FILE),
                Map.of(
                        "http.port",
                        Integer.toString(httpPort),
                        "log",
                        config.log().toString()),
                place.uid(),
                config.detached()));
        var node = new LocalOpenSearch(process, httpPort, config.log(), config.detached());
        try {
            node.awaitHealth(config, progress);
            return node;
        } catch (RuntimeException failure) {
            node.stop();
            throw failure;
        }
    }

    private static List<String> command(Config config, Place place, Path java, int httpPort, int transportPort) {
        Path run = place.run();
        var command = new ArrayList<String>();
        command.add(java.toString());
        command.add("-Xms" + config.heap());
        command.add("-Xmx" + config.heap());
        command.addAll(JVM_FLAGS);
        if (config.quickStart()) {
            command.add("-XX:TieredStopAtLevel=1");
        }
        command.add("-Djava.io.tmpdir=" + run.resolve("tmp"));
        command.add("-Djna.tmpdir=" + run.resolve("tmp"));
        command.add("-javaagent:" + agent(place.home()));
        command.add("-Dopensearch.path.home=" + place.home());
        command.add("-Dopensearch.path.conf=" + run.resolve("config"));
        command.add("-Dopensearch.distribution.type=tar");
        command.add("-Dopensearch.bundled_jdk=false");
        command.add("-cp");
        command.add(place.home().resolve("lib") + "/*");
        command.add("org.opensearch.bootstrap.OpenSearch");
        command.add("-Epath.data=" + run.resolve("data"));
        command.add("-Epath.logs=" + run.resolve("logs"));
        command.add("-Epath.repo=" + run.resolve("repo"));
        command.add("-Ehttp.port=" + httpPort);
        command.add("-Etransport.port=" + transportPort);
        return command;
    }

    private void awaitHealth(Config config, Consumer<String> progress) {
        long start = System.nanoTime();
        long nextReport = 3;
        while (!healthy(httpPort)) {
            double seconds = (System.nanoTime() - start) / 1e9;
            if (!process.isAlive()) {
                throw whyItEnded(config);
            }
            if (seconds > config.startLimit().toSeconds()) {
                throw new LocalServiceException("OpenSearch was not ready after "
                        + config.startLimit().toSeconds() + " s: free the machine of other work or allow more time."
                        + logEnd());
            }
            if (seconds >= nextReport) {
                progress.accept("OpenSearch is starting: %d s".formatted(nextReport));
                nextReport += 3;
            }
            pause();
        }
        progress.accept("OpenSearch is ready on %s after %.1f s".formatted(uri(), (System.nanoTime() - start) / 1e9));
    }

    private static boolean healthy(int port) {
        return LoopbackPorts.get(port, "/_cluster/health?wait_for_status=yellow&timeout=2s")
                .filter(body -> body.contains("\"timed_out\":false"))
                .isPresent();
    }

    private RuntimeException whyItEnded(Config config) {
        String text = String.join("\n", LocalProcess.tail(log, 400));
        if (text.contains("BindException") || text.contains("BindHttpException")) {
            return new PortTaken();
        }
        String sentence;
        if (text.contains("insufficient memory")
                || text.contains("Could not reserve enough space")
                || text.contains("Invalid maximum heap size")
                || text.contains("OutOfMemoryError")) {
            sentence = "There is not enough memory for OpenSearch with a heap of " + config.heap()
                    + ": stop other programs, or give it a smaller heap.";
        } else if (text.contains("UnsupportedClassVersionError")) {
            sentence = "OpenSearch needs a JDK " + MINIMUM_JDK + " or newer than the one at " + config.javaHome()
                    + ": set JAVA_HOME to a newer one.";
        } else if (text.contains("failed to obtain node locks")) {
            sentence = "Another OpenSearch uses the data in " + config.runDir()
                    + ": stop it, or choose another data folder.";
        } else if (text.contains("AccessDeniedException") || text.contains("Permission denied")) {
            sentence = "OpenSearch may not read or write a file it needs, named below: make " + config.runDir()
                    + " and " + config.distribution() + " readable for the user it runs as.";
        } else {
            sentence = "OpenSearch ended while starting: see the lines below; deleting " + config.runDir()
                    + " starts afresh, without its documents.";
        }
        return new LocalServiceException(sentence + logEnd());
    }

    private String logEnd() {
        return "\nLast lines of " + log + ":\n  " + String.join("\n  ", LocalProcess.tail(log, LOG_LINES));
    }

    private static void requireDistribution(Path home) {
        if (!Files.isDirectory(home.resolve("lib")) || !Files.isDirectory(home.resolve("plugins/opensearch-knn"))) {
            throw new LocalServiceException("There is no OpenSearch distribution at " + home
                    + ": run \"mvn -pl infra/opensearch package\" in the checkout to lay it out.");
        }
    }

    private static Path agent(Path home) {
        try (var jars = Files.newDirectoryStream(home.resolve("agent"), "opensearch-agent-*.jar")) {
            for (Path jar : jars) {
                if (!jar.getFileName().toString().contains("bootstrap")
                        && !jar.getFileName().toString().contains("policy")) {
                    return jar;
                }
            }
        } catch (IOException absent) {
            throw new LocalServiceException(
                    "The OpenSearch distribution at " + home
                            + " is incomplete: run \"mvn -pl infra/opensearch clean package\" to lay it out anew.",
                    absent);
        }
        throw new LocalServiceException("The OpenSearch distribution at " + home
                + " lacks agent/opensearch-agent-*.jar: run \"mvn -pl infra/opensearch clean package\" to lay it out"
                + " anew.");
    }

    /** The kernel's own estimate; where there is none (not Linux), the JVM's failure at start says the same, later. */
    private static void requireMemory(Config config) {
        long needed = config.heapMib() + BEYOND_HEAP_MIB;
        MemoryEstimate.availableMib().ifPresent(available -> {
            if (available < needed) {
                throw new LocalServiceException("There is not enough memory for OpenSearch: " + needed
                        + " MiB are needed with a heap of " + config.heap() + ", " + available
                        + " MiB are available; stop other programs, or give it a smaller heap.");
            }
        });
    }

    private static void pause() {
        try {
            Thread.sleep(100);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new LocalServiceException("The start of OpenSearch was interrupted: start it again.", interrupted);
        }
    }

    /** The node found its port in use. */
    private static final class PortTaken extends RuntimeException {
        private static final long serialVersionUID = 1;
    }
}
