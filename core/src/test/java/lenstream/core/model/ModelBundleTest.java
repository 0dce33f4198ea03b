package lenstream.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lenstream.core.config.ConfigException;
import lenstream.core.image.ImageId;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelBundleTest {
    @TempDir
    Path folder;

    @BeforeEach
    void writeBundle() throws IOException {
        for (String file : new String[] {"image.onnx", "text.onnx", "tokenizer.json"}) {
            Files.writeString(folder.resolve(file), "contents of " + file);
        }
        write(document());
    }

    @Test
    void fingerprintNamesTheSpaceAndIsStable() {
        ModelBundle bundle = ModelBundle.load(folder);
        assertThat(bundle.fingerprint().value()).matches("tiny-2-[0-9a-f]{8}");
        assertThat(ModelBundle.load(folder).fingerprint()).isEqualTo(bundle.fingerprint());
        assertThat(bundle.imageModel()).hasContent("contents of image.onnx");
    }

    @Test
    void aNewPreprocessingRuleIsANewSpace() throws IOException {
        Fingerprint before = ModelBundle.load(folder).fingerprint();
        write(document().replace("\"half_even\"", "\"floor\""));
        assertThat(ModelBundle.load(folder).fingerprint()).isNotEqualTo(before);
    }

    @Test
    void aPatchReleaseWithTheSameFilesIsTheSameSpace() throws IOException {
        Fingerprint before = ModelBundle.load(folder).fingerprint();
        write(document().replace("2.0.0", "2.0.1"));
        assertThat(ModelBundle.load(folder).fingerprint()).isEqualTo(before);
    }

    @Test
    void aCalibrationIsOfOneEncoderAndTakesNoPartInTheSpace() throws IOException {
        Fingerprint space = ModelBundle.load(folder).fingerprint();
        assertThat(ModelBundle.load(folder).relevance().source()).isNotEqualTo(Relevance.Source.CALIBRATION);
        int dim = ModelBundle.load(folder).encoder().dim();
        writeCalibration(space.value(), dim);
        assertThat(ModelBundle.load(folder).fingerprint()).isEqualTo(space);
        assertThat(ModelBundle.load(folder).relevance().source()).isEqualTo(Relevance.Source.CALIBRATION);
        writeCalibration("other-1-00000000", dim);
        assertThat(ModelBundle.load(folder).calibration()).isEmpty();
        writeCalibration(space.value(), dim + 1);
        ModelBundle wrong = ModelBundle.load(folder);
        assertThatThrownBy(wrong::calibration)
                .hasMessageContaining("meaning.direction: has " + (dim + 1) + " values")
                .hasMessageContaining("./lenstream calibrate");
        writeCalibration(space.value(), dim);
        Path file = folder.resolve(ModelBundle.CALIBRATION);
        String first = Files.readString(file);
        Files.writeString(
                file, first.replace("\"text\"", "\"background\": {\"mean\": [0.5], \"typical\": 0}, \"text\""));
        assertThatThrownBy(ModelBundle.load(folder)::calibration)
                .hasMessageContaining("background.mean: has 1 values, not " + dim);
        Files.writeString(file, first.replace("\"text\"", "\"version\": 3, \"text\""));
        assertThatThrownBy(ModelBundle.load(folder)::calibration)
                .hasMessageContaining("version is 3, known are 1 to 2")
                .hasMessageContaining("./lenstream calibrate");
    }

    private void writeCalibration(String fingerprint, int dim) throws IOException {
        Files.writeString(
                folder.resolve(ModelBundle.CALIBRATION), """
                {"fingerprint": "%s", "text": {"slope": 20, "intercept": -4},
                 "noise": {"location": 0.1, "growth": 0.02, "spread": 0.04, "images": 100},
                 "meaning": {"direction": [%s], "offset": 0},
                 "nothing": {"excess": 1, "meaning": 0.5, "intercept": 0}}
                """.formatted(fingerprint, "0.5" + ", 0.5".repeat(dim - 1)));
    }

    @Test
    void aChangedFileIsNamedWithBothHashes() throws IOException {
        Files.writeString(folder.resolve("text.onnx"), "something else");
        assertThatThrownBy(() -> ModelBundle.load(folder))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("text.onnx: its sha256 is")
                .hasMessageContaining(hash("contents of text.onnx"));
    }

    @Test
    void anUnknownKeyAndAMissingOneAreReportedTogether() throws IOException {
        write(document().replace("\"dim\"", "\"dims\""));
        assertThatThrownBy(() -> ModelBundle.load(folder))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("dims: is not known; did you mean dim?")
                .hasMessageContaining("dim: is missing");
    }

    @Test
    void aFolderWithoutABundleGetsOneSentence() {
        assertThatThrownBy(() -> ModelBundle.load(folder.resolve("nowhere")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("is no model bundle: it holds no encoder.json");
    }

    private void write(String document) throws IOException {
        Files.writeString(folder.resolve("encoder.json"), document);
    }

    private static String hash(String contents) {
        return ImageId.sha256(contents.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    private static String document() {
        return """
                {"name": "tiny", "version": "2.0.0", "dim": 8,
                 "image": {
                  "default": "image.onnx",
                  "files": [{"file": "image.onnx", "sha256": "%s"}],
                  "input": {"name": "image", "shape": ["batch", 3, 32, 32]},
                  "output": {"name": "embedding", "shape": ["batch", 8]},
                  "preprocessing": {"size": 32, "resize_mode": "shortest", "interpolation": "bicubic",
                   "crop_rounding": "half_even", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}},
                 "text": {
                  "file": "text.onnx", "sha256": "%s",
                  "tokenizer": {"kind": "hf-json", "file": "tokenizer.json", "sha256": "%s"},
                  "max_tokens": 77, "pooling": "eot"}}
                """.formatted(
                hash("contents of image.onnx"), hash("contents of text.onnx"), hash("contents of tokenizer.json"));
    }
}
