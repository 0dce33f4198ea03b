package lenstream.gpu.decode;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The images of {@code golden/decode}. */
final class Images {
    static final Path DIRECTORY = Path.of("src/test/resources/golden/decode").toAbsolutePath();

    private Images() {}

    static byte[] read(String file) throws IOException {
        return Files.readAllBytes(DIRECTORY.resolve(file));
    }

    /** Names of all encoded images, sorted. */
    static List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(DIRECTORY)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.endsWith(".rgb") && !name.endsWith(".tsv"))
                    .sorted()
                    .toList();
        }
    }

    static ByteBuffer direct(byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }
}
