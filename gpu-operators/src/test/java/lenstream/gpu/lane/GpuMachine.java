package lenstream.gpu.lane;

import java.util.Optional;
import lenstream.gpu.codec.NvJpeg;
import lenstream.gpu.cuda.Natives;
import lenstream.gpu.embed.trt.Provider;

/** Whether tests that need a GPU can run here: {@code LENSTREAM_NATIVES} names a complete folder. */
public final class GpuMachine {
    private GpuMachine() {}

    /** For {@code @EnabledIf}. */
    public static boolean isPresent() {
        return Natives.of(System.getenv())
                .filter(natives -> natives.problems().isEmpty())
                .isPresent();
    }

    /** The natives, loaded. */
    public static Natives natives() {
        Optional<Natives> natives = Natives.of(System.getenv());
        natives.orElseThrow().load();
        return natives.get();
    }

    /** Small batches, so that several lanes are at work on few images. */
    static GpuConfig config() {
        Provider first = Provider.valueOf(System.getProperty("lenstream.gpu.provider", "TENSORRT"));
        return GpuConfig.defaults()
                .with(8, true)
                .withLanes(
                        Integer.getInteger("lenstream.gpu.batch", 32),
                        2,
                        0,
                        4,
                        256 << 20,
                        System.getProperty("lenstream.gpu.decoder", NvJpeg.NAME))
                .withProvider(first, 2);
    }
}
