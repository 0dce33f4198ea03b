package lenstream.core.model;

import java.util.List;
import lenstream.core.config.Check;
import lenstream.core.config.Default;
import org.jspecify.annotations.Nullable;

/**
 * The contents of {@code ocr.json}: the networks of a PP-OCR model and what belongs to each as it was trained. Pixels reach
 * all of them as {@code (x/255 - mean) / std} in planes of blue, green and red.
 *
 * @param name for people and the log
 * @param version for people and the log
 * @param license of the networks, for people
 * @param detection finds lines of text
 * @param direction tells a line that stands on its head; null if nobody asks
 * @param recognition reads a line
 */
public record OcrModel(
        String name,
        String version,
        @Nullable String license,
        Detection detection,
        @Nullable Direction direction,
        Recognition recognition) {

    public OcrModel {
        Check.notBlank("name", name);
        Check.notBlank("version", version);
    }

    /**
     * Differentiable binarisation: each point's probability of lying in the middle part of a line.
     *
     * @param file ONNX, {@code [1, 3, h, w]} to {@code [1, 1, h, w]}, sides being multiples of 32
     * @param sha256 64 hex digits, checked at load
     * @param threshold above which a point belongs to a line
     * @param boxThreshold mean probability that a line needs
     * @param unclip how far a line reaches beyond its middle part: distance = area * unclip / perimeter
     */
    public record Detection(
            String file,
            String sha256,
            @Default("[0.5, 0.5, 0.5]") List<Double> mean,
            @Default("[0.5, 0.5, 0.5]") List<Double> std,
            @Default("0.3") double threshold,
            @Default("0.5") double boxThreshold,
            @Default("1.6") double unclip) {
        public Detection {
            normalisation(mean, std);
            probability("threshold", threshold);
            probability("box_threshold", boxThreshold);
            if (!(unclip >= 0 && unclip <= 10)) {
                throw new IllegalArgumentException("unclip must be 0 to 10, not " + unclip);
            }
        }
    }

    /**
     * Whether a line stands on its head.
     *
     * @param file ONNX, {@code [n, 3, height, width]} to {@code [n, 2]}: upright, on its head
     * @param threshold probability above which a line is turned
     */
    public record Direction(
            String file,
            String sha256,
            @Default("48") int height,
            @Default("192") int width,
            @Default("0.9") double threshold) {
        public Direction {
            Check.range("height", height, 8, 512);
            Check.range("width", width, 8, 4096);
            probability("threshold", threshold);
        }
    }

    /**
     * Reads a line.
     *
     * @param file ONNX, {@code [n, 3, height, w]} to {@code [n, steps, 1 + characters + 1]}: at each step the probability
     *     of the blank, of each character, and of a space
     * @param height of a line, pixels
     * @param characters the file of its characters, one a line, UTF-8
     * @param charactersSha256 of that file
     */
    public record Recognition(
            String file, String sha256, @Default("48") int height, String characters, String charactersSha256) {
        public Recognition {
            Check.range("height", height, 8, 512);
        }
    }

    private static void normalisation(List<Double> mean, List<Double> std) {
        if (mean.size() != 3 || std.size() != 3 || std.contains(0.0)) {
            throw new IllegalArgumentException("mean and std need three values each, and std none of 0");
        }
    }

    private static void probability(String key, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException(key + " must be 0 to 1, not " + value);
        }
    }
}
