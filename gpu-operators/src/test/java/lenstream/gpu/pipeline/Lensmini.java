package lenstream.gpu.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;

/** The bundled encoder, and images to embed with it. */
public final class Lensmini {
    public static final Path BUNDLE = Path.of(Objects.requireNonNullElse(System.getProperty("lenstream.root"), ".."))
            .resolve("models/lensmini");

    private Lensmini() {}

    static JsonNode golden() throws IOException {
        return new ObjectMapper().readTree(BUNDLE.resolve("golden.json").toFile());
    }

    /** An image as it comes from the fetch stage. */
    public static FetchedImage fetched(String name, byte[] bytes) {
        var target = new CrawlTarget(
                "http://127.0.0.1/" + name, "127.0.0.1", "test", null, null, null, null, null, null, -1, 1, "page");
        return new FetchedImage(target, bytes, ImageId.sha256(bytes), 7);
    }

    /** Images as they come from the fetch stage, numbered. */
    public static List<FetchedImage> fetched(byte[]... images) {
        return Arrays.stream(images)
                .map(bytes -> fetched(Integer.toString(Arrays.asList(images).indexOf(bytes)), bytes))
                .toList();
    }
}
