package lenstream.search.quality;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import lenstream.core.config.ConfigException;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexScan;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.Quantisation;
import lenstream.core.model.Fingerprint;

/**
 * A sample of an index, labelled by what the web says of its images: the alternative text, else the caption, else the title.
 * Of near-duplicates one is taken; what says nothing of one image, a label that more than one image in ten has, is left out.
 * Ids are hashes, so the first of them are a fair sample.
 *
 * @param images their file is the id, alone in no folder
 * @param vectors as the index keeps them, in the order of the images, unit length
 */
public record IndexedImages(List<LabelledImage> images, List<float[]> vectors) {
    private static final List<String> SAYINGS = List.of(Field.ALT, Field.CAPTION, Field.TITLE);
    private static final Pattern FILE_NAME = Pattern.compile("(\\S+)\\.(?i:jpe?g|png|webp|gif|avif|bmp|tiff?)");
    private static final double MOST_SHARED = 0.1;
    private static final int FEW = 10;
    private static final int PAGE = 500;

    /**
     * Reads a sample.
     *
     * @param fingerprint of the encoder that made the vectors
     * @param most images that are taken
     * @param done is told how many documents were read
     * @throws ConfigException if the searched index is not of this encoder
     */
    public static IndexedImages read(
            IndexClient client, IndexLayout layout, Fingerprint fingerprint, int most, IntConsumer done) {
        String index = layout.imageIndex(fingerprint);
        String searched = IndexSetup.searched(client, layout)
                .orElseThrow(() -> new ConfigException(
                        layout.readAlias(),
                        List.of("there is no index yet: index some images first, for example ./lenstream index DIR")));
        if (!searched.equals(index)) {
            throw new ConfigException(
                    searched,
                    List.of("was made by another encoder than " + fingerprint + ": name the bundle that made it"));
        }
        Quantisation kept = IndexSetup.quantisation(client, index);
        var images = new ArrayList<LabelledImage>();
        var vectors = new ArrayList<float[]>();
        var groups = new HashSet<String>();
        var fields = new ArrayList<>(SAYINGS);
        fields.addAll(List.of(Field.ID, Field.GROUP_ID, Field.EMBEDDING));
        int read = 0;
        try (var scan = new IndexScan(client, index, fields, null, PAGE)) {
            while (images.size() < most && scan.hasNext()) {
                JsonNode source = scan.next().source();
                done.accept(++read);
                String label = label(source);
                JsonNode vector = source.path(Field.EMBEDDING);
                if (!label.isEmpty()
                        && vector.isArray()
                        && groups.add(source.path(Field.GROUP_ID).asText())) {
                    images.add(new LabelledImage(Path.of(source.path(Field.ID).asText()), List.of(label)));
                    vectors.add(kept.read(vector));
                }
            }
        }
        return new IndexedImages(images, vectors).withoutSharedLabels();
    }

    /** The first thing that is said of it; of a file name the words. */
    private static String label(JsonNode source) {
        for (String field : SAYINGS) {
            String said = source.path(field).asText("").strip();
            if (!said.isEmpty()) {
                var name = FILE_NAME.matcher(said);
                return name.matches() ? name.group(1).replaceAll("[-_.]+", " ").strip() : said;
            }
        }
        return "";
    }

    private IndexedImages withoutSharedLabels() {
        Map<String, Integer> counts = new HashMap<>();
        images.forEach(image -> counts.merge(image.labels().getFirst(), 1, Integer::sum));
        int[] told = IntStream.range(0, images.size())
                .filter(i -> counts.getOrDefault(images.get(i).labels().getFirst(), 0)
                        <= Math.max(FEW, MOST_SHARED * images.size()))
                .toArray();
        return new IndexedImages(
                IntStream.of(told).mapToObj(images::get).toList(),
                IntStream.of(told).mapToObj(vectors::get).toList());
    }
}
