package lenstream.gpu.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A process whose device is lost ends: neither goes it on with the CPU, nor does it fail one task after the other. */
@Tag("gpu")
@EnabledIf("lenstream.gpu.lane.GpuMachine#isPresent")
@Timeout(600)
final class LostDeviceTest {
    /** {@code EX_SOFTWARE} of sysexits.h. */
    private static final int EXIT_LOST = 70;

    /** The tests' own configuration is silent. */
    private static final String LOG = "lost-device-log4j2.xml";

    /** Under load, or before the pipeline opens. */
    @ParameterizedTest
    @ValueSource(strings = {"", "after"})
    void endsTheProcess(String when) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-opens=java.base/java.nio=ALL-UNNAMED",
                "-Dorg.bytedeco.javacpp.noPointerGC=true",
                "-Dlenstream.root=" + System.getProperty("lenstream.root", ".."),
                "-Dlog4j2.configurationFile=" + LOG,
                "-Dlenstream.gpu.builder_level=2",
                "-Dlenstream.gpu.batch_rows=32",
                "-cp",
                System.getProperty("java.class.path"),
                LostDevice.class.getName()));
        if (!when.isEmpty()) {
            command.add(when);
        }
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        System.out.println(output);
        assertThat(output)
                .contains("event=device_lost action=\"end the process\"")
                .doesNotContain("survived");
        assertThat(process.exitValue()).isEqualTo(EXIT_LOST);
    }
}
