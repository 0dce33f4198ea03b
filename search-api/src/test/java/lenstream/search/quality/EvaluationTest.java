package lenstream.search.quality;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import lenstream.core.model.Encoder;
import lenstream.core.model.Relevance;
import org.junit.jupiter.api.Test;

class EvaluationTest {
    private static final List<LabelledImage> IMAGES = List.of(
            image(0, "cat"), image(1, "cat"), image(2, "dog"), image(3, "fish"), image(4, "fish"), image(5, "fish"));
    private static final List<String> LABELS = List.of("cat", "dog", "fish");

    /** Answers written down by hand; -1 is an image of the index that has no label. */
    private record Written(Map<String, List<Integer>> texts, Map<Integer, List<Integer>> images, List<String> nothing)
            implements Searcher {
        @Override
        public Found text(String words) {
            return new Found(texts.getOrDefault(words, List.of()), nothing.contains(words), Double.NaN);
        }

        @Override
        public Found image(int image) {
            return new Found(images.getOrDefault(image, List.of()), null, Double.NaN);
        }
    }

    @Test
    void figuresAreThoseOfTheTextbook() throws InterruptedException {
        var searcher = new Written(
                Map.of("cat", List.of(0, 2, 1), "dog", List.of(-1, 3, 4, 5, 0, 2), "fish", List.of(2, 3)),
                Map.of(0, List.of(1), 1, List.of(2, 0), 3, List.of(4, 5), 4, List.of(2, 3, 5), 5, List.of()),
                List.of("dog", "ship", "zzz"));
        var told = new StringBuilder();
        Evaluation.Report report =
                new Evaluation(IMAGES, LABELS, searcher, told::append).run(List.of("ship", "zzz", "moon"), null, true);
        Retrieval text = report.textToImage();
        assertThat(text.queries()).isEqualTo(3);
        assertThat(text.recall1()).isEqualTo(1 / 3.0);
        assertThat(text.recall5()).isEqualTo(2 / 3.0);
        assertThat(text.recall10()).isEqualTo(1);
        assertThat(text.precision10()).isCloseTo((2 / 2.0 + 1 / 1.0 + 1 / 3.0) / 3, within(1e-9));
        assertThat(text.map()).isCloseTo(((1 + 2 / 3.0) / 2 + 1 / 6.0 + (1 / 2.0) / 3) / 3, within(1e-9));
        assertThat(report.ownImage()).isEqualTo(4 / 6.0);
        Retrieval image = report.imageToImage();
        assertThat(image).isNotNull();
        assertThat(image.queries()).as("the dog has none like it").isEqualTo(5);
        assertThat(image.recall1()).isEqualTo(2 / 5.0);
        assertThat(image.recall5()).isEqualTo(4 / 5.0);
        Evaluation.Nothing nothing = report.nothing();
        assertThat(nothing).isNotNull();
        assertThat(nothing.precision()).isEqualTo(2 / 3.0);
        assertThat(nothing.recall()).isEqualTo(2 / 3.0);
        assertThat(told).contains("labels: 3 of 3").contains("pictures like: 6 of 6");
    }

    @Test
    void exactSearchRanksByCosineAndLeavesTheQueryOut() {
        List<float[]> vectors = List.of(new float[] {1, 0}, new float[] {0.6f, 0.8f}, new float[] {0, 1});
        var search = new ExactSearch(vectors, Relevance.of(null, new Encoder.ScoreHint(0.9, 0.1, 0.5)));
        search.know(List.of("east", "west"), List.of(new float[] {1, 0}, new float[] {-1, 0}));
        Searcher.Found east = search.text("east");
        Searcher.Found west = search.text("west");
        assertThat(east.images()).containsExactly(0, 1, 2);
        assertThat(east.nothing()).isFalse();
        assertThat(east.margin()).isPositive();
        assertThat(west.images()).containsExactly(2, 1, 0);
        assertThat(west.nothing()).isTrue();
        assertThat(west.margin()).isNegative();
        assertThat(search.image(2).images()).containsExactly(1, 0);
    }

    @Test
    void separationIsTheAreaUnderTheCurveAndWhatAThresholdRefuses() {
        var half = Separation.of(new double[] {3, 1}, new double[] {2, 0, 1});
        assertThat(half.auc()).as("3 beats all three; 1 beats 0, draws with 1").isCloseTo(4.5 / 6, within(1e-9));
        var ten = new double[20];
        Arrays.setAll(ten, i -> i);
        Separation shares = Separation.of(ten, new double[] {-1, 0.5, 1.5, 30});
        assertThat(shares.refusedAt5()).as("denies 0").isEqualTo(2 / 4.0);
        assertThat(shares.refusedAt10()).as("denies 0 and 1").isEqualTo(3 / 4.0);
    }

    private static LabelledImage image(int number, String label) {
        return new LabelledImage(Path.of("/" + number + ".jpg"), List.of(label));
    }
}
