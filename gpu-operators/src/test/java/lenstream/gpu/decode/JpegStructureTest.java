package lenstream.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clean baseline JPEGs may go to hardware; whatever else there is stays with the CPU. */
final class JpegStructureTest {
    private final JpegStructure structure = new JpegStructure();

    @ParameterizedTest
    @CsvSource({
        "jpeg-420.jpg, QUARTER",
        "jpeg-422.jpg, HALF_WIDTH",
        "jpeg-444.jpg, FULL",
        "jpeg-gray.jpg, GRAY",
        "jpeg-restart.jpg, QUARTER",
        "jpeg-exif-6.jpg, QUARTER"
    })
    void takesCleanBaseline(String name, JpegStructure.Sampling sampling) throws IOException {
        byte[] jpeg = Images.read(name);
        assertThat(structure.refusal(jpeg)).isNull();
        assertThat(structure.sampling()).isEqualTo(sampling);
        assertThat(structure.length()).isEqualTo(jpeg.length);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jpeg-progressive.jpg",
                "jpeg-arithmetic.jpg",
                "jpeg-cmyk.jpg",
                "jpeg-ycck.jpg",
                "jpeg-rgb.jpg",
                "png-gray.png"
            })
    void leavesTheRestToTheCpu(String name) throws IOException {
        assertThat(structure.refusal(Images.read(name))).isNotBlank();
    }

    @Test
    void whatFollowsTheEndMarkerIsNotPassedOn() throws IOException {
        byte[] jpeg = Images.read("jpeg-trailing.jpg");
        assertThat(structure.refusal(jpeg)).isNull();
        assertThat(structure.length()).isLessThan(jpeg.length);
    }

    @Test
    void refusesEveryCutOffImage() throws IOException {
        byte[] jpeg = Images.read("jpeg-420.jpg");
        for (int length = 0; length < jpeg.length; length++) {
            assertThat(structure.refusal(Arrays.copyOf(jpeg, length)))
                    .as("%d bytes", length)
                    .isNotNull();
        }
    }

    @Test
    void refusesAnEndMarkerThatComesTooEarly() throws IOException {
        byte[] jpeg = Images.read("jpeg-420.jpg");
        assertThat(structure.refusal(jpeg)).isNull();
        byte[] early = Arrays.copyOf(jpeg, jpeg.length);
        int scan = jpeg.length - 2;
        while (jpeg[scan] != (byte) 0xFF || jpeg[scan + 1] != (byte) 0xDA) {
            scan--;
        }
        early[scan + 15] = (byte) 0xFF;
        early[scan + 16] = (byte) 0xD9;
        assertThat(structure.refusal(early)).isEqualTo("too few bytes for its size");
    }

    @Test
    void refusesARestartMarkerThatIsMissing() throws IOException {
        byte[] jpeg = Images.read("jpeg-restart.jpg");
        for (int i = 0; i + 1 < jpeg.length; i++) {
            if (jpeg[i] == (byte) 0xFF && jpeg[i + 1] == (byte) 0xD0) {
                jpeg[i] = 0;
            }
        }
        assertThat(structure.refusal(jpeg)).contains("restart");
    }

    @Test
    void anythingAtAllIsAnAnswer() throws IOException {
        var random = new Random(1);
        byte[] jpeg = Images.read("jpeg-420.jpg");
        for (int i = 0; i < 20_000; i++) {
            byte[] broken = Mutation.of(jpeg, random);
            if (structure.refusal(broken) == null) {
                assertThat(structure.length()).isBetween(4, broken.length);
                assertThat(structure.width()).isPositive();
            }
        }
    }
}
