package lenstream.core.model;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import lenstream.core.image.ImageId;

/**
 * The identity of an embedding space: {@code <name>-<major>-<8 hex>}. Two encoders with equal fingerprints give
 * comparable vectors; vectors of different fingerprints are never compared. Part of index names and of every answer.
 *
 * @param value lower-case letters, digits and hyphens, fit for an OpenSearch index name
 */
public record Fingerprint(String value) {
    private static final Pattern FORM = Pattern.compile("[a-z0-9][a-z0-9-]*-[0-9]+-[0-9a-f]{8}");

    public Fingerprint {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "\"" + value + "\" is no fingerprint; expected <name>-<major>-<8 hex>, e.g. lensmini-1-3f9ac2d1");
        }
    }

    /**
     * Hashes everything that decides where an image or a text lands in the space: the model files, the tokenizer, the
     * preprocessing and the pooling and normalisation rules. Not the execution provider or run-time precision: parity
     * tests cover those.
     */
    static Fingerprint of(Encoder encoder) {
        ImageTower image = encoder.image();
        TextTower text = encoder.text();
        String parts = String.join(
                "\n",
                image.file().sha256(),
                image.preprocessing().canonical(),
                text.sha256(),
                text.tokenizer().sha256(),
                text.tokenizer().kind().name(),
                Integer.toString(text.maxTokens()),
                text.pooling().name(),
                text.normalise().name(),
                Boolean.toString(encoder.normalised()),
                Integer.toString(encoder.dim()));
        String hash = ImageId.sha256(parts.getBytes(StandardCharsets.UTF_8)).substring(0, 8);
        return new Fingerprint(encoder.name() + "-" + encoder.major() + "-" + hash);
    }

    @Override
    public String toString() {
        return value;
    }
}
