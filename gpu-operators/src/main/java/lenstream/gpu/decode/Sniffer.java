package lenstream.gpu.decode;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import lenstream.core.image.Reason;
import org.jspecify.annotations.Nullable;

/**
 * Tells the format by the first bytes, never by a name or a Content-Type, and says of what cannot be decoded what it
 * is. Signatures: the formats' own specifications, and the WHATWG MIME sniffing standard.
 */
final class Sniffer {
    private Sniffer() {}

    /** The format of the bytes. */
    static Format format(ByteBuffer bytes) throws UndecodableException {
        int length = bytes.limit();
        if (length == 0) {
            throw new UndecodableException(Reason.EMPTY, "the file is empty: 0 bytes");
        }
        Format known = known(bytes);
        if (known != null) {
            return known;
        }
        String other = other(bytes);
        if (other != null) {
            throw UndecodableException.unsupported(other + " is not supported; supported are JPEG, PNG, GIF, WebP, BMP,"
                    + " TIFF, AVIF, JPEG 2000 and PNM");
        }
        if (isText(bytes)) {
            String start = text(bytes, Math.min(length, 512)).stripLeading();
            String lower = start.toLowerCase(Locale.ROOT);
            if (lower.startsWith("<svg") || (lower.startsWith("<?xml") && lower.contains("<svg"))) {
                throw UndecodableException.unsupported("SVG is a drawing, not a picture; it is not rendered");
            }
            boolean html = lower.startsWith("<!doctype html") || lower.contains("<html") || lower.startsWith("<head");
            throw new UndecodableException(
                    Reason.NOT_AN_IMAGE,
                    (html ? "an HTML page instead of an image" : "text instead of an image") + ", starting \""
                            + start.substring(0, Math.min(40, start.length())).replaceAll("\\s+", " ") + "\"");
        }
        throw UndecodableException.unsupported("unknown format: " + length + " bytes, starting " + hex(bytes));
    }

    private static @Nullable Format known(ByteBuffer bytes) {
        if (starts(bytes, 0, 0xFF, 0xD8, 0xFF)) {
            return Format.JPEG;
        }
        if (starts(bytes, 0, 0x89, 'P', 'N', 'G', 0x0D, 0x0A, 0x1A, 0x0A)) {
            return Format.PNG;
        }
        if (starts(bytes, 0, 'G', 'I', 'F', '8', '7', 'a') || starts(bytes, 0, 'G', 'I', 'F', '8', '9', 'a')) {
            return Format.GIF;
        }
        if (starts(bytes, 0, 'R', 'I', 'F', 'F') && starts(bytes, 8, 'W', 'E', 'B', 'P')) {
            return Format.WEBP;
        }
        if (starts(bytes, 0, 'B', 'M') && bytes.limit() >= 18 && bytes.get(15) == 0 && bytes.get(16) == 0) {
            return Format.BMP;
        }
        if (starts(bytes, 0, 'I', 'I', 42, 0) || starts(bytes, 0, 'M', 'M', 0, 42)) {
            return Format.TIFF;
        }
        if (starts(bytes, 4, 'f', 't', 'y', 'p') && brands(bytes).contains("avi")) {
            return Format.AVIF;
        }
        if (starts(bytes, 0, 0, 0, 0, 12, 'j', 'P', ' ', ' ') || starts(bytes, 0, 0xFF, 0x4F, 0xFF, 0x51)) {
            return Format.JPEG2000;
        }
        if (PnmFile.starts(bytes)) {
            return Format.PNM;
        }
        return null;
    }

    private static @Nullable String other(ByteBuffer bytes) {
        if (starts(bytes, 4, 'f', 't', 'y', 'p')) {
            String brands = brands(bytes);
            return brands.contains("heic") || brands.contains("heix") || brands.contains("mif1") ? "HEIC" : "MP4 video";
        }
        if (starts(bytes, 0, 0xFF, 0x0A) || starts(bytes, 0, 0, 0, 0, 12, 'J', 'X', 'L', ' ')) {
            return "JPEG XL";
        }
        if (starts(bytes, 0, 0, 0, 1, 0) || starts(bytes, 0, 0, 0, 2, 0)) {
            return "a Windows icon";
        }
        if (starts(bytes, 0, '8', 'B', 'P', 'S')) {
            return "a Photoshop file";
        }
        if (starts(bytes, 0, '%', 'P', 'D', 'F', '-')) {
            return "PDF";
        }
        if (starts(bytes, 0, 0x1F, 0x8B)) {
            return "a gzip file";
        }
        if (starts(bytes, 0, 'I', 'I', 43, 0) || starts(bytes, 0, 'M', 'M', 0, 43)) {
            return "BigTIFF";
        }
        return null;
    }

    /** The brands of an ISO base media file, as text. */
    private static String brands(ByteBuffer bytes) {
        int end = (int) Math.min(Math.min(bytes.limit(), 128), Integer.toUnsignedLong(bytes.getInt(0)));
        var brands = new StringBuilder();
        for (int at = 8; at + 4 <= end; at += 4) {
            if (at != 12) {
                for (int i = 0; i < 4; i++) {
                    brands.append((char) (bytes.get(at + i) & 0xFF));
                }
                brands.append(' ');
            }
        }
        return brands.toString();
    }

    /** No control bytes but white space among the first 512. */
    private static boolean isText(ByteBuffer bytes) {
        int end = Math.min(bytes.limit(), 512);
        for (int i = 0; i < end; i++) {
            int b = bytes.get(i) & 0xFF;
            if (b < 0x20 && b != '\t' && b != '\n' && b != '\r' && b != '\f' && b != 0x1B) {
                return false;
            }
        }
        return true;
    }

    private static String text(ByteBuffer bytes, int length) {
        var copy = new byte[length];
        bytes.get(0, copy);
        String text = new String(copy, StandardCharsets.UTF_8);
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    private static String hex(ByteBuffer bytes) {
        var text = new StringBuilder();
        for (int i = 0; i < Math.min(8, bytes.limit()); i++) {
            text.append(String.format(i == 0 ? "%02x" : " %02x", bytes.get(i) & 0xFF));
        }
        return text.toString();
    }

    static boolean starts(ByteBuffer bytes, int at, int... signature) {
        if (bytes.limit() < at + signature.length) {
            return false;
        }
        for (int i = 0; i < signature.length; i++) {
            if ((bytes.get(at + i) & 0xFF) != signature[i]) {
                return false;
            }
        }
        return true;
    }
}
