package lenstream.search.quality;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import lenstream.core.model.Vocabulary;

/**
 * The vectors of the texts that a calibration is fitted with, besides the labels of the images.
 *
 * @param seen texts about things that can be seen
 * @param unseen nonsense and texts without a picture
 * @param heldUnseen more of these, that share no text with {@code unseen}
 * @param things the bare words of {@link Vocabulary#things()}
 * @param asked the same with their article, as people ask for one
 */
public record MeasuringTexts(
        List<float[]> seen, List<float[]> unseen, List<float[]> heldUnseen, List<float[]> things, List<float[]> asked) {
    private static final long SEED = 20_261_127;
    private static final int NONSENSE = 1_500;
    private static final int HELD_NONSENSE = 200;

    /** How many texts {@link #embed} embeds. */
    public static int count() {
        return 5 * Vocabulary.things().size()
                + NONSENSE
                + HELD_NONSENSE
                + Vocabulary.unpictured().size();
    }

    /** @param done is told how many texts are done */
    public static MeasuringTexts embed(BundleVectors vectors, IntConsumer done) throws InterruptedException {
        List<String> unpictured = Vocabulary.unpictured();
        int half = unpictured.size() / 2;
        var unseen = new ArrayList<>(Vocabulary.nonsense(NONSENSE, SEED));
        unseen.addAll(unpictured.subList(0, half));
        var held = new ArrayList<>(Vocabulary.nonsense(HELD_NONSENSE, SEED + 1));
        held.removeAll(unseen);
        held.addAll(unpictured.subList(half, unpictured.size()));
        List<String> things = Vocabulary.things();
        List<List<String>> parts = List.of(
                Vocabulary.descriptions(SEED),
                unseen,
                held,
                things,
                things.stream().map(Vocabulary::one).toList());
        var embedded = new ArrayList<List<float[]>>();
        int before = 0;
        for (List<String> part : parts) {
            int offset = before;
            embedded.add(vectors.ofTexts(part, n -> done.accept(offset + n)));
            before += part.size();
        }
        return new MeasuringTexts(embedded.get(0), embedded.get(1), embedded.get(2), embedded.get(3), embedded.get(4));
    }
}
