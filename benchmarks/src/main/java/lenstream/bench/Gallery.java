package lenstream.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;

/** The demo's photographs as the crawler would hand them on, in an order that mixes their kinds. */
final class Gallery {
    private static final Path FOLDER = Samples.ROOT.resolve("gallery");

    private Gallery() {}

    /** The first {@code count} photographs of a shuffled manifest. */
    static List<FetchedImage> images(int count) throws IOException {
        return images().subList(0, count);
    }

    static List<FetchedImage> images() throws IOException {
        List<String> lines = Files.readAllLines(FOLDER.resolve("manifest.tsv"));
        var images = new ArrayList<FetchedImage>();
        for (String line : lines.subList(1, lines.size())) {
            String[] columns = line.split("\t");
            byte[] bytes = Files.readAllBytes(FOLDER.resolve(columns[0]));
            String url = "http://127.0.0.1/" + columns[0];
            var target =
                    new CrawlTarget(url, "127.0.0.1", "bench", null, columns[1], null, null, null, null, -1, 1, "page");
            images.add(new FetchedImage(target, bytes, ImageId.sha256(bytes), 1));
        }
        Collections.shuffle(images, new Random(1));
        return images;
    }
}
