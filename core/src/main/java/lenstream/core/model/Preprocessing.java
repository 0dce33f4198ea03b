package lenstream.core.model;

import java.util.List;
import java.util.Locale;
import lenstream.core.config.Check;
import lenstream.core.config.Default;

/**
 * How pixels become the input of an image tower, as the model was trained. See the bundle format in ARCHITECTURE.md.
 *
 * @param exifOrientation whether the EXIF orientation is applied first
 * @param alpha what becomes of transparent pixels
 * @param size side of the square input, pixels
 * @param resizeMode which side becomes {@code size}
 * @param longerSide how the other side is rounded
 * @param crop whether the centre is cut out to {@code size}
 * @param cropRounding how half a pixel of excess is rounded
 * @param scale factor from 8-bit values to the range that {@code mean} and {@code std} are given in
 * @param mean per channel, subtracted after scaling
 * @param std per channel, divided by
 */
public record Preprocessing(
        @Default("apply") Orientation exifOrientation,
        @Default("white") Alpha alpha,
        @Default("RGB") ChannelOrder channelOrder,
        int size,
        ResizeMode resizeMode,
        @Default("floor") LongerSide longerSide,
        Interpolation interpolation,
        @Default("true") boolean antialias,
        @Default("center") Crop crop,
        @Default("half_even") CropRounding cropRounding,
        @Default("0.00392156862745098") double scale,
        List<Double> mean,
        List<Double> std) {

    public enum Orientation {
        APPLY,
        IGNORE
    }

    public enum Alpha {
        WHITE,
        DROP
    }

    public enum ChannelOrder {
        RGB,
        BGR
    }

    public enum ResizeMode {
        SHORTEST,
        SQUASH,
        LONGEST
    }

    public enum LongerSide {
        FLOOR,
        ROUND
    }

    public enum Interpolation {
        BICUBIC,
        BILINEAR,
        NEAREST
    }

    public enum Crop {
        CENTER,
        NONE
    }

    public enum CropRounding {
        HALF_EVEN,
        FLOOR
    }

    public Preprocessing {
        Check.range("size", size, 1, 4096);
        if (mean.size() != 3 || std.size() != 3) {
            throw new IllegalArgumentException("mean and std need three values each");
        }
        if (std.contains(0.0)) {
            throw new IllegalArgumentException("std must not be 0");
        }
        if (!antialias && interpolation != Interpolation.NEAREST) {
            throw new IllegalArgumentException("antialias: false is not supported; encoders of this family antialias");
        }
        if (resizeMode == ResizeMode.SHORTEST && crop == Crop.NONE) {
            throw new IllegalArgumentException("resize_mode: shortest needs crop: center to end at a square input");
        }
    }

    /** One line that is equal exactly when the rules are equal; part of the fingerprint. */
    String canonical() {
        return String.join(
                        ";",
                        exifOrientation.name(),
                        alpha.name(),
                        channelOrder.name(),
                        Integer.toString(size),
                        resizeMode.name(),
                        longerSide.name(),
                        interpolation.name(),
                        Boolean.toString(antialias),
                        crop.name(),
                        cropRounding.name(),
                        Double.toString(scale),
                        mean.toString(),
                        std.toString())
                .toLowerCase(Locale.ROOT);
    }
}
