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
            null,
            new Calibration.Curve(20, -4),
            null,
            new Calibration.Noise(0.1, 0.02, 0.04, 1000),
            new Calibration.Meaning(List.of(2.0, -3.0), 0, null),
            new Calibration.Decision(1, 0.5, -1),
            null,
            null);

    @Test
    void aHintGivesACurveThroughItsTwoMeansAndOneFloor() {
        Relevance relevance = Relevance.of(null, HINT);
        assertThat(relevance.source()).isEqualTo(Relevance.Source.HINT);
        assertThat(relevance.ofText(0.266)).isCloseTo(0.7, within(1e-9));
        assertThat(relevance.ofText(0.0235)).isCloseTo(0.02, within(1e-9));
        assertThat(relevance.cosineOfText(relevance.ofText(0.2))).isCloseTo(0.2, within(1e-9));
        assertThat(relevance.floor(SEEN, List.of(), 10).orElseThrow())
                .isEqualTo(relevance.floor(UNSEEN, List.of(), 1_000_000).orElseThrow())
                .isEqualTo(relevance.ofText(0.1662));
        assertThat(relevance.ofImage(1)).isEqualTo(1);
        assertThat(relevance.ofImage(0)).isZero();
    }

    @Test
    void anUnmeasuredEncoderScoresItsCosineAndHasNoFloor() {
        Relevance relevance = Relevance.of(null, null);
        assertThat(relevance.source()).isEqualTo(Relevance.Source.NONE);
        assertThat(relevance.ofText(0.3)).isEqualTo(0.3);
        assertThat(relevance.floor(SEEN, List.of(), 10)).isEmpty();
    }

    @Test
    void theFloorRisesWithTheIndexAndForTextsThatNameNothing() {
        Relevance relevance = Relevance.of(MEASURED, HINT);
        double small = relevance.floor(SEEN, List.of(), 100).orElseThrow();
        assertThat(relevance.floor(SEEN, List.of(), 1_000).orElseThrow()).isGreaterThan(small);
        assertThat(relevance.floor(UNSEEN, List.of(), 100).orElseThrow()).isGreaterThan(small);
        assertThat(relevance.floor(SEEN, List.of(), 10_000))
                .as("as far as the line is trusted")
                .isEqualTo(relevance.floor(SEEN, List.of(), 1_000_000));
        // level 0.1 + 0.02 ln 100; the place 2 outweighs the intercept of -1, so the level itself is enough
        assertThat(relevance.cosineOfText(small)).isCloseTo(0.1 + 0.02 * Math.log(100), within(1e-9));
    }

    @Test
    void nearToAllWordsIsNotNearToOne() {
        var background = new Calibration.Background(List.of(0.0, 0.5), 0.2);
        var measured = new Calibration(
                "x-1-00000000",
                2,
                null,
                null,
                MEASURED.text(),
                new Calibration.Curve(10, -5),
                new Calibration.Noise(0.1, 0.02, 0.04, 1000),
                new Calibration.Meaning(List.of(2.0, -3.0), 0, 0.0),
                new Calibration.Decision(1, 0.5, -1),
                background,
                new Calibration.Resemblance(new Calibration.Noise(0.4, 0.02, 0.05, 1000), 2));
        Relevance relevance = Relevance.of(measured, HINT);
        assertThat(relevance.nearest()).isEqualTo(2);
        var far = new Calibration.Neighbour(0.3, new float[] {0.3f, 0}); // nothing of the background
        var hub = new Calibration.Neighbour(0.3, new float[] {0.3f, 0.4f}); // 0.2 of it
        double floor = relevance.floor(SEEN, List.of(far, far), 100).orElseThrow();
        assertThat(relevance.floor(SEEN, List.of(hub, hub), 100).orElseThrow()).isGreaterThan(floor);
        // what is left of SEEN without (0, 0.5) is (1, -0.5); an excess of 1 is wanted
        double length = Math.sqrt(1.25);
        double least = 0.1 + 0.02 * Math.log(100) + 0.04;
        assertThat(relevance.cosineOfText(floor)).isCloseTo(least * length, within(1e-7));
        assertThat(relevance.cosineOfText(
                        relevance.floor(SEEN, List.of(hub, far), 100).orElseThrow()))
                .as("half of the hub's 0.2")
                .isCloseTo(least * length + 0.1, within(1e-7));
        assertThat(relevance.cosineOfText(relevance.floor(SEEN, List.of(), 100).orElseThrow()))
                .as("with no image, as for a typical one")
                .isCloseTo(least * length + 0.2, within(1e-7));
        assertThat(relevance.cosineOfImage(relevance.floorOfImage(100).orElseThrow()))
                .isCloseTo(0.4 + 0.02 * Math.log(100) + 2 * 0.05, within(1e-9));
    }

    @Test
    void aFileOfTheFirstVersionHasNoBackground() {
        Relevance relevance = Relevance.of(MEASURED, HINT);
        assertThat(relevance.nearest()).isZero();
        assertThat(relevance.floorOfImage(100)).isEmpty();
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
