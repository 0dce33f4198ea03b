package lenstream.connector.opensearch;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import lenstream.core.local.LocalOpenSearch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** One OpenSearch for all integration tests of this module: started by the first that wants it, ended with the last. */
final class TestNode implements BeforeAllCallback {
    private static LocalOpenSearch.@Nullable Config where;
    private static @Nullable LocalOpenSearch node;

    @Override
    public void beforeAll(ExtensionContext context) {
        context.getRoot()
                .getStore(ExtensionContext.Namespace.GLOBAL)
                .getOrComputeIfAbsent(TestNode.class, key -> start(), AutoCloseable.class);
    }

    static int port() {
        return requireNonNull(node).httpPort();
    }

    static String url() {
        return "http://127.0.0.1:" + port();
    }

    /** Ends the node as a crash would. */
    static void kill() throws Exception {
        ProcessHandle process = ProcessHandle.of(requireNonNull(node).pid()).orElseThrow();
        process.destroyForcibly();
        process.onExit().get(20, TimeUnit.SECONDS);
    }

    /** Starts the node again on its port, with its data. */
    static void restart() {
        node = LocalOpenSearch.start(requireNonNull(where), line -> {});
    }

    private static AutoCloseable start() {
        Path root = Path.of(System.getProperty("lenstream.root", ".."));
        try {
            Path run = Files.createDirectories(Path.of("target/it"))
                    .resolve("opensearch-" + ProcessHandle.current().pid());
            where = LocalOpenSearch.Config.of(root.resolve("infra/opensearch/target/opensearch"), run)
                    .withQuickStart(true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        restart();
        where = requireNonNull(where).withHttpPort(port()); // where it comes back after a crash
        return () -> requireNonNull(node).stop();
    }
}
