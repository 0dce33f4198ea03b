package lenstream.search.quality;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import lenstream.core.config.ConfigException;
import org.jspecify.annotations.Nullable;

/**
 * Reads labelled images: a list {@code labels.csv}, {@code .tsv} or {@code .jsonl} with the columns {@code file} (relative to
 * the folder) and {@code label} or {@code caption}, or without one the name of each image's own folder. A file may stand
 * in several lines. Stateless.
 */
public final class LabelledFolder {
    private static final List<String> LISTS = List.of("labels.csv", "labels.tsv", "labels.jsonl");
    private static final Set<String> ENDINGS = Set.of(
            "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "avif", "bmp", "tif", "tiff", "jp2", "j2k", "jpx",
            "pnm", "pbm", "pgm", "ppm");
    private static final int MOST_PROBLEMS = 10;

    private LabelledFolder() {}

    /**
     * All labelled images in the order of the list, or of their names.
     *
     * @param list null for the one in the folder, if there is one
     * @throws ConfigException if there is no image with a label, or with every problem of the list
     */
    public static List<LabelledImage> read(Path folder, @Nullable Path list) {
        if (!Files.isDirectory(folder)) {
            throw problem(folder, "is no folder; name one that holds labelled images");
        }
        try {
            Optional<Path> found = list != null
                    ? Optional.of(list)
                    : LISTS.stream()
                            .map(folder::resolve)
                            .filter(Files::isRegularFile)
                            .findFirst();
            List<LabelledImage> images = found.isPresent() ? listed(folder, found.get()) : named(folder);
            if (images.isEmpty()) {
                throw problem(
                        folder,
                        "holds no labelled images: put them into folders named after what they show, or add a"
                                + " labels.csv with the columns file,label");
            }
            return images;
        } catch (IOException e) {
            throw problem(folder, "cannot be read: " + e.getMessage());
        }
    }

    private static List<LabelledImage> named(Path folder) throws IOException {
        Path root = folder.toAbsolutePath().normalize();
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(LabelledFolder::isImage)
                    .map(root::relativize)
                    .filter(file -> file.getNameCount() > 1)
                    .sorted()
                    .map(file -> new LabelledImage(root.resolve(file), List.of(label(file))))
                    .toList();
        }
    }

    private static String label(Path file) {
        String folder = file.getName(file.getNameCount() - 2).toString();
        return folder.replaceAll("[-_]+", " ").strip();
    }

    private static boolean isImage(Path file) {
        String name = file.getFileName().toString();
        return ENDINGS.contains(name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT))
                && Files.isRegularFile(file);
    }

    private static List<LabelledImage> listed(Path folder, Path list) throws IOException {
        var problems = new ArrayList<String>();
        var labels = new LinkedHashMap<Path, List<String>>();
        try (MappingIterator<JsonNode> rows = reader(list).readValues(list.toFile())) {
            for (int line = 1; rows.hasNext(); line++) {
                JsonNode row = rows.next();
                String file = text(row, "file");
                String label = text(row, "label");
                if (label.isEmpty()) {
                    label = text(row, "caption");
                }
                Path path = folder.resolve(file).toAbsolutePath().normalize();
                if (file.isEmpty() || label.isEmpty()) {
                    problems.add("row " + line + " needs a file and a label or caption");
                } else if (!Files.isRegularFile(path)) {
                    problems.add("row " + line + ": there is no " + path);
                } else {
                    labels.computeIfAbsent(path, p -> new ArrayList<>()).add(label);
                }
                if (problems.size() == MOST_PROBLEMS) {
                    break;
                }
            }
        } catch (JsonProcessingException e) {
            problems.add(e.getOriginalMessage());
        }
        if (!problems.isEmpty()) {
            throw new ConfigException(list.toString(), problems);
        }
        return labels.entrySet().stream()
                .map((Map.Entry<Path, List<String>> e) -> new LabelledImage(e.getKey(), e.getValue()))
                .toList();
    }

    private static String text(JsonNode row, String column) {
        return row.path(column).asText("").strip();
    }

    private static ObjectReader reader(Path list) {
        String name = list.getFileName().toString();
        if (name.endsWith(".jsonl")) {
            return JsonMapper.builder().build().readerFor(JsonNode.class);
        }
        CsvSchema header = CsvSchema.emptySchema().withHeader();
        // tabs need no quotes, so a quote in a caption is one
        CsvSchema schema =
                name.endsWith(".tsv") ? header.withColumnSeparator('\t').withoutQuoteChar() : header;
        return CsvMapper.builder()
                .enable(CsvParser.Feature.TRIM_SPACES)
                .enable(CsvParser.Feature.SKIP_EMPTY_LINES)
                .build()
                .readerFor(JsonNode.class)
                .with(schema);
    }

    private static ConfigException problem(Path folder, String what) {
        return new ConfigException(folder.toString(), List.of(what));
    }
}
