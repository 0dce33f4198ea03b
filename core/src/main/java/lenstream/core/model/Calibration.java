package lenstream.core.model;

import java.util.List;
import lenstream.core.config.Check;
import org.jspecify.annotations.Nullable;

/**
 * What was measured of an encoder's cosines, the contents of {@code calibration.json} beside {@code encoder.json}. It says
 * how to read cosines and takes no part in the fingerprint: vectors stay what they are. Made by {@code lenstream
 * calibrate}. Immutable.
 *
 * @param fingerprint of the encoder that was measured
 * @param created date, for people
 * @param fittedOn what it was measured on, for people
 * @param text score of a picture for words
 * @param image score of a picture for a picture; null if too few pictures shared a label
 * @param noise what chance reaches in an index of N images
 * @param meaning whether a text names something that can be seen
 * @param nothing when nothing matches
 */
public record Calibration(
        String fingerprint,
        @Nullable String created,
        @Nullable String fittedOn,
        Curve text,
        @Nullable Curve image,
        Noise noise,
        Meaning meaning,
        Decision nothing) {
    /**
     * A logistic curve (Platt 1999), fitted to right and wrong pairs: {@code score = 1 / (1 + exp(-(slope · cosine +
     * intercept)))}.
     */
    public record Curve(double slope, double intercept) {
        public Curve {
            if (!(slope > 0)) {
                throw new IllegalArgumentException("slope must be above 0, not " + slope);
            }
        }

        /** 0..1, rising with the cosine. */
        public double score(double cosine) {
            return 1 / (1 + Math.exp(-(slope * cosine + intercept)));
        }

        /** The cosine that has this score, -1..1. */
        public double cosine(double score) {
            return Math.clamp((Math.log(score / (1 - score)) - intercept) / slope, -1, 1);
        }
    }

    /**
     * The best cosine of a text about something else and N images. Extreme values of independent draws from a tail that
     * falls exponentially lie about a place that moves with the logarithm of their number (Gumbel 1958); place and growth
     * are fitted to measured maxima of {@code images} and fewer images.
     *
     * @param location mean of the best of one
     * @param growth of that mean, a unit of ln N
     * @param spread standard deviation of the best
     * @param images the largest N that was measured
     */
    public record Noise(double location, double growth, double spread, int images) {
        /**
         * Ten times what was measured is as far as the line is drawn out: in a larger index right pictures are more
         * numerous too, and the best of them gains as much.
         */
        private static final int TRUSTED = 10;

        public Noise {
            Check.positive("images", images);
            if (!(spread > 0)) {
                throw new IllegalArgumentException("spread must be above 0, not " + spread);
            }
        }

        /** The mean best cosine that chance reaches among so many images. */
        public double level(long count) {
            return location + growth * Math.log(Math.clamp(count, 1, (long) TRUSTED * images));
        }
    }

    /**
     * A direction of the space that tells words for things that can be seen from nonsense and from words for what has no
     * picture.
     *
     * @param direction as long as the embeddings
     */
    public record Meaning(List<Double> direction, double offset) {
        private static final double LEAST = -4;
        private static final double MOST = 2;

        public Meaning {
            direction = List.copyOf(direction);
        }

        /** The text's place, -4 (none) to 2 (surely); cut there, because what lies beyond says no more. */
        public double of(float[] text) {
            double sum = offset;
            for (int i = 0; i < text.length; i++) {
                sum += direction.get(i) * text[i];
            }
            return Math.clamp(sum, LEAST, MOST);
        }
    }

    /**
     * Something matches where {@code excess · (cosine - level) / spread + meaning · place + intercept} is not below 0,
     * with the best cosine, the noise's level and spread, and the text's place.
     */
    public record Decision(double excess, double meaning, double intercept) {
        public Decision {
            if (!(excess > 0)) {
                throw new IllegalArgumentException("excess must be above 0, not " + excess);
            }
        }
    }

    /** The cosine that the best of so many images must have for a text, or nothing matches. */
    public double leastCosine(float[] words, long images) {
        double excess = -(nothing.meaning() * meaning.of(words) + nothing.intercept()) / nothing.excess();
        return noise.level(images) + excess * noise.spread();
    }
}
