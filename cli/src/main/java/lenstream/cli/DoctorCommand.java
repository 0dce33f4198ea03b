package lenstream.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import lenstream.core.config.ConfigException;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexSetup;
import lenstream.core.local.LoopbackPorts;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.pipeline.Devices;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.PipelineConfig;
import lenstream.gpu.text.OnnxTextEmbedder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lenstream doctor}: what this machine has and lacks, one line each with the remedy. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description = "Checks JDK, memory, disk, ports, OpenSearch, models, native libraries and GPU; exit code 1 if"
                + " something needed is missing.")
final class DoctorCommand implements Callable<Integer> {
    private static final long NEEDED_MEMORY_MIB = 2_500;
    private static final long NEEDED_DISK_MIB = 1_000;

    @Mixin
    private Workspace workspace;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            converter = Port.class,
            defaultValue = "8080",
            description = "port that the search API should get")
    private int port;

    private final List<Finding> findings = new ArrayList<>();

    private enum Verdict {
        OK("ok  "),
        NOTE("note"),
        BAD("FAIL");

        private final String word;

        Verdict(String word) {
            this.word = word;
        }
    }

    private record Finding(Verdict verdict, String subject, String text) {}

    @Override
    public Integer call() {
        java();
        memory();
        disk();
        ports();
        openSearch();
        model();
        gpu();
        findings.forEach(f -> System.out.printf("%s  %-14s %s%n", f.verdict.word, f.subject, f.text));
        return findings.stream().anyMatch(f -> f.verdict == Verdict.BAD) ? 1 : 0;
    }

    /** The sentence about a port that somebody else holds. */
    static void requireFree(int port) {
        if (port != 0 && !LoopbackPorts.isFree(port)) {
            throw new CliException(
                    "port " + port + " is taken; choose another with --port, or stop what listens there");
        }
    }

    private void java() {
        int version = Runtime.version().feature();
        add(
                version >= 21 ? Verdict.OK : Verdict.BAD,
                "JDK",
                version >= 21
                        ? Runtime.version() + " in " + System.getProperty("java.home")
                        : version + " is too old; install 21 or newer and point JAVA_HOME at it");
    }

    private void memory() {
        Optional<Long> available = availableMemoryMib();
        if (available.isEmpty()) {
            add(Verdict.NOTE, "memory", "not known on this system; the demo needs " + NEEDED_MEMORY_MIB + " MiB");
        } else {
            boolean enough = available.get() >= NEEDED_MEMORY_MIB;
            add(
                    enough ? Verdict.OK : Verdict.BAD,
                    "memory",
                    available.get() + " MiB available, " + NEEDED_MEMORY_MIB + " needed"
                            + (enough ? "" : "; close other programs or set LENSTREAM_HEAP=512m"));
        }
        add(Verdict.OK, "processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
    }

    /** What the kernel thinks can be had without swapping; empty where it does not say. */
    static Optional<Long> availableMemoryMib() {
        try (var lines = Files.lines(Path.of("/proc/meminfo"))) {
            return lines.filter(line -> line.startsWith("MemAvailable:"))
                    .map(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                    .findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private void disk() {
        Path existing = workspace.data();
        while (!Files.exists(existing) && existing.getParent() != null) {
            existing = existing.getParent();
        }
        try {
            long free = Files.getFileStore(existing).getUsableSpace() >> 20;
            boolean writable = Files.isWritable(existing);
            add(
                    free >= NEEDED_DISK_MIB && writable ? Verdict.OK : Verdict.BAD,
                    "disk",
                    free + " MiB free for " + workspace.data()
                            + (writable ? "" : ", which cannot be written; name another folder with --data")
                            + (free >= NEEDED_DISK_MIB ? "" : "; at least " + NEEDED_DISK_MIB + " MiB are needed"));
        } catch (IOException e) {
            add(Verdict.BAD, "disk", existing + " cannot be looked at: " + e.getMessage());
        }
    }

    private void ports() {
        Optional<URI> api = LocalServices.runningApi(workspace);
        if (api.isPresent()) {
            add(Verdict.OK, "search API", "runs on " + api.get());
        } else {
            boolean free = LoopbackPorts.isFree(port);
            add(
                    free ? Verdict.OK : Verdict.BAD,
                    "port " + port,
                    free ? "free for the search API" : "taken; choose another with --port");
        }
    }

    private void openSearch() {
        Optional<String> url = OpenSearchLease.running(workspace);
        if (url.isPresent()) {
            try (IndexClient client = IndexClient.open(workspace.openSearchAt(url.get()))) {
                IndexSetup.await(client, Duration.ofSeconds(5));
                add(Verdict.OK, "OpenSearch", "answers on " + url.get());
                index(client);
            } catch (IndexException e) {
                add(Verdict.BAD, "OpenSearch", String.valueOf(e.getMessage()));
            }
        } else if (Files.isDirectory(workspace.openSearchDistribution().resolve("lib"))) {
            add(Verdict.OK, "OpenSearch", "local distribution is ready; it starts when a command needs it");
        } else {
            add(
                    Verdict.BAD,
                    "OpenSearch",
                    "the local distribution is not built; run ./lenstream once without --no-build");
        }
    }

    /** Whether the index that searches would read is there and holds something. */
    private void index(IndexClient client) {
        String name;
        long images;
        try {
            Fingerprint fingerprint = ModelBundle.load(workspace.model()).fingerprint();
            name = workspace.layout().imageIndex(fingerprint);
            images = IndexCounts.images(client, workspace.layout(), fingerprint);
        } catch (ConfigException e) { // told of under "model"
            return;
        }
        add(
                images > 0 ? Verdict.OK : Verdict.NOTE,
                "index",
                images > 0
                        ? name + ", " + images + " images"
                        : name + " is empty or not there yet; ./lenstream index or crawl fills it");
    }

    /** Loads the bundle and sends its golden images through the very path that indexing takes. */
    private void model() {
        try {
            ModelBundle bundle = ModelBundle.load(workspace.model());
            try (EmbeddingPipeline pipeline = EmbeddingPipeline.open(PipelineConfig.defaults(bundle.directory()));
                    OnnxTextEmbedder text = OnnxTextEmbedder.open(bundle, 1)) {
                add(
                        Verdict.OK,
                        "model",
                        bundle.fingerprint() + ", " + text.embed("a photo").length + " values; "
                                + switch (bundle.relevance().source()) {
                                    case CALIBRATION -> "scores are calibrated";
                                    case HINT -> "scores follow its score_hint; ./lenstream calibrate measures them";
                                    case NONE -> "scores are plain cosines; ./lenstream calibrate measures them";
                                });
                add(
                        Verdict.OK,
                        "natives",
                        String.format(
                                Locale.ROOT,
                                "decoders and ONNX Runtime load; golden images agree to %.6f",
                                pipeline.parityCosineMin()));
            }
        } catch (ConfigException e) {
            add(Verdict.BAD, "model", e.getMessage());
        } catch (RuntimeException | LinkageError e) {
            add(Verdict.BAD, "natives", "do not load on this system: " + e.getMessage());
        }
    }

    private void gpu() {
        boolean present = Files.exists(Path.of("/dev/nvidiactl"));
        Devices devices = Devices.look();
        if (!present && !devices.asked()) {
            add(Verdict.NOTE, "GPU", "none; images are embedded on the CPU");
            return;
        }
        add(
                devices.missing().isEmpty() ? Verdict.OK : Verdict.NOTE,
                "GPU",
                devices.missing().isEmpty()
                        ? String.join(", ", devices.names())
                        : (present ? "an NVIDIA device is there" : "no NVIDIA device is there")
                                + "; images are embedded on the CPU, since " + String.join("; ", devices.missing()));
        devices.advice().forEach(sentence -> add(Verdict.NOTE, "GPU", sentence));
    }

    private void add(Verdict verdict, String subject, @Nullable String text) {
        findings.add(new Finding(verdict, subject, text == null ? "" : text));
    }
}
