package lenstream.gpu.pipeline;

import java.nio.file.Files;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import lenstream.core.image.FetchedImage;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.Kernels;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.embed.DeviceLost;
import lenstream.gpu.lane.GpuMachine;

/**
 * Loses its device: embeds, then runs a kernel that traps, which ends the context under everybody. {@code LostDevice after}
 * only opens a pipeline in a process whose context is dead already. Prints {@code survived} if the process lives on.
 */
final class LostDevice {
    private static final Duration SURVIVAL = Duration.ofSeconds(30);

    private LostDevice() {}

    public static void main(String[] arguments) throws Exception {
        var config = PipelineConfig.defaults(Lensmini.BUNDLE);
        if (arguments.length > 0) {
            GpuMachine.natives();
            trap();
            try (EmbeddingPipeline pipeline = EmbeddingPipeline.open(config)) {
                System.out.println("survived on " + pipeline.engineName());
            }
            return;
        }
        byte[] image = Files.readAllBytes(Lensmini.BUNDLE
                .resolve("../../gpu-operators/src/test/resources/golden/decode/jpeg-420.jpg")
                .normalize());
        List<FetchedImage> batch = Collections.nCopies(128, Lensmini.fetched("1.jpg", image));
        try (EmbeddingPipeline pipeline = EmbeddingPipeline.open(config.on(Placement.GPU, 0))) {
            System.out.println("embedded " + pipeline.embed(batch).size() + " on " + pipeline.engineName());
            trap();
            long end = System.nanoTime() + SURVIVAL.toNanos();
            while (System.nanoTime() < end) {
                pipeline.submit(batch); // an idle process notices with its next image
                Thread.sleep(100);
            }
            System.out.println("survived");
        }
    }

    @SuppressWarnings("MustBeClosed") // what is lost cannot be freed
    private static void trap() {
        Device device = Device.open(0);
        Kernels kernels =
                device.compile("trap.cu", "extern \"C\" __global__ void trap(long unused) { asm(\"trap;\"); }");
        Stream stream = device.stream();
        kernels.launch("trap", 1, 0).set(0, 0).run(stream, 1, 1, 1, 1, 0);
        try {
            stream.synchronize();
        } catch (DeviceLost expected) {
            System.out.println("trapped: " + expected.getMessage());
        }
    }
}
