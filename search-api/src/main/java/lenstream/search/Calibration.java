package lenstream.search;

import java.util.OptionalDouble;
import lenstream.core.model.Encoder;
import org.jspecify.annotations.Nullable;

/**
 * Turns a cosine into a score from 0 to 1 that means about the same for every encoder.
 *
 * <p>Words against pictures: a logistic curve through two measured points of the encoder's {@code score_hint}: the mean
 * cosine of a right pair scores {@value #RIGHT}, that of a random pair {@value #RANDOM}. An encoder without a hint scores
 * the cosine itself. Pictures against pictures live on another scale, where an identical picture has cosine 1: the
 * score rises in a straight line from the random mean to 1.
 *
 * <p>The floor for words is the score of {@code random_pair_p95}, the cosine that one random pair in twenty exceeds: where
 * even the best picture of a list stays below it, that picture fits the words no better than one drawn at random, and the
 * honest answer is that nothing matches. It is a measured point of the encoder put through the curve above, nothing else.
 * It errs to the side of showing something: in a large index some unrelated picture lies above it. Pictures have no floor,
 * because no bundle says how near random pictures lie to each other. Immutable.
 */
final class Calibration {
    private static final double RIGHT = 0.7;
    private static final double RANDOM = 0.02;

    private final Encoder.@Nullable ScoreHint hint;

    Calibration(Encoder.@Nullable ScoreHint hint) {
        this.hint = hint;
    }

    /** The score of a picture for words. */
    double ofText(double cosine) {
        if (hint == null) {
            return Math.clamp(cosine, 0, 1);
        }
        double slope = (logit(RIGHT) - logit(RANDOM)) / (hint.rightPairMean() - hint.randomPairMean());
        return 1 / (1 + Math.exp(-(logit(RIGHT) + slope * (cosine - hint.rightPairMean()))));
    }

    /** The score of a picture for a picture. */
    double ofImage(double cosine) {
        double floor = hint == null ? 0 : hint.randomPairMean();
        return Math.clamp((cosine - floor) / (1 - floor), 0, 1);
    }

    /** The cosine that has this score for words; the inverse of {@link #ofText}. */
    double cosineOfText(double score) {
        if (hint == null) {
            return score;
        }
        double slope = (logit(RIGHT) - logit(RANDOM)) / (hint.rightPairMean() - hint.randomPairMean());
        return Math.clamp(hint.rightPairMean() + (logit(score) - logit(RIGHT)) / slope, -1, 1);
    }

    /** The cosine that has this score for a picture; the inverse of {@link #ofImage}. */
    double cosineOfImage(double score) {
        double floor = hint == null ? 0 : hint.randomPairMean();
        return score <= 0 ? -1 : floor + score * (1 - floor);
    }

    /** The score of words that the best picture must reach to be more than chance; empty if it was not measured. */
    OptionalDouble floor() {
        return hint == null ? OptionalDouble.empty() : OptionalDouble.of(ofText(hint.randomPairP95()));
    }

    private static double logit(double p) {
        return Math.log(p / (1 - p));
    }
}
