package lenstream.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lenstream.core.config.ConfigException;
import lenstream.core.image.ImageId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OcrBundleTest {
    @TempDir
    Path folder;

    @Test
    void readsItsDescriptionWithTheUsualConstants() throws IOException {
        write("");
        OcrBundle bundle = OcrBundle.load(folder);
        assertThat(bundle.model().name()).isEqualTo("tiny");
        assertThat(bundle.model().direction()).isNull();
        assertThat(bundle.model().detection().threshold()).isEqualTo(0.3);
        assertThat(bundle.model().recognition().height()).isEqualTo(48);
        assertThat(bundle.characters()).containsExactly("a", "é", "字");
        assertThat(bundle.read("det.onnx")).hasSize(3);
    }

    @Test
    void namesTheCommandThatFetchesAModel() {
        assertThatThrownBy(() -> OcrBundle.load(folder.resolve("none")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("./lenstream add ocr");
    }

    @Test
    void tellsOfEveryFileThatIsMissingOrChanged() throws IOException {
        write("");
        Files.write(folder.resolve("det.onnx"), new byte[] {9});
        Files.delete(folder.resolve("rec.onnx"));
        assertThatThrownBy(() -> OcrBundle.load(folder))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("det.onnx: its sha256 is")
                .hasMessageContaining("rec.onnx: there is no such file");
    }

    @Test
    void refusesWhatItDoesNotKnow() throws IOException {
        write(", \"treshold\": 0.2");
        assertThatThrownBy(() -> OcrBundle.load(folder))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("treshold")
                .hasMessageContaining("threshold");
    }

    /** @param more keys of the detection */
    private void write(String more) throws IOException {
        byte[] network = {1, 2, 3};
        Files.write(folder.resolve("det.onnx"), network);
        Files.write(folder.resolve("rec.onnx"), network);
        Files.writeString(folder.resolve("keys.txt"), "a\né\n字");
        String sha256 = ImageId.sha256(network);
        Files.writeString(folder.resolve("ocr.json"), """
                {"name": "tiny", "version": "1",
                 "detection": {"file": "det.onnx", "sha256": "%s"%s},
                 "recognition": {"file": "rec.onnx", "sha256": "%s", "characters": "keys.txt", "characters_sha256": "%s"}}
                """.formatted(
                        sha256, more, sha256, ImageId.sha256(Files.readAllBytes(folder.resolve("keys.txt")))));
    }
}
