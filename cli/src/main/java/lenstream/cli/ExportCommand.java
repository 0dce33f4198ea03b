package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexScan;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.Quantisation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lenstream export}: all documents as JSON Lines, or as an Arrow or Parquet file. */
@Command(
        name = "export",
        mixinStandardHelpOptions = true,
        description = "Writes all documents, by rising id, as they were at one instant: JSON Lines, or an Arrow or"
                + " Parquet file if the name ends in .arrow or .parquet.",
        footer = {
            "",
            "Examples:",
            "  ./lenstream export > images.jsonl",
            "  ./lenstream export --filter host=example.org --vectors -o images.parquet"
        })
final class ExportCommand implements Callable<Integer> {
    private static final int PAGE = 1_000;

    @Mixin
    private IndexPlace place;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--filter",
            paramLabel = "K=V",
            description = "only documents with this field, e.g. host=example.org; may be repeated")
    private Map<String, String> filters = new LinkedHashMap<>();

    @Option(names = "--vectors", description = "with the embeddings")
    private boolean vectors;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "write here, not to standard output; .arrow makes an Arrow file, .parquet a Parquet file")
    private @Nullable Path output;

    @Override
    public Integer call() {
        try (OpenSearchLease openSearch = OpenSearchLease.acquire(place);
                IndexClient client = IndexClient.open(place.openSearchAt(openSearch.url()));
                var progress = ProgressLine.onStandardError()) {
            String index = IndexSetup.searched(client, place.layout())
                    .orElseThrow(() -> new CliException(
                            "there is no index yet: index some images first, for example ./lenstream index DIR"));
            JsonNode properties = properties(client, index);
            List<String> fields = fields(properties);
            Quantisation kept = IndexSetup.quantisation(client, index);
            try (var scan = new IndexScan(client, index, fields, query(properties), PAGE)) {
                Iterator<JsonNode> documents = documents(scan, kept, progress);
                if (output == null) {
                    toStandardOutput(documents, progress);
                } else {
                    toFile(documents, output, properties, fields);
                }
            }
            return 0;
        }
    }

    private static void toStandardOutput(Iterator<JsonNode> documents, ProgressLine progress) {
        try {
            lines(documents, new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)));
        } catch (IOException e) {
            progress.close();
            throw new CliException(
                    "standard output takes no more (" + e.getMessage() + "): the export is not whole", e);
        }
    }

    /** Under another name until it is whole. */
    private static void toFile(Iterator<JsonNode> documents, Path file, JsonNode properties, List<String> fields) {
        String name = file.getFileName().toString();
        Path unfinished = file.resolveSibling(name + ".part");
        try {
            if (name.endsWith(".arrow")) {
                ArrowExport.write(documents, unfinished, properties, fields);
            } else if (name.endsWith(".parquet")) {
                ParquetExport.write(documents, unfinished, properties, fields);
            } else {
                lines(documents, new BufferedOutputStream(Files.newOutputStream(unfinished)));
            }
            Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new CliException(
                    "cannot write " + file + " (" + e + "): name a file in a folder that is there and has room", e);
        }
    }

    private static JsonNode properties(IndexClient client, String index) {
        return client.required(client.send("GET", "/" + index + "/_mapping", null))
                .path(index)
                .at("/mappings/properties");
    }

    private List<String> fields(JsonNode properties) {
        var fields = new ArrayList<String>();
        properties.fieldNames().forEachRemaining(name -> {
            if (vectors || !name.equals(Field.EMBEDDING)) {
                fields.add(name);
            }
        });
        return fields;
    }

    private @Nullable ObjectNode query(JsonNode properties) {
        if (filters.isEmpty()) {
            return null;
        }
        ObjectNode query = JsonNodeFactory.instance.objectNode();
        ArrayNode all = query.putObject("bool").putArray("filter");
        filters.forEach((name, value) -> {
            if (!properties.has(name)) {
                throw new CliException("--filter " + name + ": documents have no such field; they have "
                        + String.join(", ", fields(properties)));
            }
            boolean words = properties.path(name).path("type").asText().equals("text");
            all.addObject().putObject(words ? "match_phrase" : "term").put(name, value);
        });
        return query;
    }

    /** The documents with their embeddings as the encoder made them, however the index keeps them. */
    private static Iterator<JsonNode> documents(IndexScan scan, Quantisation kept, ProgressLine progress) {
        return new Iterator<>() {
            private long count;

            @Override
            public boolean hasNext() {
                return scan.hasNext();
            }

            @Override
            public JsonNode next() {
                JsonNode source = scan.next().source();
                JsonNode vector = source.path(Field.EMBEDDING);
                if (source instanceof ObjectNode document && vector.isArray()) {
                    document.set(Field.EMBEDDING, Quantisation.FP32.written(kept.read(vector)));
                }
                if (++count % PAGE == 0) {
                    progress.show(count + " documents");
                }
                return source;
            }
        };
    }

    private static void lines(Iterator<JsonNode> documents, OutputStream to) throws IOException {
        try (to) {
            while (documents.hasNext()) {
                to.write(documents.next().toString().getBytes(StandardCharsets.UTF_8));
                to.write('\n');
            }
        }
    }

    /** A date of a document. */
    static long epochMillis(JsonNode value) {
        return value.isNumber() ? value.asLong() : Instant.parse(value.asText()).toEpochMilli();
    }

    /** What a column of text shows of a value: itself, or of lists and objects their JSON. */
    static String text(JsonNode value) {
        return value.isValueNode() ? value.asText() : value.toString();
    }
}
