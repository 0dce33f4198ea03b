package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The file as Parquet's own reader finds it. */
class ParquetExportTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNode MAPPING = json("""
        {"id":{"type":"keyword"},"width":{"type":"integer"},"bytes":{"type":"long"},"published":{"type":"date"},
         "alt":{"type":"text"},"color":{"type":"keyword"},"embedding":{"type":"knn_vector","dimension":3}}\
        """);
    private static final List<String> NAMES = List.of("id", "width", "bytes", "published", "alt", "color", "embedding");

    @Test
    void everyColumnComesBackWithItsType(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("images.parquet");
        List<JsonNode> documents = IntStream.range(0, 2_000)
                .mapToObj(i -> i % 2 == 0
                        ? json("{\"id\":\"" + i + "\",\"width\":640,\"bytes\":5000000000,"
                                + "\"published\":\"2026-01-10T12:00:00Z\",\"alt\":\"a fjord — Ålesund\","
                                + "\"color\":[\"red\",\"blue\"],\"embedding\":[0.5,-0.25,1e-3]}")
                        : json("{\"id\":\"" + i + "\",\"published\":1768046400000}"))
                .toList();
        ParquetExport.write(documents.iterator(), file, MAPPING, NAMES);
        List<Group> rows = read(file);
        assertThat(rows).hasSize(2_000);
        Group full = rows.get(1_998);
        assertThat(full.getString("id", 0)).isEqualTo("1998");
        assertThat(full.getInteger("width", 0)).isEqualTo(640);
        assertThat(full.getLong("bytes", 0)).isEqualTo(5_000_000_000L);
        assertThat(full.getLong("published", 0)).isEqualTo(1_768_046_400_000L);
        assertThat(full.getString("alt", 0)).isEqualTo("a fjord — Ålesund");
        assertThat(full.getString("color", 0)).isEqualTo("[\"red\",\"blue\"]");
        Group vector = full.getGroup("embedding", 0);
        assertThat(vector.getFieldRepetitionCount("list")).isEqualTo(3);
        assertThat(vector.getGroup("list", 1).getFloat("element", 0)).isEqualTo(-0.25f);
        assertThat(vector.getGroup("list", 2).getFloat("element", 0)).isCloseTo(1e-3f, within(1e-9f));
        Group sparse = rows.get(1_999);
        assertThat(sparse.getLong("published", 0)).isEqualTo(1_768_046_400_000L);
        for (String absent : List.of("width", "bytes", "alt", "color", "embedding")) {
            assertThat(sparse.getFieldRepetitionCount(absent)).as(absent).isZero();
        }
    }

    static List<Group> read(Path file) throws IOException {
        var rows = new ArrayList<Group>();
        var options =
                ParquetReadOptions.builder(new PlainParquetConfiguration()).build();
        try (var reader = ParquetFileReader.open(new LocalInputFile(file), options)) {
            MessageType schema = reader.getFileMetaData().getSchema();
            for (PageReadStore pages = reader.readNextRowGroup(); pages != null; pages = reader.readNextRowGroup()) {
                RecordReader<Group> records = new ColumnIOFactory()
                        .getColumnIO(schema)
                        .getRecordReader(pages, new GroupRecordConverter(schema));
                for (long i = 0; i < pages.getRowCount(); i++) {
                    rows.add(records.read());
                }
            }
        }
        return rows;
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
