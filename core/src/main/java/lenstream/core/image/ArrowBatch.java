package lenstream.core.image;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.arrow.vector.util.Text;
import org.jspecify.annotations.Nullable;

/**
 * A batch of {@link EmbeddedImage} rows as one Arrow IPC stream on the heap: Flink copies, drops and replays records
 * without closing them, so nothing off the heap may cross an edge.
 *
 * <p>Columns: {@code url, host, site, page_url, title, alt, caption, credit, license, via, sha256, mime, stage, reason,
 * detail, colors, color_hex} (utf8; several colours are separated by commas), {@code phash} (int64, null where the image
 * has no structure), {@code published, discovered, version} (int64, epoch ms), {@code width, height, frames, encoded_bytes} (int32),
 * {@code thumbnail} (binary), {@code words} (list of structs {@code text} utf8, {@code confidence} float32, {@code x, y, width,
 * height} int32; null where there are none), {@code embedding} (fixed-size list of float32, null where
 * rejected). Schema metadata: {@code fingerprint}, {@code schema} (its version).
 *
 * @param ipc the stream; never written after construction
 * @param rows number of rows in it
 */
public record ArrowBatch(byte[] ipc, int rows) {
    private static final String FINGERPRINT = "fingerprint";
    private static final String SCHEMA = "schema";
    /** Counts up whenever a column is added, changed or dropped. */
    private static final String SCHEMA_VERSION = "3";

    private static final String PHASH = "phash";
    private static final String COLORS = "colors";
    private static final String COLOR_HEX = "color_hex";

    /** Words in the picture: structs of {@link #WORD_TEXT}, {@link #WORD_CONFIDENCE} and the four {@link #WORD_BOX}. */
    private static final String WORDS = "words";

    private static final String WORD_TEXT = "text";
    private static final String WORD_CONFIDENCE = "confidence";
    private static final List<String> WORD_BOX = List.of("x", "y", "width", "height");
    private static final List<String> TEXTS = List.of(
            "url",
            "host",
            "site",
            "page_url",
            "title",
            "alt",
            "caption",
            "credit",
            "license",
            "via",
            "sha256",
            "mime",
            "stage",
            "reason",
            "detail",
            COLORS,
            COLOR_HEX);
    private static final List<String> LONGS = List.of("published", "discovered", "version", PHASH);
    private static final List<String> INTS = List.of("width", "height", "frames", "encoded_bytes");

    /** A batch that was read back: the embedding space it belongs to and its rows. */
    public record Contents(String fingerprint, List<EmbeddedImage> rows) {}

    /**
     * Writes rows as one batch.
     *
     * @param dim length of every embedding; a row of another length is refused
     * @param allocator used for the time of the call only
     */
    public static ArrowBatch of(List<EmbeddedImage> rows, String fingerprint, int dim, BufferAllocator allocator) {
        try (VectorSchemaRoot root = VectorSchemaRoot.create(schema(fingerprint, dim), allocator)) {
            root.allocateNew();
            for (int row = 0; row < rows.size(); row++) {
                write(root, row, rows.get(row), dim);
            }
            root.setRowCount(rows.size());
            var bytes = new ByteArrayOutputStream(256 + rows.size() * (dim * 4 + 8_192));
            try (var writer = new ArrowStreamWriter(root, null, bytes)) {
                writer.start();
                writer.writeBatch();
                writer.end();
            }
            return new ArrowBatch(bytes.toByteArray(), rows.size());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads all rows. The result is on the heap and independent of {@code allocator}. */
    public Contents read(BufferAllocator allocator) {
        try (var reader = new ArrowStreamReader(new ByteArrayInputStream(ipc), allocator)) {
            VectorSchemaRoot root = reader.getVectorSchemaRoot();
            Map<String, String> metadata = root.getSchema().getCustomMetadata();
            if (!SCHEMA_VERSION.equals(metadata.get(SCHEMA))) {
                throw new IllegalStateException("the batch has schema " + metadata.getOrDefault(SCHEMA, "1")
                        + ", this program reads " + SCHEMA_VERSION + ": it was written by another release");
            }
            String fingerprint = metadata.get(FINGERPRINT);
            if (fingerprint == null) {
                throw new IllegalStateException("the batch names no fingerprint");
            }
            var out = new ArrayList<EmbeddedImage>(rows);
            while (reader.loadNextBatch()) {
                for (int row = 0; row < root.getRowCount(); row++) {
                    out.add(read(root, row));
                }
            }
            return new Contents(fingerprint, out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Schema schema(String fingerprint, int dim) {
        var fields = new ArrayList<Field>();
        TEXTS.forEach(name -> fields.add(nullable(name, new ArrowType.Utf8())));
        LONGS.forEach(name -> fields.add(nullable(name, new ArrowType.Int(64, true))));
        INTS.forEach(name -> fields.add(nullable(name, new ArrowType.Int(32, true))));
        fields.add(nullable("thumbnail", new ArrowType.Binary()));
        fields.add(words());
        fields.add(new Field(
                "embedding",
                FieldType.nullable(new ArrowType.FixedSizeList(dim)),
                List.of(nullable("item", new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE)))));
        return new Schema(fields, Map.of(FINGERPRINT, fingerprint, SCHEMA, SCHEMA_VERSION));
    }

    private static Field words() {
        var parts = new ArrayList<Field>();
        parts.add(nullable(WORD_TEXT, new ArrowType.Utf8()));
        parts.add(nullable(WORD_CONFIDENCE, new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE)));
        WORD_BOX.forEach(side -> parts.add(nullable(side, new ArrowType.Int(32, true))));
        var region = new Field("item", FieldType.nullable(new ArrowType.Struct()), parts);
        return new Field(WORDS, FieldType.nullable(new ArrowType.List()), List.of(region));
    }

    private static Field nullable(String name, ArrowType type) {
        return new Field(name, FieldType.nullable(type), null);
    }

    private static void write(VectorSchemaRoot root, int row, EmbeddedImage image, int dim) {
        CrawlTarget target = image.target();
        text(root, "url", row, target.url());
        text(root, "host", row, target.host());
        text(root, "site", row, target.site());
        text(root, "page_url", row, target.pageUrl());
        text(root, "title", row, target.title());
        text(root, "alt", row, target.alt());
        text(root, "caption", row, target.caption());
        text(root, "credit", row, target.credit());
        text(root, "license", row, target.license());
        text(root, "via", row, target.via());
        text(root, "sha256", row, image.sha256());
        text(root, "mime", row, image.mime());
        text(root, "stage", row, image.stage() == null ? null : image.stage().name());
        text(root, "reason", row, image.reason() == null ? null : image.reason().name());
        text(root, "detail", row, image.detail());
        vector(root, "published", BigIntVector.class).setSafe(row, target.publishedAtMillis());
        vector(root, "discovered", BigIntVector.class).setSafe(row, target.discoveredAtMillis());
        vector(root, "version", BigIntVector.class).setSafe(row, image.version());
        vector(root, "width", IntVector.class).setSafe(row, image.width());
        vector(root, "height", IntVector.class).setSafe(row, image.height());
        vector(root, "frames", IntVector.class).setSafe(row, image.frames());
        vector(root, "encoded_bytes", IntVector.class).setSafe(row, image.encodedBytes());
        PixelFeatures features = image.features();
        if (features != null) {
            text(root, COLORS, row, String.join(",", features.colors()));
            text(root, COLOR_HEX, row, features.colorHex());
            Long hash = features.perceptualHash();
            if (hash != null) {
                vector(root, PHASH, BigIntVector.class).setSafe(row, hash);
            }
        }
        byte[] thumbnail = image.thumbnail();
        if (thumbnail != null) {
            vector(root, "thumbnail", VarBinaryVector.class).setSafe(row, thumbnail);
        }
        words(root, row, image.words());
        float[] embedding = image.embedding();
        if (embedding != null) {
            if (embedding.length != dim) {
                throw new IllegalArgumentException(
                        "embedding of " + embedding.length + " values in a batch of " + dim + ": " + target.url());
            }
            var list = vector(root, "embedding", FixedSizeListVector.class);
            list.setNotNull(row);
            var items = (Float4Vector) list.getDataVector();
            for (int i = 0; i < dim; i++) {
                items.setSafe(row * dim + i, embedding[i]);
            }
        }
    }

    private static void words(VectorSchemaRoot root, int row, List<TextRegion> words) {
        if (words.isEmpty()) {
            return;
        }
        var list = vector(root, WORDS, ListVector.class);
        var regions = (StructVector) list.getDataVector();
        int start = list.startNewValue(row);
        for (int i = 0; i < words.size(); i++) {
            TextRegion word = words.get(i);
            int at = start + i;
            regions.setIndexDefined(at);
            regions.getChild(WORD_TEXT, VarCharVector.class).setSafe(at, new Text(word.text()));
            regions.getChild(WORD_CONFIDENCE, Float4Vector.class).setSafe(at, word.confidence());
            int[] box = {word.x(), word.y(), word.width(), word.height()};
            for (int side = 0; side < box.length; side++) {
                regions.getChild(WORD_BOX.get(side), IntVector.class).setSafe(at, box[side]);
            }
        }
        list.endValue(row, words.size());
    }

    private static List<TextRegion> words(VectorSchemaRoot root, int row) {
        var list = vector(root, WORDS, ListVector.class);
        if (list.isNull(row)) {
            return List.of();
        }
        var regions = (StructVector) list.getDataVector();
        var words = new ArrayList<TextRegion>();
        for (int at = list.getElementStartIndex(row); at < list.getElementEndIndex(row); at++) {
            var box = new int[WORD_BOX.size()];
            for (int side = 0; side < box.length; side++) {
                box[side] =
                        regions.getChild(WORD_BOX.get(side), IntVector.class).get(at);
            }
            words.add(new TextRegion(
                    regions.getChild(WORD_TEXT, VarCharVector.class)
                            .getObject(at)
                            .toString(),
                    regions.getChild(WORD_CONFIDENCE, Float4Vector.class).get(at),
                    box[0],
                    box[1],
                    box[2],
                    box[3]));
        }
        return List.copyOf(words);
    }

    private static EmbeddedImage read(VectorSchemaRoot root, int row) {
        var target = new CrawlTarget(
                required(root, "url", row),
                required(root, "host", row),
                required(root, "site", row),
                text(root, "page_url", row),
                text(root, "title", row),
                text(root, "alt", row),
                text(root, "caption", row),
                text(root, "credit", row),
                text(root, "license", row),
                vector(root, "published", BigIntVector.class).get(row),
                vector(root, "discovered", BigIntVector.class).get(row),
                required(root, "via", row));
        String stage = text(root, "stage", row);
        String reason = text(root, "reason", row);
        return new EmbeddedImage(
                target,
                required(root, "sha256", row),
                vector(root, "version", BigIntVector.class).get(row),
                vector(root, "encoded_bytes", IntVector.class).get(row),
                text(root, "mime", row),
                vector(root, "width", IntVector.class).get(row),
                vector(root, "height", IntVector.class).get(row),
                vector(root, "frames", IntVector.class).get(row),
                embedding(root, row),
                vector(root, "thumbnail", VarBinaryVector.class).getObject(row),
                features(root, row),
                words(root, row),
                stage == null ? null : Stage.valueOf(stage),
                reason == null ? null : Reason.valueOf(reason),
                text(root, "detail", row));
    }

    private static @Nullable PixelFeatures features(VectorSchemaRoot root, int row) {
        String colors = text(root, COLORS, row);
        String hex = text(root, COLOR_HEX, row);
        return colors == null || hex == null
                ? null
                : new PixelFeatures(
                        vector(root, PHASH, BigIntVector.class).getObject(row), List.of(colors.split(",")), hex);
    }

    private static float @Nullable [] embedding(VectorSchemaRoot root, int row) {
        var list = vector(root, "embedding", FixedSizeListVector.class);
        if (list.isNull(row)) {
            return null;
        }
        var items = (Float4Vector) list.getDataVector();
        var values = new float[list.getListSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = items.get(row * values.length + i);
        }
        return values;
    }

    private static void text(VectorSchemaRoot root, String name, int row, @Nullable String value) {
        if (value != null) {
            vector(root, name, VarCharVector.class).setSafe(row, new Text(value));
        }
    }

    private static @Nullable String text(VectorSchemaRoot root, String name, int row) {
        Text value = vector(root, name, VarCharVector.class).getObject(row);
        return value == null ? null : value.toString();
    }

    private static String required(VectorSchemaRoot root, String name, int row) {
        String value = text(root, name, row);
        if (value == null) {
            throw new IllegalStateException("row " + row + " has no " + name);
        }
        return value;
    }

    private static <V extends FieldVector> V vector(VectorSchemaRoot root, String name, Class<V> type) {
        return type.cast(root.getVector(name));
    }
}
