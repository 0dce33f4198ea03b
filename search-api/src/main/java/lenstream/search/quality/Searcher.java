package lenstream.search.quality;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A search over labelled images that an {@link Evaluation} asks. Images are named by their place in the list. */
public interface Searcher {
    /** Depth of the lists that are judged. */
    int DEPTH = 100;

    /**
     * The nearest images, best first.
     *
     * @param images at most {@link #DEPTH} places in the list of labelled images; -1 for an image that is not in it
     * @param nothing whether the answer says that nothing matches; null if it says neither
     * @param margin how far the best image lies above what it takes to match, below 0 if nothing does; NaN if the answer does not
     *     tell
     */
    record Found(List<Integer> images, @Nullable Boolean nothing, double margin) {}

    /** The distance of a score and its floor as one of cosines, up to a factor: that of their log odds. */
    static double margin(double score, double floor) {
        return logOdds(score) - logOdds(floor);
    }

    private static double logOdds(double score) {
        double inside = Math.clamp(score, 1e-9, 1 - 1e-9);
        return Math.log(inside / (1 - inside));
    }

    /** Searches by words. */
    Found text(String words) throws InterruptedException;

    /** Searches by one of the images, which is left out of the answer. */
    Found image(int image) throws InterruptedException;
}
