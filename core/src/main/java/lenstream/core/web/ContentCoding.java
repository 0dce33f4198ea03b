package lenstream.core.web;

import com.github.luben.zstd.ZstdInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.brotli.dec.BrotliInputStream;

/** The compressions of bodies that are asked for, each undone by a stream that can be left at any point. */
enum ContentCoding {
    GZIP,
    BROTLI,
    ZSTD;

    /** The value of {@code Accept-Encoding}. */
    static final String ACCEPTED = "gzip, br, zstd";

    /** The largest window that RFC 9659 permits for this coding, 8 MiB; a frame that wants more memory is refused. */
    private static final int ZSTD_LOG_WINDOW = 23;

    /** The coding that a {@code Content-Encoding} names; empty if it was not asked for. */
    static Optional<ContentCoding> of(String name) {
        return switch (name.strip().toLowerCase(Locale.ROOT)) {
            case "gzip", "x-gzip" -> Optional.of(GZIP);
            case "br" -> Optional.of(BROTLI);
            case "zstd" -> Optional.of(ZSTD);
            default -> Optional.empty();
        };
    }

    /**
     * At most so many bytes of what was compressed.
     *
     * @throws IOException if the bytes before that are not what this coding makes, or end early
     */
    byte[] unpack(byte[] compressed, int limit) throws IOException {
        try (InputStream in = open(new ByteArrayInputStream(compressed))) {
            return in.readNBytes(limit);
        }
    }

    private InputStream open(InputStream compressed) throws IOException {
        return switch (this) {
            case GZIP -> new GZIPInputStream(compressed);
            case BROTLI -> new BrotliInputStream(compressed);
            case ZSTD -> new ZstdInputStream(compressed).setLongMax(ZSTD_LOG_WINDOW);
        };
    }
}
