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
 * @param version of this format: 2, or null in files of the first, which know neither background nor resemblance
 * @param created date, for people
 * @param fittedOn what it was measured on, for people
 * @param text score of a picture for words
 * @param image score of a picture for a picture; null if too few pictures shared a label
 * @param noise how far the nearest of N images stand out by chance: their {@link #standing}, or in files without a
 *     background the cosine of the best
 * @param meaning whether a text names something that can be seen
 * @param nothing when nothing matches
 * @param background what all words for things have in common; null in files of version 1
 * @param resemblance when nothing resembles a picture; null if too few pictures were known to be alike
 */
public record Calibration(
        String fingerprint,
        @Nullable Integer version,
        @Nullable String created,
        @Nullable String fittedOn,
        Curve text,
        @Nullable Curve image,
        Noise noise,
        Meaning meaning,
        Decision nothing,
        @Nullable Background background,
        @Nullable Resemblance resemblance) {
    /** What is written now. */
    public static final int VERSION = 2;

    /** Nearest images that take part in {@link #standing}: two stand out less often by chance than one. */
    public static final int NEAREST = 2;

    public Calibration {
        if (version != null && (version < 1 || version > VERSION)) {
            throw new IllegalArgumentException("version is " + version + ", known are 1 to " + VERSION
                    + "; make the file anew with ./lenstream calibrate, or use the Lenstream that wrote it");
        }
    }

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
     * How far the nearest of N images stand out for a text about something else. Extreme values of independent draws from a tail that
     * falls exponentially lie about a place that moves with the logarithm of their number (Gumbel 1958); place and growth
     * are fitted to measured maxima of {@code images} and fewer images.
     *
     * @param location mean for one image
     * @param growth of that mean, a unit of ln N
     * @param spread standard deviation
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

        /** What chance reaches on average among so many images. */
        public double level(long count) {
            return location + growth * Math.log(Math.clamp(count, 1, (long) TRUSTED * images));
        }
    }

    /**
     * A direction of the space that tells words for things that can be seen from nonsense and from words for what has no
     * picture.
     *
     * @param direction as long as the embeddings
     * @param most where the place of texts that surely mean something is cut; null in files of version 1, which cut at 2
     */
    public record Meaning(
            List<Double> direction, double offset, @Nullable Double most) {
        private static final double LEAST = -4;
        private static final double FIRST_MOST = 2;

        public Meaning {
            direction = List.copyOf(direction);
        }

        /** The text's place, from -4 (it means nothing); cut at both ends, because what lies beyond says no more. */
        public double of(float[] text) {
            return Math.clamp(offset + dot(direction, text), LEAST, most == null ? FIRST_MOST : most);
        }
    }

    /**
     * What all words for things have in common. An image that is near to it is near to every word, and its cosine says that much
     * less (hubness: Radovanović et al. 2010; taken off as in Suzuki et al., EMNLP 2013, by centring the query).
     *
     * @param mean of the vectors of many words for things, as long as the embeddings, not of unit length
     * @param typical mean of {@link #of} over the images that were measured
     */
    public record Background(List<Double> mean, double typical) {
        public Background {
            mean = List.copyOf(mean);
        }

        /** The mean cosine of an image with the words. */
        public double of(float[] image) {
            return dot(mean, image);
        }

        /** The length that is left of a text's unit vector without the mean. */
        public double lengthWithout(float[] text) {
            double square = 0;
            for (int i = 0; i < text.length; i++) {
                double rest = text[i] - mean.get(i);
                square += rest * rest;
            }
            return Math.max(1e-3, Math.sqrt(square)); // a text that is the mean itself has no direction of its own
        }
    }

    /**
     * When nothing resembles a picture: the best cosine is below {@code level + least · spread} of the noise.
     *
     * @param noise the best cosine of a picture and N others that are not like it
     */
    public record Resemblance(Noise noise, double least) {
        /** The cosine that the best of so many images must have; of more than were measured no more, for like ones are more, too. */
        public double leastCosine(long images) {
            return noise.level(Math.min(images, noise.images())) + least * noise.spread();
        }
    }

    /**
     * One of the images nearest to a query.
     *
     * @param vector unit length; never written after construction
     */
    public record Neighbour(double cosine, float[] vector) {}

    /**
     * Something matches where {@code excess · (standing - level) / spread + meaning · place + intercept} is not below 0, with the
     * {@link #standing} (or the best cosine in files without a background), the noise's level and spread, and the text's place.
     */
    public record Decision(double excess, double meaning, double intercept) {
        public Decision {
            if (!(excess > 0)) {
                throw new IllegalArgumentException("excess must be above 0, not " + excess);
            }
        }
    }

    /** How many of the nearest images {@link #leastCosine} asks for. */
    public int nearest() {
        return background == null ? 0 : NEAREST;
    }

    /**
     * How far the nearest images stand out for a text: the mean of their cosines with what is left of the text without the {@link Background}.
     *
     * @param nearest at most {@link #NEAREST}, at least one
     */
    public static double standing(Background background, float[] words, List<Neighbour> nearest) {
        double sum = 0;
        for (Neighbour near : nearest) {
            sum += near.cosine() - background.of(near.vector());
        }
        return sum / nearest.size() / background.lengthWithout(words);
    }

    /**
     * The cosine that the best of so many images must have for a text, or nothing matches. With a background it depends on the
     * nearest images: it is where the best would stand if all of them came as much nearer (or went as much farther) as it takes.
     *
     * @param nearest the {@link #nearest()} best images, best first; fewer if there are no more
     */
    public double leastCosine(float[] words, List<Neighbour> nearest, long images) {
        double excess = -(nothing.meaning() * meaning.of(words) + nothing.intercept()) / nothing.excess();
        double least = noise.level(images) + excess * noise.spread();
        if (background == null) {
            return least;
        }
        double length = background.lengthWithout(words);
        return nearest.isEmpty()
                ? least * length + background.typical()
                : nearest.getFirst().cosine() + length * (least - standing(background, words, nearest));
    }

    private static double dot(List<Double> direction, float[] vector) {
        double sum = 0;
        for (int i = 0; i < vector.length; i++) {
            sum += direction.get(i) * vector[i];
        }
        return sum;
    }
}
