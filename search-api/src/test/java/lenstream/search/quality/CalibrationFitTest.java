package lenstream.search.quality;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import lenstream.core.model.Calibration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * An encoder made by a formula: things have a direction each, images lie about the direction of what they show, and
 * texts that mean nothing share a direction of their own.
 */
class CalibrationFitTest {
    private static final int DIM = 48;
    private static final int LABELS = 60;

    private final Random random = new Random(3);
    private @Nullable Calibration before;
    private int each = 5;

    @Test
    void itFindsWhatTheEncoderWasMadeWith() {
        CalibrationFit.Result result = fit(0.9);
        Calibration c = result.calibration();
        assertThat(result.imageBy()).isEqualTo("label");
        assertThat(result.text().error()).as("scores mean what they say").isLessThan(0.02);
        assertThat(c.text().score(0.75)).isGreaterThan(0.9);
        assertThat(c.text().score(0.1)).isLessThan(0.02);
        assertThat(c.noise().growth()).as("more images, better luck").isPositive();
        assertThat(result.held().labels()).isGreaterThan(0.9);
        assertThat(result.held().absent()).isGreaterThan(0.9);
        assertThat(result.held().unseen()).isGreaterThan(0.9);
        assertThat(result.separation().auc()).isGreaterThan(0.99);
        assertThat(result.worst().auc()).isLessThanOrEqualTo(result.best().auc());
        CalibrationFit.Result.HeldPictures pictures = Objects.requireNonNull(result.pictures());
        assertThat(pictures.found()).isCloseTo(0.95, within(0.03));
        assertThat(pictures.alone()).as("what nothing resembles is refused").isGreaterThan(0.9);
    }

    /** As in CLIP and SigLIP (Liang et al. 2022), and some pictures are near to every word. */
    @Test
    void picturesThatLieApartFromTheTextsAreToldAsWell() {
        CalibrationFit.Result result = fit(0.9, 0.7, 0.4);
        Calibration c = result.calibration();
        assertThat(c.version()).isEqualTo(Calibration.VERSION);
        assertThat(result.separation().auc()).isGreaterThan(0.9);
        assertThat(result.held().labels()).isCloseTo(0.9, within(0.1));
        assertThat(result.held().absent()).isGreaterThan(0.7);
        Calibration.Background background = Objects.requireNonNull(c.background());
        float[] word = seen();
        var hub = background.mean().stream().map(Double::floatValue).toList();
        var towards = new float[DIM];
        for (int i = 0; i < DIM; i++) {
            towards[i] = hub.get(i);
        }
        Calibration.Neighbour near = new Calibration.Neighbour(0.3, unit(towards));
        Calibration.Neighbour plain = new Calibration.Neighbour(0.3, new float[DIM]);
        assertThat(c.leastCosine(word, List.of(near, near), 200))
                .as("a picture that is near to all words must be nearer")
                .isGreaterThan(c.leastCosine(word, List.of(plain, plain), 200));
    }

    @Test
    void ofAnEncoderThatKnowsLittleItDeniesNoMoreThanATenth() {
        CalibrationFit.Result result = fit(0.25);
        assertThat(result.held().labels()).isCloseTo(0.9, within(0.1));
        assertThat(result.held().absent()).as("it cannot know").isLessThan(0.6);
    }

    @Test
    void whatTheBundleHasIsJudgedAndKeptWhereTheSampleCannotTell() {
        assertThat(fit(0.9).before()).isNull();
        before = fit(0.9).calibration();
        CalibrationFit.Result again = fit(0.9);
        CalibrationFit.Result.Held judged = Objects.requireNonNull(again.before());
        assertThat(judged.labels()).isGreaterThan(0.8);
        assertThat(judged.absent()).isGreaterThan(0.8);
        assertThat(judged.unseen()).isGreaterThan(0.8);
        each = 1; // no two images are alike
        CalibrationFit.Result alone = fit(0.9);
        assertThat(alone.image()).isNull();
        assertThat(alone.calibration().image()).isEqualTo(before.image());
        assertThat(alone.calibration().resemblance()).isEqualTo(before.resemblance());
    }

    @Test
    void aSampleTooSmallIsRefused() {
        assertThatThrownBy(() -> new CalibrationFit(
                        List.of(new LabelledImage(Path.of("/a/1.jpg"), List.of("a"))),
                        List.of(direction()),
                        List.of("a"),
                        List.of(direction()),
                        texts()))
                .hasMessageContaining("at least 50 readable images with 10 labels");
    }

    private CalibrationFit.Result fit(double likeness) {
        return fit(likeness, 0, 0);
    }

    /**
     * @param likeness of an image and the words for it, about its cosine
     * @param apart of the images from the texts, along one direction
     * @param common how far some images lean towards what all words for things share
     */
    private CalibrationFit.Result fit(double likeness, double apart, double common) {
        var images = new ArrayList<LabelledImage>();
        var vectors = new ArrayList<float[]>();
        var labels = new ArrayList<String>();
        var words = new ArrayList<float[]>();
        for (int label = 0; label < LABELS; label++) {
            float[] word = seen();
            labels.add("label " + label);
            words.add(word);
            for (int i = 0; i < each; i++) {
                images.add(new LabelledImage(Path.of("/" + label + "/" + i + ".jpg"), List.of("label " + label)));
                vectors.add(placed(mix(word, direction(), likeness), apart, common * random.nextDouble()));
            }
        }
        return new CalibrationFit(images, vectors, labels, words, texts()).fit("made-1-00000000", "a formula", before);
    }

    private MeasuringTexts texts() {
        return new MeasuringTexts(
                many(300, true), many(300, false), many(100, false), many(200, true), many(200, true));
    }

    private List<float[]> many(int count, boolean seen) {
        var list = new ArrayList<float[]>();
        for (int i = 0; i < count; i++) {
            list.add(seen ? seen() : unseen());
        }
        return list;
    }

    /** The first value of the vector says whether a text means something. */
    private float[] seen() {
        float[] direction = direction();
        direction[0] = 0.5f;
        return unit(direction);
    }

    private float[] unseen() {
        float[] direction = direction();
        direction[0] = -0.5f;
        return unit(direction);
    }

    private float[] direction() {
        var values = new float[DIM];
        for (int i = 1; i < DIM; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return unit(values);
    }

    private static float[] placed(float[] image, double apart, double common) {
        image[0] += (float) common;
        image[DIM - 1] += (float) apart;
        return unit(image);
    }

    private static float[] mix(float[] a, float[] b, double share) {
        var values = new float[DIM];
        double rest = Math.sqrt(1 - share * share);
        for (int i = 1; i < DIM; i++) {
            values[i] = (float) (share * a[i] + rest * b[i]);
        }
        return unit(values);
    }

    private static float[] unit(float[] values) {
        double square = 0;
        for (float value : values) {
            square += value * value;
        }
        for (int i = 0; i < values.length; i++) {
            values[i] /= (float) Math.sqrt(square);
        }
        return values;
    }
}
