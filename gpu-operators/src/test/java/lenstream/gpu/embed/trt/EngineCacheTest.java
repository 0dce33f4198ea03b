package lenstream.gpu.embed.trt;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Of two that build in one folder the second waits, and then finds what the first has built. */
@Timeout(60)
final class EngineCacheTest {
    private static final long A_MOMENT_MILLIS = 200;

    @TempDir
    Path folder;

    /** Whether an engine was there once the folder could be had. */
    private boolean isWarm() {
        try (EngineCache cache = EngineCache.open(folder)) {
            return cache.isWarm();
        }
    }

    @Test
    void anotherThreadIsWaitedFor() throws Exception {
        try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
            var begun = new CountDownLatch(1);
            Future<Boolean> second;
            try (EngineCache first = EngineCache.open(folder)) {
                assertThat(first.isWarm()).isFalse();
                second = threads.submit(() -> {
                    begun.countDown();
                    return isWarm();
                });
                begun.await();
                Thread.sleep(A_MOMENT_MILLIS);
                assertThat(second.isDone()).isFalse();
                Files.writeString(first.folder().resolve("built.engine"), "an engine");
            }
            assertThat(second.get(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void anotherProcessIsWaitedFor() throws Exception {
        Process builder = builder();
        try (var output = builder.inputReader();
                var input = builder.outputWriter();
                ExecutorService threads = Executors.newSingleThreadExecutor()) {
            assertThat(output.readLine()).isEqualTo("building");
            Future<Boolean> second = threads.submit(this::isWarm);
            Thread.sleep(A_MOMENT_MILLIS);
            assertThat(second.isDone()).isFalse();
            input.write('\n');
            input.flush();
            assertThat(second.get(30, TimeUnit.SECONDS)).isTrue();
        } finally {
            builder.destroyForcibly();
        }
    }

    @Test
    void aBuilderThatWasKilledLeavesTheFolderFree() throws Exception {
        Process builder = builder();
        try (var output = builder.inputReader()) {
            assertThat(output.readLine()).isEqualTo("building");
        } finally {
            builder.destroyForcibly().waitFor();
        }
        assertThat(isWarm()).isFalse();
    }

    private Process builder() throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        CacheBuilder.class.getName(),
                        folder.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }
}
