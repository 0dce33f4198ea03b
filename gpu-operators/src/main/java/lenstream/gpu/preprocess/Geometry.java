package lenstream.gpu.preprocess;

import lenstream.core.model.Preprocessing;
import lenstream.core.model.Preprocessing.CropRounding;
import lenstream.core.model.Preprocessing.LongerSide;

/**
 * Where an image lands in the square input: resized to {@code resizedWidth} x {@code resizedHeight}, of which the window at
 * ({@code left}, {@code top}) of {@code width} x {@code height} is kept and placed at ({@code padLeft}, {@code padTop}).
 *
 * <p>Source: torchvision's {@code Resize} and {@code CenterCrop} for {@code floor} and {@code half_even}, the Hugging Face image
 * processors for {@code floor} cropping, OpenCLIP's {@code ResizeKeepRatio} and {@code CenterCropOrPad} for {@code longest}.
 */
public record Geometry(
        int resizedWidth, int resizedHeight, int left, int top, int width, int height, int padLeft, int padTop) {

    public static Geometry of(Preprocessing rules, int width, int height) {
        int size = rules.size();
        return switch (rules.resizeMode()) {
            case SQUASH -> new Geometry(size, size, 0, 0, size, size, 0, 0);
            case SHORTEST -> {
                boolean portrait = width <= height;
                int resizedWidth = portrait ? size : other(rules, width, height);
                int resizedHeight = portrait ? other(rules, height, width) : size;
                yield new Geometry(
                        resizedWidth,
                        resizedHeight,
                        centre(rules, resizedWidth - size),
                        centre(rules, resizedHeight - size),
                        size,
                        size,
                        0,
                        0);
            }
            case LONGEST -> {
                boolean landscape = width >= height;
                int resizedWidth = landscape ? size : Math.max(1, other(rules, width, height));
                int resizedHeight = landscape ? Math.max(1, other(rules, height, width)) : size;
                yield new Geometry(
                        resizedWidth,
                        resizedHeight,
                        0,
                        0,
                        resizedWidth,
                        resizedHeight,
                        centre(rules, size - resizedWidth),
                        centre(rules, size - resizedHeight));
            }
        };
    }

    /** Length of a side whose partner, {@code reference} long, becomes {@code size}. */
    private static int other(Preprocessing rules, int side, int reference) {
        if (rules.longerSide() == LongerSide.FLOOR) {
            return (int) ((long) rules.size() * side / reference);
        }
        return (int) Math.rint((double) rules.size() * side / reference);
    }

    private static int centre(Preprocessing rules, int excess) {
        return rules.cropRounding() == CropRounding.HALF_EVEN ? (int) Math.rint(excess / 2.0) : excess / 2;
    }
}
