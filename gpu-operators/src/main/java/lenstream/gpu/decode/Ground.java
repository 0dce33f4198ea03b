package lenstream.gpu.decode;

/** What becomes of transparent pixels. */
public enum Ground {
    /**
     * Composited on white with the rounding of Pillow's {@code Image.alpha_composite} on an opaque ground: a blend in 7-bit
     * fixed point, then a division by 255 by shifts. Source: Pillow {@code libImaging/AlphaComposite.c}.
     */
    WHITE,
    /** Alpha is dropped and the colours under it show, as Pillow's {@code convert("RGB")} does. */
    DROP;

    /** One 8-bit sample under 8-bit alpha. */
    byte over(int sample, int alpha) {
        if (alpha == 255 || this == DROP) {
            return (byte) sample;
        }
        if (alpha == 0) {
            return (byte) 255;
        }
        int blended = ((sample * alpha + 255 * (255 - alpha)) << 7) + (0x80 << 7);
        return (byte) ((((blended >> 8) + blended) >> 8) >> 7);
    }
}
