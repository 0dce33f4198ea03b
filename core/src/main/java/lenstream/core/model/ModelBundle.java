package lenstream.core.model;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lenstream.core.config.ConfigException;
import lenstream.core.config.ConfigReader;
import lenstream.core.image.ImageId;

/**
 * A folder that says all about an embedding space: {@code encoder.json} beside its files, each checked by its SHA-256
 * when it is read. Immutable; holds no files open.
 */
public final class ModelBundle {
    /** Name of the file that {@code lenstream calibrate} writes. */
    public static final String CALIBRATION = "calibration.json";

    private final Path directory;
    private final Encoder encoder;
    private final Fingerprint fingerprint;

    private ModelBundle(Path directory, Encoder encoder) {
        this.directory = directory;
        this.encoder = encoder;
        this.fingerprint = Fingerprint.of(encoder);
    }

    /**
     * Reads {@code encoder.json} and checks that every file of the bundle is there and unchanged.
     *
     * @throws ConfigException if the folder, a key or a file is missing or wrong, with every problem
     */
    public static ModelBundle load(Path directory) {
        Path file = directory.resolve("encoder.json");
        if (!Files.isRegularFile(file)) {
            throw new ConfigException(
                    directory.toString(),
                    List.of("is no model bundle: it holds no encoder.json; name a folder such as models/lensmini"));
        }
        var bundle = new ModelBundle(directory, ConfigReader.read(file, Encoder.class));
        var problems = new ArrayList<String>();
        bundle.check(
                problems,
                bundle.encoder.image().file().file(),
                bundle.encoder.image().file().sha256());
        TextTower text = bundle.encoder.text();
        bundle.check(problems, text.file(), text.sha256());
        bundle.check(problems, text.tokenizer().file(), text.tokenizer().sha256());
        if (!problems.isEmpty()) {
            throw new ConfigException(file.toString(), problems);
        }
        return bundle;
    }

    public Encoder encoder() {
        return encoder;
    }

    public Fingerprint fingerprint() {
        return fingerprint;
    }

    public Path directory() {
        return directory;
    }

    /** The image tower's ONNX file. */
    public Path imageModel() {
        return directory.resolve(encoder.image().file().file());
    }

    /** The text tower's ONNX file, whole. */
    public byte[] textModel() {
        return read(encoder.text().file());
    }

    /** The tokenizer's vocabulary file, whole. */
    public byte[] tokenizer() {
        return read(encoder.text().tokenizer().file());
    }

    /**
     * What was measured of the encoder's cosines, if it was: {@value #CALIBRATION} of this very encoder. One of another
     * encoder counts as none, for its figures would be wrong.
     *
     * @throws ConfigException if the file cannot be read or a key is wrong
     */
    public Optional<Calibration> calibration() {
        Path file = directory.resolve(CALIBRATION);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        Calibration read = ConfigReader.read(file, Calibration.class);
        requireLength(file, "meaning.direction", read.meaning().direction().size());
        if (read.background() != null) {
            requireLength(file, "background.mean", read.background().mean().size());
        }
        return read.fingerprint().equals(fingerprint.value()) ? Optional.of(read) : Optional.empty();
    }

    private void requireLength(Path file, String key, int values) {
        if (values != encoder.dim()) {
            throw new ConfigException(
                    file.toString(),
                    List.of(key + ": has " + values + " values, not " + encoder.dim()
                            + "; make the file anew with ./lenstream calibrate " + directory));
        }
    }

    /** How to read the encoder's cosines, with the best that is known of them. */
    public Relevance relevance() {
        return Relevance.of(calibration().orElse(null), encoder.scoreHint());
    }

    /** The file of reference vectors, if the bundle has one. */
    public Optional<Path> golden() {
        return Optional.ofNullable(encoder.golden()).map(directory::resolve);
    }

    private void check(List<String> problems, String file, String sha256) {
        try {
            String found = ImageId.sha256(open(file));
            if (!found.equals(sha256)) {
                problems.add(file + ": its sha256 is " + found + ", not " + sha256 + "; fetch the bundle again");
            }
        } catch (IOException e) {
            problems.add(file + ": " + e.getMessage());
        }
    }

    private byte[] read(String file) {
        try {
            return open(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads a file of the bundle, or a resource of the text tower's artifact. */
    private byte[] open(String file) throws IOException {
        Path path = directory.resolve(file);
        if (Files.isRegularFile(path)) {
            return Files.readAllBytes(path);
        }
        String artifact = encoder.text().artifact();
        if (artifact == null) {
            throw new NoSuchFileException("there is no such file in " + directory);
        }
        try (InputStream resource = ModelBundle.class.getResourceAsStream("/" + file)) {
            if (resource == null) {
                throw new NoSuchFileException("neither in " + directory + " nor on the class path; add " + artifact);
            }
            return resource.readAllBytes();
        }
    }
}
