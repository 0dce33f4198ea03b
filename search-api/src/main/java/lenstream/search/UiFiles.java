package lenstream.search;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import lenstream.core.image.ImageId;

/** The files of the web page, in memory. Immutable. */
final class UiFiles {
    private static final Map<String, String> TYPES = Map.of(
            "index.html", "text/html; charset=utf-8",
            "status.html", "text/html; charset=utf-8",
            "app.js", "text/javascript; charset=utf-8",
            "status.js", "text/javascript; charset=utf-8",
            "theme.js", "text/javascript; charset=utf-8",
            "style.css", "text/css; charset=utf-8",
            "icon.svg", "image/svg+xml");

    private final Map<String, UiFile> files;

    /** A file with its validator. */
    record UiFile(String type, byte[] bytes, String etag) {}

    private UiFiles(Map<String, UiFile> files) {
        this.files = files;
    }

    /** Reads the files from the class path. */
    static UiFiles load() {
        var files = new HashMap<String, UiFile>();
        TYPES.forEach((name, type) -> {
            try (InputStream in = UiFiles.class.getResourceAsStream("/ui/" + name)) {
                if (in == null) {
                    throw new IllegalStateException("the file ui/" + name + " is not on the class path");
                }
                byte[] bytes = in.readAllBytes();
                files.put(
                        name,
                        new UiFile(type, bytes, "\"" + ImageId.sha256(bytes).substring(0, 16) + "\""));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        return new UiFiles(Map.copyOf(files));
    }

    Optional<UiFile> file(String name) {
        return Optional.ofNullable(files.get(name));
    }
}
