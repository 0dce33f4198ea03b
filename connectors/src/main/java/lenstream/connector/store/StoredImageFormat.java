package lenstream.connector.store;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import lenstream.core.image.PixelSource;
import lenstream.core.image.StoredImage;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.arrow.vector.util.Text;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a store file: one complete Arrow IPC stream an image, one after the other, so that a file may be cut off and
 * continued at any image and needs no footer. Any Arrow library reads it: open a stream, read it to its end, open the
 * next one at the same place. Columns: {@code id, url, sha256} (utf8), {@code version} (int64, epoch ms), {@code
 * pixel_source} (utf8), {@code bytes} (binary). What Arrow adds to an image is about 1 KB.
 */
final class StoredImageFormat {
    private static final Schema SCHEMA = new Schema(List.of(
            Field.notNullable("id", new ArrowType.Utf8()),
            Field.notNullable("url", new ArrowType.Utf8()),
            Field.notNullable("sha256", new ArrowType.Utf8()),
            Field.notNullable("version", new ArrowType.Int(64, true)),
            Field.notNullable("pixel_source", new ArrowType.Utf8()),
            Field.notNullable("bytes", new ArrowType.Binary())));

    private StoredImageFormat() {}

    /** One image as it stands in a file. */
    static byte[] write(StoredImage image, BufferAllocator allocator) throws IOException {
        var out = new ByteArrayOutputStream(image.bytes().length + 1_500);
        try (VectorSchemaRoot root = VectorSchemaRoot.create(SCHEMA, allocator);
                var writer = new ArrowStreamWriter(root, null, out)) {
            text(root, "id", image.id());
            text(root, "url", image.url());
            text(root, "sha256", image.sha256());
            ((BigIntVector) root.getVector("version")).setSafe(0, image.version());
            text(root, "pixel_source", image.source().value());
            ((VarBinaryVector) root.getVector("bytes")).setSafe(0, image.bytes());
            root.setRowCount(1);
            writer.start();
            writer.writeBatch();
            writer.end();
        }
        return out.toByteArray();
    }

    /**
     * The next image; null at the end. A file that is still being written, or was when its writer died, may end within an
     * image: that end is not read.
     *
     * @param in stays open; reading goes on behind the image
     */
    static @Nullable StoredImage read(InputStream in, BufferAllocator allocator) throws IOException {
        int first = in.read();
        if (first < 0) {
            return null;
        }
        var whole = new java.io.SequenceInputStream(new ByteArrayInputStream(new byte[] {(byte) first}), in);
        var kept = new FilterInputStream(whole) {
            @Override
            public void close() {} // the file goes on
        };
        try (var reader = new ArrowStreamReader(kept, allocator)) {
            VectorSchemaRoot root = reader.getVectorSchemaRoot();
            if (!reader.loadNextBatch() || root.getRowCount() != 1) {
                return null;
            }
            var image = new StoredImage(
                    text(root, "id"),
                    text(root, "url"),
                    text(root, "sha256"),
                    ((BigIntVector) root.getVector("version")).get(0),
                    PixelSource.valueOf(text(root, "pixel_source").toUpperCase(java.util.Locale.ROOT)),
                    ((VarBinaryVector) root.getVector("bytes")).get(0));
            return reader.loadNextBatch() ? null : image; // reads the mark at the end
        } catch (EOFException | IllegalArgumentException | IndexOutOfBoundsException e) {
            return null;
        } catch (IOException e) {
            if (e.getMessage() != null && (e.getMessage().contains("Unexpected end") || in.available() == 0)) {
                return null;
            }
            throw e;
        }
    }

    private static void text(VectorSchemaRoot root, String name, String value) {
        ((VarCharVector) root.getVector(name)).setSafe(0, new Text(value));
    }

    private static String text(VectorSchemaRoot root, String name) {
        return String.valueOf(((VarCharVector) root.getVector(name)).getObject(0));
    }
}
