package lenstream.gpu.lane;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which images go to the CPU's threads before any lane has looked at them. */
final class HostPoolTest {
    @ParameterizedTest
    @CsvSource({
        "'\u0089PNG\r\n\u001a\n....', true",
        "RIFF....WEBP, true",
        "RIFF....WAVE, false",
        "RIFF....WEB, false",
        "'\u00ff\u00d8\u00ff\u00e0....JFIF', false",
        "GIF89a......, false",
        "'', false"
    })
    void onlyPngAndWebpNeverWaitForALane(String start, boolean expected) {
        assertThat(HostPool.isForHost(start.getBytes(ISO_8859_1))).isEqualTo(expected);
    }
}
