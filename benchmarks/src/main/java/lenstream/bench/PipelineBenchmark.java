package lenstream.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.embed.onnx.OnnxImageEmbedder;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.PipelineConfig;
import lenstream.gpu.pipeline.PipelineStats;
import lenstream.gpu.preprocess.HostTensor;
import org.apache.arrow.memory.RootAllocator;

/**
 * Images a second of the whole pipeline, the gallery's files to embeddings and thumbnails, beside inference alone with
 * as many threads; both in turn within one run, for several settings. Batches of 32, two in flight, as in the job.
 *
 * <p>Two columns that a busy machine does not change: processor time an image on both sides, which bounds the ratio where
 * inference alone keeps all cores busy; and {@code overlap}, the time that the stages took (decoding and preprocessing
 * shared by its threads, plus inference) by the time of the run: 1 if they ran one after the other, 2 if all was hidden.
 *
 * <p>{@code mvn -pl benchmarks exec:exec -Dmain=lenstream.bench.PipelineBenchmark}; arguments in {@code -Dargs}: rounds, then
 * settings such as {@code 8/2/2} (rows of a sub-batch / decode threads / inference threads).
 */
public final class PipelineBenchmark {
    private static final int BATCH = 32;
    private static final int IMAGES = 3 * BATCH;

    private PipelineBenchmark() {}

    public static void main(String[] args) throws IOException {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 9;
        List<String> settings = args.length > 1
                ? List.of(args).subList(1, args.length)
                : List.of("8/1/1", "4/2/2", "8/2/2", "16/2/2", "32/2/2", "8/1/2", "8/2/1");
        List<List<FetchedImage>> batches = batches(Gallery.images(IMAGES));
        System.out.println("| rows/decode/inference | inference alone, images/s | pipeline, images/s | ratio"
                + " | 80 % of rounds | inference, CPU ms an image | pipeline, CPU ms an image | overlap |");
        System.out.println("|---|---|---|---|---|---|---|---|");
        for (String setting : settings) {
            String[] parts = setting.split("/");
            measure(
                    batches,
                    Integer.parseInt(parts[0]),
                    Integer.parseInt(parts[1]),
                    Integer.parseInt(parts[2]),
                    rounds);
        }
    }

    private static List<List<FetchedImage>> batches(List<FetchedImage> images) {
        var batches = new ArrayList<List<FetchedImage>>();
        for (int from = 0; from < images.size(); from += BATCH) {
            batches.add(images.subList(from, from + BATCH));
        }
        return batches;
    }

    private static void measure(
            List<List<FetchedImage>> batches, int rows, int decodeThreads, int inferenceThreads, int rounds) {
        ModelBundle bundle = ModelBundle.load(Samples.BUNDLE);
        var config = new PipelineConfig(
                Samples.BUNDLE.toString(), rows, decodeThreads, inferenceThreads, DecodeLimits.defaults());
        int size = bundle.encoder().image().preprocessing().size();
        try (var allocator = new RootAllocator();
                EmbeddingPipeline pipeline = EmbeddingPipeline.open(config);
                OnnxImageEmbedder embedder = OnnxImageEmbedder.open(bundle, inferenceThreads);
                HostTensor tensor = HostTensor.allocate(allocator, rows, size)) {
            var inference = new CpuTime();
            var whole = new CpuTime();
            var overlaps = new ArrayList<Double>();
            Alternation measured = Alternation.of(
                    () -> inference.add(() -> infer(embedder, tensor, rows)),
                    () -> whole.add(() -> overlaps.add(overlap(pipeline, batches, decodeThreads))),
                    IMAGES,
                    1,
                    1,
                    rounds);
            overlaps.sort(null);
            System.out.printf(
                    Locale.ROOT,
                    "| %d/%d/%d | %s | %.1f | %.1f | %.2f |%n",
                    rows,
                    decodeThreads,
                    inferenceThreads,
                    measured.cells(),
                    inference.millis() / IMAGES,
                    whole.millis() / IMAGES,
                    Alternation.quantile(overlaps, 0.5));
        }
    }

    /** Processor time of this process, all threads, and how often it was taken; the first call is warm-up. */
    private static final class CpuTime {
        private final OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        private long nanos;
        private int calls = -1;

        void add(Runnable work) {
            long start = system.getProcessCpuTime();
            work.run();
            if (++calls > 0) {
                nanos += system.getProcessCpuTime() - start;
            }
        }

        /** Of one call. */
        double millis() {
            return nanos / 1e6 / calls;
        }
    }

    private static double overlap(EmbeddingPipeline pipeline, List<List<FetchedImage>> batches, int decodeThreads) {
        PipelineStats before = pipeline.stats();
        long start = System.nanoTime();
        embed(pipeline, batches);
        double wall = System.nanoTime() - start;
        PipelineStats after = pipeline.stats();
        double prepared = (double) (after.decodeNanos()
                        - before.decodeNanos()
                        + after.preprocessNanos()
                        - before.preprocessNanos())
                / decodeThreads;
        return (prepared + after.inferenceNanos() - before.inferenceNanos()) / wall;
    }

    private static void infer(OnnxImageEmbedder embedder, HostTensor tensor, int rows) {
        for (int done = 0; done < IMAGES; done += rows) {
            embedder.embed(tensor, rows);
        }
    }

    private static void embed(EmbeddingPipeline pipeline, List<List<FetchedImage>> batches) {
        List<CompletableFuture<List<EmbeddedImage>>> inFlight = new ArrayList<>();
        for (List<FetchedImage> batch : batches) {
            if (inFlight.size() == 2) {
                inFlight.removeFirst().join();
            }
            inFlight.add(pipeline.submit(batch));
        }
        inFlight.forEach(CompletableFuture::join);
    }
}
