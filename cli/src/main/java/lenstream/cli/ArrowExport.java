package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.TimeStampMilliTZVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.ipc.ArrowFileWriter;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.arrow.vector.util.Text;

/**
 * Documents as an Arrow file (Feather version 2), its columns those of the index: dates become timestamps in milliseconds
 * UTC, vectors fixed-size lists of float32, lists and objects their JSON.
 */
final class ArrowExport {
    private static final int BATCH_ROWS = 1_000;

    private ArrowExport() {}

    static void write(Iterator<JsonNode> documents, Path file, JsonNode properties, List<String> names)
            throws IOException {
        var columns = new ArrayList<Field>();
        names.forEach(name -> columns.add(column(name, properties.path(name))));
        try (var memory = new RootAllocator();
                VectorSchemaRoot root = VectorSchemaRoot.create(new Schema(columns), memory);
                FileChannel channel = FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING);
                var writer = new ArrowFileWriter(root, null, channel)) {
            writer.start();
            while (documents.hasNext()) {
                root.allocateNew();
                int rows = 0;
                while (rows < BATCH_ROWS && documents.hasNext()) {
                    JsonNode source = documents.next();
                    for (String name : names) {
                        JsonNode value = source.path(name);
                        if (!value.isMissingNode() && !value.isNull()) {
                            set(root.getVector(name), rows, value);
                        }
                    }
                    rows++;
                }
                root.setRowCount(rows);
                writer.writeBatch();
                root.clear();
            }
            writer.end();
        }
    }

    private static Field column(String name, JsonNode mapping) {
        return switch (mapping.path("type").asText()) {
            case "integer", "short", "byte" -> Field.nullable(name, new ArrowType.Int(32, true));
            case "long" -> Field.nullable(name, new ArrowType.Int(64, true));
            case "float", "half_float" ->
                Field.nullable(name, new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE));
            case "date" -> Field.nullable(name, new ArrowType.Timestamp(TimeUnit.MILLISECOND, "UTC"));
            case "knn_vector" ->
                new Field(
                        name,
                        FieldType.nullable(new ArrowType.FixedSizeList(
                                mapping.path("dimension").asInt())),
                        List.of(Field.nullable("item", new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE))));
            default -> Field.nullable(name, new ArrowType.Utf8());
        };
    }

    private static void set(FieldVector vector, int row, JsonNode value) {
        switch (vector) {
            case IntVector ints -> ints.setSafe(row, value.asInt());
            case BigIntVector longs -> longs.setSafe(row, value.asLong());
            case Float4Vector floats -> floats.setSafe(row, value.floatValue());
            case TimeStampMilliTZVector times -> times.setSafe(row, ExportCommand.epochMillis(value));
            case FixedSizeListVector list -> {
                list.setNotNull(row);
                var items = (Float4Vector) list.getDataVector();
                for (int i = 0; i < list.getListSize(); i++) {
                    items.setSafe(row * list.getListSize() + i, value.path(i).floatValue());
                }
            }
            case VarCharVector texts -> texts.setSafe(row, new Text(ExportCommand.text(value)));
            default -> throw new IllegalStateException("no column of " + vector.getField());
        }
    }
}
