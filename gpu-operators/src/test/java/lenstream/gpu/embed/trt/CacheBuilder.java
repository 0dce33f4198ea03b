package lenstream.gpu.embed.trt;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A process that builds an engine in a folder: says when it has begun, and writes the engine when told to. */
final class CacheBuilder {
    private CacheBuilder() {}

    public static void main(String[] arguments) throws IOException {
        try (EngineCache cache = EngineCache.open(Path.of(arguments[0]))) {
            System.out.println("building");
            System.out.flush();
            if (System.in.read() >= 0) {
                Files.writeString(cache.folder().resolve("built.engine"), "an engine");
            }
        }
    }
}
