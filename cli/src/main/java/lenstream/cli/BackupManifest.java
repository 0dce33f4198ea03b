package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a backup holds. Written last: a folder without it is no backup. Immutable.
 *
 * @param created when the backup began
 * @param prefix of its indices
 * @param fingerprint of the space that was searched
 * @param bundle folder of its encoder at that time
 * @param repository of the snapshot in the cluster; empty if the snapshot lies in the backup's own folder {@code index}
 * @param snapshot its name
 * @param documents by index
 * @param files every file of the backup with its length, by path relative to it
 * @param jobs those whose state is there, in {@code state/<job>}
 * @param storeBytes of the image store's files; 0 if they were left out
 * @param key names the key that signs receipts and seals the secrets of the backup's indices, which is not part of it; empty
 *     if there was none
 */
record BackupManifest(
        Instant created,
        String prefix,
        String fingerprint,
        String bundle,
        String repository,
        String snapshot,
        Map<String, Long> documents,
        Map<String, Long> files,
        List<String> jobs,
        long storeBytes,
        String key) {
    private static final String FILE = "manifest.json";
    private static final int VERSION = 1;
    private static final ObjectMapper JSON = new ObjectMapper();

    void write(Path backup) throws IOException {
        ObjectNode json = JSON.createObjectNode()
                .put("version", VERSION)
                .put("created", created.toString())
                .put("prefix", prefix)
                .put("fingerprint", fingerprint)
                .put("bundle", bundle)
                .put("repository", repository)
                .put("snapshot", snapshot);
        documents.forEach(json.putObject("documents")::put);
        jobs.forEach(json.putArray("jobs")::add);
        json.put("store_bytes", storeBytes).put("key", key);
        files.forEach(json.putObject("files")::put);
        Path unfinished = backup.resolve(FILE + ".tmp");
        Files.writeString(unfinished, json.toPrettyString());
        Files.move(unfinished, backup.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
    }

    /** Reads it and checks that every file is there, as long as it was. */
    static BackupManifest read(Path backup) throws IOException {
        Path file = backup.resolve(FILE);
        if (!Files.isDirectory(backup)) {
            throw new CliException(backup + " is no folder; name one that ./lenstream backup wrote");
        }
        if (!Files.isRegularFile(file)) {
            throw new CliException(backup + " holds no " + FILE
                    + ", which is written last: it is no backup, or one that did not come to its end");
        }
        JsonNode json = JSON.readTree(Files.readAllBytes(file));
        if (json.path("version").asInt() != VERSION) {
            throw new CliException(file + " is of version " + json.path("version") + ", this program reads " + VERSION);
        }
        var manifest = new BackupManifest(
                Instant.parse(json.path("created").asText()),
                json.path("prefix").asText(),
                json.path("fingerprint").asText(),
                json.path("bundle").asText(),
                json.path("repository").asText(),
                json.path("snapshot").asText(),
                longs(json.path("documents")),
                longs(json.path("files")),
                texts(json.path("jobs")),
                json.path("store_bytes").asLong(),
                json.path("key").asText(""));
        manifest.requireFiles(backup);
        return manifest;
    }

    private void requireFiles(Path backup) throws IOException {
        var wrong = new ArrayList<String>();
        for (Map.Entry<String, Long> entry : files.entrySet()) {
            Path file = backup.resolve(entry.getKey());
            if (!Files.isRegularFile(file)) {
                wrong.add(entry.getKey() + " is missing");
            } else if (Files.size(file) != entry.getValue()) {
                wrong.add(entry.getKey() + " has " + Files.size(file) + " bytes, not " + entry.getValue());
            }
        }
        if (!wrong.isEmpty()) {
            throw new CliException("the backup in " + backup + " is damaged: "
                    + String.join("; ", wrong.subList(0, Math.min(5, wrong.size())))
                    + (wrong.size() > 5 ? "; and " + (wrong.size() - 5) + " more" : "") + ". Use another one");
        }
    }

    private static Map<String, Long> longs(JsonNode object) {
        var values = new TreeMap<String, Long>();
        object.properties().forEach(e -> values.put(e.getKey(), e.getValue().asLong()));
        return values;
    }

    private static List<String> texts(JsonNode array) {
        var values = new ArrayList<String>();
        array.forEach(value -> values.add(value.asText()));
        return values;
    }
}
