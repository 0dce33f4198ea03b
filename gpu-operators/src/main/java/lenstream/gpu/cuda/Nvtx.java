package lenstream.gpu.cuda;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Platform;

/**
 * The two functions of NVTX 3 that {@link Range} needs. NVTX is a header alone, which finds the profiler by itself; {@code mvn
 * -Pnatives} compiles it into {@code libjninvtx.so}. Without a profiler they do nothing.
 */
@Platform(value = "linux-x86_64", include = "nvtx3/nvToolsExt.h", link = "dl", library = "jninvtx")
final class Nvtx {
    static {
        Loader.load();
    }

    private Nvtx() {}

    /** Begins a range on the calling thread, inside those begun before; returns its depth, negative without a profiler. */
    static native int nvtxRangePushA(@Cast("const char*") BytePointer message);

    /** Ends the last range that the calling thread began. */
    static native int nvtxRangePop();
}
