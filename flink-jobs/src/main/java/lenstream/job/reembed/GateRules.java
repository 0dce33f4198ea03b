package lenstream.job.reembed;

import java.util.List;
import lenstream.core.config.Check;
import lenstream.core.config.Default;

/**
 * What a new space must show before searches go to it. Immutable.
 *
 * @param maxMissing largest share of the images that the new index may lack, 0 to 1
 * @param minRecall smallest recall@10 of the new index against exact search, 0 to 1
 * @param minOverlap smallest mean share of their ten nearest images that old and new space agree on; 0 asks nothing, for
 *     a better encoder may well disagree
 * @param minCopyCosine smallest mean cosine between the embedding of an original and that of the copy that would be kept
 *     of it; what stored copies cost
 * @param maxLabelLoss how far the share of labelled queries that find a relevant image in the top ten may fall, 0 to 1
 * @param samples images that recall and overlap are measured with
 * @param queries labelled queries
 */
public record GateRules(
        @Default("0") double maxMissing,
        @Default("0.95") double minRecall,
        @Default("0") double minOverlap,
        @Default("0.95") double minCopyCosine,
        @Default("0") double maxLabelLoss,
        @Default("100") int samples,
        @Default("[]") List<Labelled> queries) {

    public GateRules {
        share("max_missing", maxMissing);
        share("min_recall", minRecall);
        share("min_overlap", minOverlap);
        share("min_copy_cosine", minCopyCosine);
        share("max_label_loss", maxLabelLoss);
        Check.range("samples", samples, 1, 10_000);
        queries = List.copyOf(queries);
    }

    /**
     * A query whose answer is known.
     *
     * @param text words
     * @param relevant URLs or ids of images that answer it
     */
    public record Labelled(String text, List<String> relevant) {
        public Labelled {
            Check.notBlank("text", text);
            relevant = List.copyOf(relevant);
            if (relevant.isEmpty()) {
                throw new IllegalArgumentException("relevant must name at least one URL or id");
            }
        }
    }

    /** Nothing missing, recall 0.95, copies that cost less than 0.05 of cosine. */
    public static GateRules defaults() {
        return new GateRules(0, 0.95, 0, 0.95, 0, 100, List.of());
    }

    private static void share(String name, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException(name + " must be from 0 to 1, not " + value);
        }
    }
}
