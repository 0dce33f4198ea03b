package lenstream.core.model;

import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Turns a cosine into a score from 0 to 1 that means about the same for every encoder, and says when nothing matches.
 * It is as good as what is known of the encoder:
 *
 * <ul>
 *   <li>{@link Source#CALIBRATION}: what {@code lenstream calibrate} measured. The floor of a text depends on how many
 *       images are searched and on whether the text names something that can be seen.
 *   <li>{@link Source#HINT}: a logistic curve through two points of the encoder's {@code score_hint}: the mean cosine of
 *       a right pair scores {@value #RIGHT}, that of a random pair {@value #RANDOM}. The floor is the score of the cosine
 *       that one random pair in twenty exceeds, whatever the text and the size of the index; so it is lenient: in a large
 *       index some unrelated picture lies above it, and near the many words that a nonsense word resembles a little there
 *       is always one.
 *   <li>{@link Source#NONE}: the cosine itself, and no floor.
 * </ul>
 *
 * Pictures for pictures without a measured curve: an identical picture has cosine 1, so the score rises in a straight
 * line from the random mean (0 if unknown) to 1; then they have no floor. Immutable.
 */
public final class Relevance {
    private static final double RIGHT = 0.7;
    private static final double RANDOM = 0.02;

    private final @Nullable Calibration calibration;
    private final Encoder.@Nullable ScoreHint hint;
    private final Calibration.@Nullable Curve text;

    /** What scores rest on. */
    public enum Source {
        CALIBRATION,
        HINT,
        NONE
    }

    private Relevance(@Nullable Calibration calibration, Encoder.@Nullable ScoreHint hint) {
        this.calibration = calibration;
        this.hint = hint;
        this.text = calibration != null ? calibration.text() : hint != null ? through(hint) : null;
    }

    /** With the best that is known: the calibration, else the hint, else nothing. */
    public static Relevance of(@Nullable Calibration calibration, Encoder.@Nullable ScoreHint hint) {
        return new Relevance(calibration, hint);
    }

    private static Calibration.Curve through(Encoder.ScoreHint hint) {
        double slope = (logit(RIGHT) - logit(RANDOM)) / (hint.rightPairMean() - hint.randomPairMean());
        return new Calibration.Curve(slope, logit(RIGHT) - slope * hint.rightPairMean());
    }

    public Source source() {
        return calibration != null ? Source.CALIBRATION : hint != null ? Source.HINT : Source.NONE;
    }

    /** The score of a picture for words. */
    public double ofText(double cosine) {
        return text == null ? Math.clamp(cosine, 0, 1) : text.score(cosine);
    }

    /** The cosine that has this score for words; the inverse of {@link #ofText}. */
    public double cosineOfText(double score) {
        return text == null ? score : text.cosine(score);
    }

    /** The score of a picture for a picture. */
    public double ofImage(double cosine) {
        if (calibration != null && calibration.image() != null) {
            return calibration.image().score(cosine);
        }
        double floor = hint == null ? 0 : hint.randomPairMean();
        return Math.clamp((cosine - floor) / (1 - floor), 0, 1);
    }

    /** The cosine that has this score for a picture; the inverse of {@link #ofImage}. */
    public double cosineOfImage(double score) {
        if (calibration != null && calibration.image() != null) {
            return calibration.image().cosine(score);
        }
        double floor = hint == null ? 0 : hint.randomPairMean();
        return score <= 0 ? -1 : floor + score * (1 - floor);
    }

    /** How many of the nearest images {@link #floor} asks for; 0 if it does without. */
    public int nearest() {
        return calibration == null ? 0 : calibration.nearest();
    }

    /**
     * The score that the best picture must reach for a text, or nothing matches; empty if nothing is known of the encoder.
     *
     * @param words the text's embedding, unit length
     * @param nearest the {@link #nearest()} images nearest to it, best first; fewer if there are no more
     * @param images how many are searched
     */
    public OptionalDouble floor(float[] words, List<Calibration.Neighbour> nearest, long images) {
        if (calibration != null) {
            return OptionalDouble.of(ofText(Math.clamp(calibration.leastCosine(words, nearest, images), -1, 1)));
        }
        return hint == null ? OptionalDouble.empty() : OptionalDouble.of(ofText(hint.randomPairP95()));
    }

    /**
     * The score that the best picture must reach for a picture, or nothing resembles it; empty if that was not measured.
     *
     * @param images how many are searched
     */
    public OptionalDouble floorOfImage(long images) {
        if (calibration == null || calibration.resemblance() == null) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(ofImage(Math.clamp(calibration.resemblance().leastCosine(images), -1, 1)));
    }

    private static double logit(double p) {
        return Math.log(p / (1 - p));
    }
}
