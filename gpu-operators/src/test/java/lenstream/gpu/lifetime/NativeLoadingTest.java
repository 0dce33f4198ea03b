package lenstream.gpu.lifetime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLoadingTest {
    private static final Path IMAGES = Path.of("src/test/resources/golden/decode");
    private static final Path NETWORK =
            Path.of(System.getProperty("lenstream.root", "..")).resolve("models/lensmini/lensmini-image-fp16w.onnx");

    /** In a process of its own with an empty cache: what is loaded once is loaded for good. */
    @Test
    void aTaskThatIsCancelledWhileItLoadsLibrariesDoesNotSpoilThemForTheNext(@TempDir Path cache)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Dorg.bytedeco.javacpp.cachedir=" + cache,
                        "-Djava.io.tmpdir=" + cache,
                        "-cp",
                        System.getProperty("java.class.path"),
                        InterruptedStart.class.getName(),
                        IMAGES.resolve("avif-420.avif").toString(),
                        IMAGES.resolve("jpeg-420.jpg").toString(),
                        NETWORK.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(output).contains("interrupted true\n2\n").doesNotContain("failed");
    }
}
