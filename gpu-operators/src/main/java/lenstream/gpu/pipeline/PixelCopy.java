package lenstream.gpu.pipeline;

import java.nio.ByteBuffer;
import java.util.Optional;
import lenstream.core.image.PixelRules;
import lenstream.core.model.Preprocessing.Interpolation;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.decode.Thumbnail;
import lenstream.gpu.preprocess.Resizer;

/**
 * Makes the copy that is kept of an image whose original is too long: the first frame, upright, over white, scaled down
 * until its shorter side fits, as a JPEG. What that costs an encoder is measured by the gate of a move to it. Confined to
 * one thread.
 */
public final class PixelCopy {
    private final PixelRules rules;
    private final HostImageDecoder decoder;
    private final Resizer resizer = new Resizer();

    public PixelCopy(PixelRules rules, DecodeLimits limits) {
        this.rules = rules;
        this.decoder = new HostImageDecoder(limits, DecodeRules.defaults(), 1);
    }

    /** The JPEG; empty if the image cannot be decoded. */
    public Optional<byte[]> of(byte[] encoded) {
        ByteBuffer direct =
                ByteBuffer.allocateDirect(encoded.length).put(encoded).flip();
        return switch (decoder.decode(direct)) {
            case Decoded.Rejected rejected -> Optional.empty();
            case Decoded.Image image -> {
                try (Pixels pixels = image.pixels()) {
                    yield Optional.of(jpeg(pixels));
                }
            }
        };
    }

    private byte[] jpeg(Pixels pixels) {
        int shorter = Math.min(pixels.width(), pixels.height());
        if (shorter <= rules.shorterSide()) {
            return Thumbnail.jpeg(pixels.rgbView(), pixels.width(), pixels.height(), rules.quality());
        }
        int width = scaled(pixels.width(), shorter);
        int height = scaled(pixels.height(), shorter);
        var rgb = new byte[width * height * 3];
        resizer.resize(
                pixels.rgbView(),
                pixels.width(),
                pixels.height(),
                width,
                height,
                Interpolation.BICUBIC,
                0,
                0,
                width,
                height,
                rgb);
        return Thumbnail.jpeg(rgb, width, height, rules.quality());
    }

    private int scaled(int side, int shorter) {
        return (int) Math.round((double) side * rules.shorterSide() / shorter);
    }
}
