package lenstream.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import java.util.Map;
import java.util.Set;
import lenstream.core.model.ImageTower;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.embed.onnx.OnnxImageEmbedder;
import lenstream.gpu.preprocess.HostTensor;
import org.apache.arrow.memory.RootAllocator;

/**
 * How much of bare ONNX Runtime is left of the embed stage: same graph, threads and batch, the input already in the same
 * off-heap tensor; both sides in turn within one run. Bare is {@code session.run} alone, whose output is dropped unread; the
 * stage also copies, checks and normalises it. A second table sets ONNX Runtime's own default options, whose threads
 * spin while they wait, on the bare side.
 *
 * <p>{@code mvn -pl benchmarks exec:exec -Dmain=lenstream.bench.EmbedStageBenchmark}; arguments in {@code -Dargs}: threads,
 * then rounds.
 */
public final class EmbedStageBenchmark {
    private static final int[] BATCHES = {1, 8, 32};
    private static final int IMAGES_A_ROUND = 64;

    private EmbedStageBenchmark() {}

    public static void main(String[] args) throws OrtException {
        int threads = args.length > 0
                ? Integer.parseInt(args[0])
                : Runtime.getRuntime().availableProcessors();
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 20;
        ModelBundle bundle = ModelBundle.load(Samples.BUNDLE);
        try (var options = new SessionOptions();
                var defaults = new SessionOptions()) {
            options.setIntraOpNumThreads(threads);
            options.addConfigEntry("session.intra_op.allow_spinning", "0");
            compare("the stage's own options", bundle, options, threads, rounds);
            defaults.setIntraOpNumThreads(threads);
            compare("default options (spinning)", bundle, defaults, threads, rounds);
        }
    }

    private static void compare(String what, ModelBundle bundle, SessionOptions options, int threads, int rounds)
            throws OrtException {
        System.out.println(
                "\n| batch | bare, " + what + ", images/s | embed stage, images/s | ratio | 80 % of rounds |");
        System.out.println("|---|---|---|---|---|");
        ImageTower tower = bundle.encoder().image();
        int size = tower.preprocessing().size();
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (var allocator = new RootAllocator();
                OrtSession session =
                        environment.createSession(bundle.imageModel().toString(), options);
                OnnxImageEmbedder embedder = OnnxImageEmbedder.open(bundle, threads)) {
            String output = session.getOutputNames().iterator().next();
            for (int batch : BATCHES) {
                try (HostTensor tensor = HostTensor.allocate(allocator, batch, size);
                        OnnxTensor input = OnnxTensor.createTensor(
                                environment, filled(tensor, batch), new long[] {batch, 3, size, size})) {
                    Map<String, OnnxTensor> inputs = Map.of(tower.input().name(), input);
                    Alternation measured = Alternation.of(
                            () -> run(session, inputs, output),
                            () -> embedder.embed(tensor, batch),
                            batch,
                            Math.max(1, IMAGES_A_ROUND / batch),
                            2,
                            rounds);
                    System.out.println("| " + batch + " | " + measured.cells() + " |");
                }
            }
        }
    }

    private static java.nio.FloatBuffer filled(HostTensor tensor, int rows) {
        java.nio.FloatBuffer values = tensor.view(rows);
        for (int i = 0; i < values.capacity(); i++) {
            values.put(i, (float) Math.sin(i));
        }
        return values;
    }

    private static void run(OrtSession session, Map<String, OnnxTensor> inputs, String output) {
        try (OrtSession.Result result = session.run(inputs, Set.of(output))) {
            if (result.size() != 1) {
                throw new IllegalStateException("no output");
            }
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
