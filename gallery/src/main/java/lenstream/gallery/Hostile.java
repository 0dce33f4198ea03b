package lenstream.gallery;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * One line of {@code hostile/expected.tsv}: a picture that breaks careless programs, and what must become of it.
 *
 * @param path URL path
 * @param indexed whether it belongs into the index; else it is a rejection
 * @param stage of the rejection, as in the pipeline's enum; empty when indexed
 * @param reason of the rejection, as in the pipeline's enum; empty when indexed
 * @param what for people
 */
public record Hostile(String path, boolean indexed, String stage, String reason, String what) {
    private static final Map<String, String> MEDIA_TYPES = Map.of(
            "jpg", "image/jpeg",
            "png", "image/png",
            "gif", "image/gif",
            "webp", "image/webp",
            "avif", "image/avif",
            "svg", "image/svg+xml");

    /** What the file's name promises, whatever its bytes are. */
    String mediaType() {
        String ending = path.substring(path.lastIndexOf('.') + 1);
        return MEDIA_TYPES.getOrDefault(ending, "application/octet-stream");
    }

    /** All lines, in order. */
    public static List<Hostile> read(Path gallery) throws IOException {
        List<String> lines = Files.readAllLines(gallery.resolve("hostile/expected.tsv"), StandardCharsets.UTF_8);
        return lines.stream()
                .skip(1)
                .map(line -> line.split("\t", -1))
                .map(cell -> new Hostile(cell[0], cell[1].equals("indexed"), cell[2], cell[3], cell[4]))
                .toList();
    }
}
