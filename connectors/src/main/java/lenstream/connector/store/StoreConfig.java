package lenstream.connector.store;

import java.io.Serializable;
import java.time.Duration;
import lenstream.core.config.Check;
import lenstream.core.config.DataSize;
import lenstream.core.config.Default;
import lenstream.core.image.PixelRules;

/**
 * The image store's place and habits. Immutable.
 *
 * @param uri folder, for example {@code file:///var/lib/lenstream/store} or {@code s3://bucket/store} where Flink has
 *     that file system
 * @param originalBytes longest original that is kept as it is; of longer ones a copy
 * @param shorterSide of a copy, pixels
 * @param quality of a copy's JPEG
 * @param rollBytes a file is finished at this length
 * @param rollAge or at this age, so that what is stored on an object store can be read in time
 */
public record StoreConfig(
        String uri,
        @Default("1MiB") DataSize originalBytes,
        @Default("1024") int shorterSide,
        @Default("92") int quality,
        @Default("128MiB") DataSize rollBytes,
        @Default("15m") Duration rollAge)
        implements Serializable {

    public StoreConfig {
        Check.notBlank("uri", uri);
        Check.range("roll_bytes", rollBytes.bytes(), 1 << 16, 1L << 40);
        Check.positive("roll_age", rollAge);
    }

    public static StoreConfig at(String uri) {
        return new StoreConfig(
                uri, DataSize.ofMebibytes(1), 1024, 92, DataSize.ofMebibytes(128), Duration.ofMinutes(15));
    }

    public StoreConfig withOriginalBytes(DataSize longest) {
        return new StoreConfig(uri, longest, shorterSide, quality, rollBytes, rollAge);
    }

    /** What it keeps of an image. */
    public PixelRules rules() {
        return new PixelRules(true, originalBytes.bytes(), shorterSide, quality);
    }
}
