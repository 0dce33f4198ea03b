package lenstream.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import lenstream.search.quality.BundleVectors;
import lenstream.search.quality.IndexedImages;
import lenstream.search.quality.LabelledImage;

/**
 * Labelled images and their labels, embedded in this process.
 *
 * @param images those that can be read
 * @param vectors of the images, in their order
 * @param labels all labels, each once
 * @param words vectors of the labels, in their order
 */
record LabelledVectors(List<LabelledImage> images, List<float[]> vectors, List<String> labels, List<float[]> words) {

    static LabelledVectors embed(BundleVectors bundle, List<LabelledImage> wanted, ProgressLine progress)
            throws InterruptedException {
        List<Optional<float[]>> found = bundle.ofFiles(
                wanted.stream().map(LabelledImage::file).toList(),
                done -> progress.show(String.format(Locale.ROOT, "embedding images: %,d of %,d", done, wanted.size())));
        var images = new ArrayList<LabelledImage>();
        var vectors = new ArrayList<float[]>();
        for (int i = 0; i < wanted.size(); i++) {
            Optional<float[]> vector = found.get(i);
            if (vector.isPresent()) {
                images.add(wanted.get(i));
                vectors.add(vector.get());
            }
        }
        if (images.size() < wanted.size()) {
            progress.say(wanted.size() - images.size() + " files cannot be read as images and are left out");
        }
        return of(bundle, new IndexedImages(images, vectors), progress);
    }

    /** Images whose vectors are known already. */
    static LabelledVectors of(BundleVectors bundle, IndexedImages known, ProgressLine progress)
            throws InterruptedException {
        List<String> labels = labels(known.images());
        List<float[]> words = bundle.ofTexts(
                labels,
                done -> progress.show(String.format(Locale.ROOT, "embedding labels: %,d of %,d", done, labels.size())));
        return new LabelledVectors(known.images(), known.vectors(), labels, words);
    }

    /** All labels, each once, in the order of the images. */
    static List<String> labels(List<LabelledImage> images) {
        return images.stream()
                .flatMap(image -> image.labels().stream())
                .distinct()
                .toList();
    }
}
