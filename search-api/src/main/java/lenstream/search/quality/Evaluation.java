package lenstream.search.quality;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/**
 * Asks a search for labelled images and judges its answers. A label is a query by words, and every image that has it is
 * right; an image is a query by picture, and every other image that shares a label is right. Confined to one thread.
 */
public final class Evaluation {
    private final List<LabelledImage> images;
    private final List<String> labels;
    private final Searcher searcher;
    private final Consumer<String> progress;

    /**
     * What came out.
     *
     * @param images labelled images
     * @param labels distinct labels
     * @param textToImage labels find their images
     * @param ownImage images that are among the first ten for their own first label, a share: stricter than {@code
     *     textToImage} where images share labels
     * @param imageToText images find their labels; null if the search does not tell
     * @param imageToImage images find others with their label; null if not asked for
     * @param nothing null without texts that nothing fits, or if the search does not tell
     */
    public record Report(
            int images,
            int labels,
            Retrieval textToImage,
            double ownImage,
            @Nullable Retrieval imageToText,
            @Nullable Retrieval imageToImage,
            @Nullable Nothing nothing) {}

    /**
     * How well the search knows that nothing matches.
     *
     * @param present labels of the images
     * @param denied of these, how many were said to match nothing
     * @param found labels with a right image among the first ten
     * @param foundDenied of these, how many were said to match nothing: these answers are wrong for certain
     * @param absent texts that nothing fits
     * @param refused of these, how many were said to match nothing
     * @param precision share of texts that nothing fits among those that were said to
     * @param recall share of the texts that nothing fits that were said to
     * @param f1 harmonic mean of both
     * @param separation how well the answers' margins tell labels that find an image from what is not there; null if they do
     *     not tell it
     */
    public record Nothing(
            int present,
            int denied,
            int found,
            int foundDenied,
            int absent,
            int refused,
            double precision,
            double recall,
            double f1,
            @Nullable Separation separation) {
        static Nothing of(
                int present,
                int denied,
                int found,
                int foundDenied,
                int absent,
                int refused,
                @Nullable Separation separation) {
            double precision = refused + denied == 0 ? Double.NaN : (double) refused / (refused + denied);
            double recall = (double) refused / absent;
            double f1 = refused == 0 ? 0 : 2 * precision * recall / (precision + recall);
            return new Nothing(present, denied, found, foundDenied, absent, refused, precision, recall, f1, separation);
        }
    }

    /**
     * @param labels all labels of the images, each once
     * @param progress is told what is being done
     */
    public Evaluation(List<LabelledImage> images, List<String> labels, Searcher searcher, Consumer<String> progress) {
        this.images = images;
        this.labels = labels;
        this.searcher = searcher;
        this.progress = progress;
    }

    /**
     * Asks everything.
     *
     * @param absent texts that none of the images fits; may be empty
     * @param imageToText already judged by {@link #imageToText}; null if the search cannot tell
     * @param byImage whether images are asked about, too
     */
    public Report run(List<String> absent, @Nullable Retrieval imageToText, boolean byImage)
            throws InterruptedException {
        var texts = new Retrieval.Sum();
        int own = 0;
        int denied = 0;
        int listed = 0;
        int listedDenied = 0;
        boolean told = true;
        var there = new ArrayList<Double>();
        var not = new ArrayList<Double>();
        for (int i = 0; i < labels.size(); i++) {
            progress.accept("asking for labels: " + (i + 1) + " of " + labels.size());
            String label = labels.get(i);
            Searcher.Found found = searcher.text(label);
            texts.add(found.images(), image -> images.get(image).labels().contains(label), (int) images.stream()
                    .filter(image -> image.labels().contains(label))
                    .count());
            own += (int) found.images().stream()
                    .limit(10)
                    .filter(image ->
                            image >= 0 && images.get(image).labels().getFirst().equals(label))
                    .count();
            told &= found.nothing() != null;
            boolean nothing = Boolean.TRUE.equals(found.nothing());
            denied += nothing ? 1 : 0;
            if (found.images().stream()
                    .limit(10)
                    .anyMatch(image -> image >= 0 && images.get(image).labels().contains(label))) {
                listed++;
                there.add(found.margin());
                listedDenied += nothing ? 1 : 0;
            }
        }
        int refused = 0;
        for (int i = 0; i < absent.size() && told; i++) {
            progress.accept("asking for what is not there: " + (i + 1) + " of " + absent.size());
            Searcher.Found found = searcher.text(absent.get(i));
            refused += Boolean.TRUE.equals(found.nothing()) ? 1 : 0;
            not.add(found.margin());
        }
        return new Report(
                images.size(),
                labels.size(),
                texts.means(),
                (double) own / images.size(),
                imageToText,
                byImage ? byImage() : null,
                absent.isEmpty() || !told
                        ? null
                        : Nothing.of(
                                labels.size(),
                                denied,
                                listed,
                                listedDenied,
                                absent.size(),
                                refused,
                                separation(there, not)));
    }

    private static @Nullable Separation separation(List<Double> there, List<Double> not) {
        double[] present = there.stream().mapToDouble(margin -> margin).toArray();
        double[] absent = not.stream().mapToDouble(margin -> margin).toArray();
        boolean told = DoubleStream.concat(Arrays.stream(present), Arrays.stream(absent))
                .noneMatch(Double::isNaN);
        return told && present.length > 0 && absent.length > 0 ? Separation.of(present, absent) : null;
    }

    /**
     * Judges the search the other way round: each image among all labels.
     *
     * @param vectors of the images
     * @param words vectors of the labels
     */
    public Retrieval imageToText(List<float[]> vectors, List<float[]> words) {
        var sum = new Retrieval.Sum();
        for (int i = 0; i < images.size(); i++) {
            List<String> right = images.get(i).labels();
            sum.add(ExactSearch.nearest(vectors.get(i), words, -1), label -> right.contains(labels.get(label)), (int)
                    right.stream().distinct().count());
        }
        return sum.means();
    }

    private Retrieval byImage() throws InterruptedException {
        var sum = new Retrieval.Sum();
        for (int i = 0; i < images.size(); i++) {
            progress.accept("asking for pictures like: " + (i + 1) + " of " + images.size());
            LabelledImage query = images.get(i);
            int relevant = (int) images.stream().filter(query::isLike).count() - 1;
            if (relevant > 0) {
                sum.add(searcher.image(i).images(), image -> images.get(image).isLike(query), relevant);
            }
        }
        return sum.means();
    }
}
