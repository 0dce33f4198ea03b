package lenstream.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A second encoder for tests: the bundled one with another preprocessing, so another space with sensible answers. */
final class SecondEncoder {
    private SecondEncoder() {}

    static Path write(Path folder) throws IOException {
        Path bundled = LauncherProcess.ROOT.resolve("models/lensmini");
        Files.createDirectories(folder);
        try (Stream<Path> files = Files.list(bundled)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        var json = new ObjectMapper();
        Path description = folder.resolve("encoder.json");
        var encoder = (ObjectNode) json.readTree(Files.readAllBytes(description));
        encoder.put("name", "lensmini-squash");
        encoder.remove(List.of("golden"));
        ((ObjectNode) encoder.at("/image/preprocessing"))
                .put("resize_mode", "squash")
                .put("crop", "none");
        Files.write(description, json.writeValueAsBytes(encoder));
        return folder;
    }
}
