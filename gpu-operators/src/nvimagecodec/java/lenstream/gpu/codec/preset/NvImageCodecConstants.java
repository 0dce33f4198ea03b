package lenstream.gpu.codec.preset;

/** Constants of C that nvImageCodec's header uses by name. Parent of the generated global class. */
public class NvImageCodecConstants extends NvImageCodecPreset {
    /** {@code INT32_MAX} of {@code stdint.h}. */
    public static final int INT32_MAX = Integer.MAX_VALUE;

    protected NvImageCodecConstants() {}
}
