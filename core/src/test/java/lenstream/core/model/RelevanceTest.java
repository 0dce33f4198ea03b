package lenstream.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class RelevanceTest {
    private static final Encoder.ScoreHint HINT = new Encoder.ScoreHint(0.266, 0.0235, 0.1662);
    private static final float[] SEEN = {1, 0};
    private static final float[] UNSEEN = {0, 1};
    private static final Calibration MEASURED = new Calibration(
            "x-1-00000000",
            null,
            null,
            new Calibration.Curve(20, -4),
            null,
            new Calibration.Noise(0.1, 0.02, 0.04, 1000),
            new Calibration.Meaning(List.of(2.0, -3.0), 0),
            new Calibration.Decision(1, 0.5, -1));

    @Test
    void aHintGivesACurveThroughItsTwoMeansAndOneFloor() {
        Relevance relevance = Relevance.of(null, HINT);
        assertThat(relevance.source()).isEqualTo(Relevance.Source.HINT);
        assertThat(relevance.ofText(0.266)).isCloseTo(0.7, within(1e-9));
        assertThat(relevance.ofText(0.0235)).isCloseTo(0.02, within(1e-9));
        assertThat(relevance.cosineOfText(relevance.ofText(0.2))).isCloseTo(0.2, within(1e-9));
        assertThat(relevance.floor(SEEN, 10).orElseThrow())
                .isEqualTo(relevance.floor(UNSEEN, 1_000_000).orElseThrow())
                .isEqualTo(relevance.ofText(0.1662));
        assertThat(relevance.ofImage(1)).isEqualTo(1);
        assertThat(relevance.ofImage(0)).isZero();
    }

    @Test
    void anUnmeasuredEncoderScoresItsCosineAndHasNoFloor() {
        Relevance relevance = Relevance.of(null, null);
        assertThat(relevance.source()).isEqualTo(Relevance.Source.NONE);
        assertThat(relevance.ofText(0.3)).isEqualTo(0.3);
        assertThat(relevance.floor(SEEN, 10)).isEmpty();
    }

    @Test
    void theFloorRisesWithTheIndexAndForTextsThatNameNothing() {
        Relevance relevance = Relevance.of(MEASURED, HINT);
        double small = relevance.floor(SEEN, 100).orElseThrow();
        assertThat(relevance.floor(SEEN, 1_000).orElseThrow()).isGreaterThan(small);
        assertThat(relevance.floor(UNSEEN, 100).orElseThrow()).isGreaterThan(small);
        assertThat(relevance.floor(SEEN, 10_000))
                .as("as far as the line is trusted")
                .isEqualTo(relevance.floor(SEEN, 1_000_000));
        // level 0.1 + 0.02 ln 100; the place 2 outweighs the intercept of -1, so the level itself is enough
        assertThat(relevance.cosineOfText(small)).isCloseTo(0.1 + 0.02 * Math.log(100), within(1e-9));
    }

    @Test
    void vocabularyIsTheSameForTheSameSeedAndNothingInItIsDoubled() {
        assertThat(new HashSet<>(Vocabulary.things())).hasSameSizeAs(Vocabulary.things());
        assertThat(Vocabulary.descriptions(1))
                .isEqualTo(Vocabulary.descriptions(1))
                .doesNotContain("");
        assertThat(Vocabulary.nonsense(500, 1)).isNotEqualTo(Vocabulary.nonsense(500, 2));
        assertThat(Vocabulary.nonsense(500, 1)).allMatch(text -> !text.isBlank());
        assertThat(Vocabulary.unpictured()).doesNotContainAnyElementsOf(Vocabulary.things());
    }
}
