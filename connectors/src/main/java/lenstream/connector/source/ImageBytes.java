package lenstream.connector.source;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** Tells images by their first bytes. */
public final class ImageBytes {
    /** So many bytes are enough. */
    public static final int HEAD = 16;

    private static final List<String> STARTS =
            List.of("\u00ff\u00d8\u00ff", "\u0089PNG\r\n\u001a\n", "GIF87a", "GIF89a", "BM", "II*\0", "MM\0*");

    private ImageBytes() {}

    public static boolean startLikeAnImage(byte[] bytes) {
        String head = new String(bytes, 0, Math.min(HEAD, bytes.length), StandardCharsets.ISO_8859_1);
        boolean riff = head.startsWith("RIFF") && head.startsWith("WEBP", 8);
        boolean avif = head.startsWith("ftypavi", 4);
        return riff || avif || STARTS.stream().anyMatch(head::startsWith);
    }
}
