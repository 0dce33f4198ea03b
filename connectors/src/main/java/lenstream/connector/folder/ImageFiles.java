package lenstream.connector.folder;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Tells image files from others, by the ending of their name or else by their first bytes. */
final class ImageFiles {
    private static final Set<String> ENDINGS =
            Set.of("jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp", "avif", "bmp", "tif", "tiff");
    private static final List<String> STARTS =
            List.of("\u00ff\u00d8\u00ff", "\u0089PNG\r\n\u001a\n", "GIF87a", "GIF89a", "BM", "II*\0", "MM\0*");
    private static final int HEAD = 16;

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
            String head = new String(in.readNBytes(HEAD), StandardCharsets.ISO_8859_1);
            boolean riff = head.startsWith("RIFF") && head.startsWith("WEBP", 8);
            boolean avif = head.startsWith("ftypavi", 4);
            return riff || avif || STARTS.stream().anyMatch(head::startsWith);
        } catch (IOException e) {
            return false; // what cannot be read and is not named like an image is none
        }
    }
}
