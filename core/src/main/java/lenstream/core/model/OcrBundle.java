package lenstream.core.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.config.ConfigException;
import lenstream.core.config.ConfigReader;
import lenstream.core.image.ImageId;
import org.jspecify.annotations.Nullable;

/**
 * A folder that reads words in pictures: {@code ocr.json} beside its files, each checked by its SHA-256 when it is read.
 * Immutable; holds no files open.
 */
public final class OcrBundle {
    private final Path directory;
    private final OcrModel model;

    private OcrBundle(Path directory, OcrModel model) {
        this.directory = directory;
        this.model = model;
    }

    /**
     * Reads {@code ocr.json} and checks that every file is there and unchanged.
     *
     * @throws ConfigException if the folder, a key or a file is missing or wrong, with every problem
     */
    public static OcrBundle load(Path directory) {
        Path file = directory.resolve("ocr.json");
        if (!Files.isRegularFile(file)) {
            throw new ConfigException(
                    directory.toString(),
                    List.of("cannot read words: it holds no ocr.json; fetch a model with ./lenstream add ocr"));
        }
        var bundle = new OcrBundle(directory, ConfigReader.read(file, OcrModel.class));
        OcrModel model = bundle.model;
        var problems = new ArrayList<String>();
        bundle.check(problems, model.detection().file(), model.detection().sha256());
        OcrModel.@Nullable Direction direction = model.direction();
        if (direction != null) {
            bundle.check(problems, direction.file(), direction.sha256());
        }
        OcrModel.Recognition recognition = model.recognition();
        bundle.check(problems, recognition.file(), recognition.sha256());
        bundle.check(problems, recognition.characters(), recognition.charactersSha256());
        if (!problems.isEmpty()) {
            throw new ConfigException(file.toString(), problems);
        }
        return bundle;
    }

    public OcrModel model() {
        return model;
    }

    public Path directory() {
        return directory;
    }

    /** A file of the bundle, whole. */
    public byte[] read(String file) {
        try {
            return Files.readAllBytes(directory.resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The characters that can be read, in the order of the network's outputs, without blank and space. */
    public List<String> characters() {
        try {
            return Files.readAllLines(directory.resolve(model.recognition().characters()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void check(List<String> problems, String file, String sha256) {
        try {
            String found = ImageId.sha256(Files.readAllBytes(directory.resolve(file)));
            if (!found.equals(sha256)) {
                problems.add(file + ": its sha256 is " + found + ", not " + sha256 + "; fetch it again");
            }
        } catch (NoSuchFileException e) {
            problems.add(file + ": there is no such file in " + directory);
        } catch (IOException e) {
            problems.add(file + ": cannot be read: " + e.getMessage());
        }
    }
}
