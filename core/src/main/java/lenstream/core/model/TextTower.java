package lenstream.core.model;

import java.util.List;
import lenstream.core.config.Check;
import lenstream.core.config.Default;
import org.jspecify.annotations.Nullable;

/**
 * The text side of an encoder.
 *
 * @param artifact Maven coordinates of the artifact on the class path whose resources hold the files; null if the files
 *     lie in the bundle
 * @param file ONNX file: a resource of the artifact, or relative to the bundle
 * @param sha256 of {@code file}, 64 hex digits, checked at load
 * @param maxTokens longest input, special tokens included; longer texts are truncated
 * @param inputs names of the input tensors in the order ids, attention mask, token types; if empty they are recognised
 *     by their usual names
 * @param output name of the output tensor; the first if null
 * @param pooling how token vectors become one
 * @param batch texts a call; 1 where a model's quantisation makes results depend on the batch
 * @param batchReason why, for people
 */
public record TextTower(
        @Nullable String artifact,
        String file,
        String sha256,
        Tokenizer tokenizer,
        int maxTokens,
        @Default("[]") List<String> inputs,
        @Nullable String output,
        Pooling pooling,
        @Default("l2") Normalise normalise,
        @Default("1") int batch,
        @Nullable String batchReason) {

    public TextTower {
        Check.range("max_tokens", maxTokens, 2, 8192);
        Check.range("batch", batch, 1, 1024);
    }

    /**
     * How texts become token ids.
     *
     * @param file vocabulary: a resource of the artifact, or relative to the bundle
     * @param sha256 of {@code file}, 64 hex digits
     * @param lowercase whether a text is lower-cased first, where the file itself does not say so
     * @param pad whether inputs are padded to {@code max_tokens}; models with a fixed input length need it
     * @param padId the id to pad with
     */
    public record Tokenizer(
            Kind kind,
            String file,
            String sha256,
            @Default("false") boolean lowercase,
            @Default("false") boolean pad,
            @Default("0") int padId) {}

    public enum Kind {
        HF_JSON,
        CLIP_BPE,
        SENTENCEPIECE
    }

    public enum Pooling {
        /** The mean over every token, special ones included. */
        MEAN_ALL_TOKENS,
        /** The first token. */
        CLS,
        /** The token with the highest id, which is the end token in CLIP vocabularies. */
        EOT,
        /** The last token. */
        LAST,
        /** The graph pools by itself: its output is one vector a text. */
        NONE
    }

    public enum Normalise {
        L2,
        NONE
    }
}
