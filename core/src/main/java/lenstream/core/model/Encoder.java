package lenstream.core.model;

import java.util.List;
import java.util.regex.Pattern;
import lenstream.core.config.Check;
import lenstream.core.config.Default;
import org.jspecify.annotations.Nullable;

/**
 * The contents of {@code encoder.json}.
 *
 * @param name lower-case letters and digits
 * @param version {@code major.minor.patch}
 * @param dim length of the embeddings
 * @param normalised whether embeddings have unit length once they leave the embedder
 * @param metric {@code cosine}
 * @param created date of the bundle, for people
 * @param prompts templates for label lists; null if the encoder needs none
 * @param scoreHint typical cosines of right and random pairs; null if they were not measured
 * @param golden file with reference vectors, relative to the bundle; null if there is none
 */
public record Encoder(
        String name,
        String version,
        int dim,
        @Default("true") boolean normalised,
        @Default("cosine") String metric,
        @Nullable String created,
        ImageTower image,
        TextTower text,
        @Nullable Prompts prompts,
        @Nullable ScoreHint scoreHint,
        @Nullable String golden) {
    private static final Pattern NAME = Pattern.compile("[a-z0-9]+(-[a-z0-9]+)*");
    private static final Pattern VERSION = Pattern.compile("[0-9]+\\.[0-9]+\\.[0-9]+");

    public Encoder {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("name must be of a-z, 0-9 and single hyphens, not \"" + name + "\"");
        }
        if (!VERSION.matcher(version).matches()) {
            throw new IllegalArgumentException("version must be like 1.0.0, not \"" + version + "\"");
        }
        Check.range("dim", dim, 1, 16_000);
        if (!metric.equals("cosine")) {
            throw new IllegalArgumentException("metric must be cosine, not \"" + metric + "\"");
        }
    }

    /** First part of the version; a change of it is a new embedding space. */
    public String major() {
        return version.substring(0, version.indexOf('.'));
    }

    /** Templates with {@code {}} for a label. */
    public record Prompts(
            @Default("[\"{}\"]") List<String> label,
            @Default("mean_then_l2") String combine,
            @Nullable String usedFor) {}

    /** Mean cosine of right and random pairs, and the 95th percentile of random ones. */
    public record ScoreHint(double rightPairMean, double randomPairMean, double randomPairP95) {
        public ScoreHint {
            if (rightPairMean <= randomPairMean) {
                throw new IllegalArgumentException("right_pair_mean must be above random_pair_mean");
            }
        }
    }
}
