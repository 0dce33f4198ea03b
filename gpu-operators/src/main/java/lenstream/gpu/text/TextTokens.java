package lenstream.gpu.text;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import lenstream.core.config.ConfigException;
import lenstream.core.model.ModelBundle;
import lenstream.core.model.TextTower;

/** The tokens of texts, as a bundle's text tower takes them. Thread-safe; owns its tokenizer. */
public final class TextTokens implements AutoCloseable {
    private final TextTower tower;
    private final Tokenizer tokenizer;

    private TextTokens(TextTower tower, Tokenizer tokenizer) {
        this.tower = tower;
        this.tokenizer = tokenizer;
    }

    /** @throws ConfigException if the bundle's tokenizer cannot be loaded */
    @MustBeClosed
    public static TextTokens open(ModelBundle bundle) {
        TextTower tower = bundle.encoder().text();
        byte[] file = bundle.tokenizer();
        try {
            Tokenizer tokenizer = switch (tower.tokenizer().kind()) {
                case HF_JSON -> new HuggingFaceJson(file, tower.maxTokens());
                case CLIP_BPE -> new ClipTokenizer(file);
                case SENTENCEPIECE -> new SentencePiece(file);
            };
            return new TextTokens(tower, tokenizer);
        } catch (IOException | RuntimeException e) {
            throw new ConfigException(
                    bundle.directory().resolve("encoder.json").toString(),
                    List.of("text.tokenizer: cannot load " + tower.tokenizer().file() + ": " + e.getMessage()));
        }
    }

    /**
     * The ids of a text with special tokens, truncated to what the tower takes.
     *
     * @throws IllegalArgumentException for blank text
     */
    public long[] ids(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("a text must not be blank");
        }
        String input = tower.tokenizer().lowercase() ? text.toLowerCase(Locale.ROOT) : text;
        return tokenizer.ids(input, tower.maxTokens());
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
