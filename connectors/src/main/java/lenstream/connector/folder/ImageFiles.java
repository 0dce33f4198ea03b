package lenstream.connector.folder;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import lenstream.connector.source.ImageBytes;

/** Tells image files from others, by the ending of their name or else by their first bytes. */
final class ImageFiles {
    private static final Set<String> ENDINGS = Set.of(
            "jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp", "avif", "bmp", "tif", "tiff", "jp2", "j2k", "jpx",
            "pnm", "pbm", "pgm", "ppm");

    private ImageFiles() {}

    static boolean isNamedLikeAnImage(String name) {
        int dot = name.lastIndexOf('.');
        return dot > 0 && ENDINGS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
    }

    static boolean isImage(Path file) {
        if (isNamedLikeAnImage(file.getFileName().toString())) {
            return true;
        }
        try (InputStream in = Files.newInputStream(file)) {
            return ImageBytes.startLikeAnImage(in.readNBytes(ImageBytes.HEAD));
        } catch (IOException e) {
            return false; // what cannot be read and is not named like an image is none
        }
    }
}
