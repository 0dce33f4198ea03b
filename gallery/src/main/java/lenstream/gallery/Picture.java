package lenstream.gallery;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * One line of {@code manifest.tsv}. Immutable.
 *
 * @param file path below the gallery folder, with slashes; also the URL's path
 * @param label what the picture shows, in English
 * @param width pixels
 * @param height pixels
 * @param sha256 of the file's bytes, lower-case hex
 * @param format {@code jpeg}, {@code png} or {@code webp}
 */
public record Picture(String file, String label, int width, int height, String sha256, String format) {
    /** URL path on the site. */
    public String path() {
        return "/" + file;
    }

    public String mediaType() {
        return "image/" + format;
    }

    /** The folder below {@code images/}: animals, food, … */
    public String album() {
        return file.split("/", -1)[1];
    }

    /** All pictures in an order that mixes the albums but is always the same: by content hash. */
    static List<Picture> read(Path gallery) throws IOException {
        List<String> lines = Files.readAllLines(gallery.resolve("manifest.tsv"), StandardCharsets.UTF_8);
        var pictures = new ArrayList<Picture>();
        for (String line : lines.subList(1, lines.size())) {
            String[] cell = line.split("\t", -1);
            pictures.add(new Picture(
                    cell[0], cell[1], Integer.parseInt(cell[4]), Integer.parseInt(cell[5]), cell[6], cell[7]));
        }
        pictures.sort(Comparator.comparing(Picture::sha256));
        return List.copyOf(pictures);
    }
}
