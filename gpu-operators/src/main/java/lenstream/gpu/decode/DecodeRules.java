package lenstream.gpu.decode;

/**
 * The choices of an encoder that concern decoding. They are part of its fingerprint.
 *
 * @param applyOrientation whether pixels come out as they are to be seen, or as they are stored
 * @param ground what becomes of transparent pixels
 */
public record DecodeRules(boolean applyOrientation, Ground ground) {
    /** Orientation applied, alpha over white. */
    public static DecodeRules defaults() {
        return new DecodeRules(true, Ground.WHITE);
    }
}
