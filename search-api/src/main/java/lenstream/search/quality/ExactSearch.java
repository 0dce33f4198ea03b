package lenstream.search.quality;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import lenstream.core.index.Cosine;
import lenstream.core.model.Calibration;
import lenstream.core.model.Relevance;

/** Compares a query with every image. Confined to one thread. */
public final class ExactSearch implements Searcher {
    private final List<float[]> images;
    private final Relevance relevance;
    private final Map<String, float[]> known = new HashMap<>();

    /**
     * @param images their vectors, unit length
     * @param relevance says when nothing matches
     */
    public ExactSearch(List<float[]> images, Relevance relevance) {
        this.images = images;
        this.relevance = relevance;
    }

    /** Takes the vectors of texts that will be asked for. */
    public void know(List<String> texts, List<float[]> vectors) {
        for (int i = 0; i < texts.size(); i++) {
            known.put(texts.get(i), vectors.get(i));
        }
    }

    @Override
    public Found text(String words) {
        float[] vector = Objects.requireNonNull(known.get(words), words);
        List<Integer> nearest = nearest(vector, images, -1);
        List<Calibration.Neighbour> first = nearest.stream()
                .limit(relevance.nearest())
                .map(image -> new Calibration.Neighbour(Cosine.dot(vector, images.get(image)), images.get(image)))
                .toList();
        return found(
                nearest,
                relevance.ofText(Cosine.dot(vector, images.get(nearest.getFirst()))),
                relevance.floor(vector, first, images.size()));
    }

    @Override
    public Found image(int image) {
        List<Integer> nearest = nearest(images.get(image), images, image);
        return nearest.isEmpty()
                ? new Found(nearest, null, Double.NaN)
                : found(
                        nearest,
                        relevance.ofImage(Cosine.dot(images.get(image), images.get(nearest.getFirst()))),
                        relevance.floorOfImage(images.size() - 1));
    }

    private static Found found(List<Integer> nearest, double best, OptionalDouble floor) {
        return floor.isEmpty()
                ? new Found(nearest, null, Double.NaN)
                : new Found(nearest, best < floor.getAsDouble(), Searcher.margin(best, floor.getAsDouble()));
    }

    /** Places of the nearest vectors, best first, at most {@link #DEPTH}. */
    static List<Integer> nearest(float[] vector, List<float[]> among, int without) {
        var cosine = new double[among.size()];
        for (int i = 0; i < cosine.length; i++) {
            cosine[i] = Cosine.dot(vector, among.get(i));
        }
        return IntStream.range(0, cosine.length)
                .filter(i -> i != without)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -cosine[i]))
                .limit(DEPTH)
                .toList();
    }
}
