package lenstream.gpu.lane;

import java.nio.file.Path;
import java.util.Optional;
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
        GpuConfig defaults = GpuConfig.defaults(Path.of(System.getProperty("lenstream.engine.cache", "target/engines"))
                .toAbsolutePath());
        return new GpuConfig(
                0,
                Integer.getInteger("lenstream.gpu.batch", 32),
                2,
                4,
                8,
                256 << 20,
                64 << 20,
                256,
                GpuConfig.Decoder.valueOf(System.getProperty("lenstream.gpu.decoder", "NVIMAGECODEC")),
                true,
                true,
                2,
                defaults.engineCache(),
                Provider.valueOf(System.getProperty("lenstream.gpu.provider", "TENSORRT")));
    }
}
