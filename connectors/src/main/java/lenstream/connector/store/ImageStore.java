package lenstream.connector.store;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.UUID;
import lenstream.core.image.StoredImage;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.api.common.serialization.Encoder;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.enumerate.NonSplittingRecursiveEnumerator;
import org.apache.flink.connector.file.src.reader.StreamFormat;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.functions.sink.filesystem.OutputFileConfig;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.DateTimeBucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.DefaultRollingPolicy;
import org.jspecify.annotations.Nullable;

/**
 * Every image that was fetched for the index, kept so that another encoder needs no download: a folder a day (UTC), in it
 * files of {@link StoredImageFormat}. Flink's file sink writes them, each image at least once and, with checkpoints, once;
 * a file goes on over checkpoints until it is long or old enough. A row is true for ever: it says which pixels had which
 * hash. Which of them an image shows now, the index knows.
 */
public final class ImageStore {
    static final String SUFFIX = ".arrows";
    private static final String IDENTITY = "identity";
    private static final String UID = "image-store-";
    private static final String IN_PROGRESS = ".inprogress";

    private ImageStore() {}

    /**
     * The uid of the sink's operator. The sink's state names files in progress, so it fits this very store only: one that was
     * deleted, or brought back elsewhere, has another identity and so a sink without that state. Made at the first call.
     *
     * @throws IOException if the store cannot be written to
     */
    public static String uid(StoreConfig config) throws IOException {
        var file = new Path(config.uri(), IDENTITY);
        FileSystem files = file.getFileSystem();
        if (files.exists(file)) {
            try (FSDataInputStream in = files.open(file)) {
                return UID + new String(in.readAllBytes(), StandardCharsets.US_ASCII).strip();
            }
        }
        return renew(config.uri());
    }

    /** Gives the store another identity: its files in progress belong to a state that is not there. */
    public static String renew(String uri) throws IOException {
        var file = new Path(uri, IDENTITY);
        FileSystem files = file.getFileSystem();
        files.mkdirs(new Path(uri));
        String identity = UUID.randomUUID().toString();
        try (FSDataOutputStream out = files.create(file, FileSystem.WriteMode.OVERWRITE)) {
            out.write(identity.getBytes(StandardCharsets.US_ASCII));
        }
        return UID + identity;
    }

    /** Keeps images. */
    public static FileSink<StoredImage> sink(StoreConfig config) {
        return FileSink.forRowFormat(new Path(config.uri()), new ImageEncoder())
                .withBucketAssigner(new DateTimeBucketAssigner<>("yyyy-MM-dd", ZoneOffset.UTC))
                .withRollingPolicy(DefaultRollingPolicy.builder()
                        .withMaxPartSize(new MemorySize(config.rollBytes().bytes()))
                        .withRolloverInterval(config.rollAge())
                        .withInactivityInterval(config.rollAge())
                        .build())
                .withOutputFileConfig(new OutputFileConfig("images", SUFFIX))
                .build();
    }

    /** Reads all that is there at the start, files in progress too, each row at least once. Bounded. */
    public static FileSource<StoredImage> source(String uri) {
        return FileSource.forRecordStreamFormat(new ImageFormat(), new Path(uri))
                .setFileEnumerator(() -> new NonSplittingRecursiveEnumerator(ImageStore::isFolderOrFile))
                .build();
    }

    /** Whether a name is one of the store's. Folders pass: what lies in them is asked again. */
    private static boolean isFolderOrFile(Path path) {
        String name = path.getName();
        return isFile(name) || (!name.contains(".") && !name.equals(IDENTITY));
    }

    static boolean isFile(String name) {
        return name.endsWith(SUFFIX) || name.contains(SUFFIX + IN_PROGRESS);
    }

    static boolean isFinished(String name) {
        return name.endsWith(SUFFIX) && !name.startsWith(".");
    }

    private static final class ImageEncoder implements Encoder<StoredImage> {
        private static final long serialVersionUID = 1;

        @Override
        public void encode(StoredImage image, OutputStream out) throws IOException {
            try (var memory = new RootAllocator()) {
                out.write(StoredImageFormat.write(image, memory));
            }
        }
    }

    /** Reads a file to its end, wherever that is by then: one in progress may have grown since it was listed. */
    private static final class ImageFormat implements StreamFormat<StoredImage> {
        private static final long serialVersionUID = 1;

        @Override
        public StreamFormat.Reader<StoredImage> createReader(
                Configuration config, FSDataInputStream stream, long fileLength, long splitEnd) {
            return new ImageReader(new BufferedInputStream(stream, 1 << 16));
        }

        @Override
        public StreamFormat.Reader<StoredImage> restoreReader(
                Configuration config, FSDataInputStream stream, long offset, long fileLength, long splitEnd)
                throws IOException {
            stream.seek(offset);
            return createReader(config, stream, fileLength, splitEnd);
        }

        @Override
        public boolean isSplittable() {
            return false;
        }

        @Override
        public TypeInformation<StoredImage> getProducedType() {
            return TypeInformation.of(StoredImage.class);
        }
    }

    /** Confined to one thread. */
    private record ImageReader(InputStream in) implements StreamFormat.Reader<StoredImage> {
        @Override
        public @Nullable StoredImage read() throws IOException {
            try (var memory = new RootAllocator()) {
                return StoredImageFormat.read(in, memory);
            }
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
