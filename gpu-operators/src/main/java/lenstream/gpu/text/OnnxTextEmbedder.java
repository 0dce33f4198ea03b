package lenstream.gpu.text;

import com.google.errorprone.annotations.MustBeClosed;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import lenstream.core.config.ConfigException;
import lenstream.core.model.Encoder;
import lenstream.core.model.ModelBundle;
import lenstream.core.model.TextTower;
import lenstream.gpu.embed.DeviceException;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.embed.onnx.OnnxModel;
import org.jspecify.annotations.Nullable;

/**
 * The text tower of a model bundle: its tokenizer, its ONNX graph on the CPU or elsewhere, its pooling. Owns them.
 *
 * <p>Texts of one call run {@code text.batch} at a time, padded to the longest of them; a tokenizer with {@code pad}
 * pads to {@code max_tokens} always. Thread-safe.
 */
public final class OnnxTextEmbedder implements TextEmbedder {
    private static final List<List<String>> USUAL_NAMES = List.of(
            List.of("input_ids", "ids", "tokens", "text", "input"),
            List.of("attention_mask", "mask", "input_mask"),
            List.of("token_type_ids", "segment_ids"));

    private final Encoder encoder;
    private final TokenTower model;
    private final TextTokens tokens;
    private final List<@Nullable String> inputs;
    private final String output;

    private OnnxTextEmbedder(
            Encoder encoder, TokenTower model, TextTokens tokens, List<@Nullable String> inputs, String output) {
        this.encoder = encoder;
        this.model = model;
        this.tokens = tokens;
        this.inputs = inputs;
        this.output = output;
    }

    /**
     * Loads the text tower. Its files were checked by their sha256 when the bundle was loaded.
     *
     * @param threads intra-op threads, the calling one included
     * @throws ConfigException if the tokenizer or the graph cannot be loaded, or is not what the bundle says
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static OnnxTextEmbedder open(ModelBundle bundle, int threads) {
        return over(
                bundle, () -> new Local(OnnxModel.open(bundle.encoder().text().file(), bundle.textModel(), threads)));
    }

    /**
     * Puts tokenizer and pooling around a tower.
     *
     * @param opener of the tower, which this embedder then owns
     * @throws ConfigException if the tokenizer cannot be loaded, or the graph is not what the bundle says
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static OnnxTextEmbedder over(ModelBundle bundle, Supplier<TokenTower> opener) {
        TextTower tower = bundle.encoder().text();
        String source = bundle.directory().resolve("encoder.json").toString();
        TextTokens tokens = TextTokens.open(bundle);
        TokenTower model = null;
        try {
            model = opener.get();
            List<@Nullable String> inputs = inputs(tower, model, source);
            String output = tower.output();
            if (output == null) {
                output = model.outputs().get(0);
            } else if (!model.outputs().contains(output)) {
                throw new ConfigException(
                        source,
                        List.of("text.output: the model has no output \"" + output + "\", only " + model.outputs()));
            }
            return new OnnxTextEmbedder(bundle.encoder(), model, tokens, inputs, output);
        } catch (Throwable failure) {
            if (model != null) {
                model.close();
            }
            tokens.close();
            throw failure;
        }
    }

    /** A graph in this process. */
    private record Local(OnnxModel model) implements TokenTower {
        @Override
        public List<String> inputs() {
            return model.inputs();
        }

        @Override
        public List<String> outputs() {
            return model.outputs();
        }

        @Override
        public float[] run(Map<String, long[]> inputs, long[] shape, String output) {
            return model.runTokens(inputs, shape, output).values();
        }

        @Override
        public void close() {
            model.close();
        }
    }

    /** Names of the inputs for ids, attention mask and token types; null where the graph has none. */
    private static List<@Nullable String> inputs(TextTower tower, TokenTower model, String source) {
        var names = new ArrayList<@Nullable String>();
        for (int i = 0; i < USUAL_NAMES.size(); i++) {
            String name = null;
            if (!tower.inputs().isEmpty()) {
                name = i < tower.inputs().size() ? tower.inputs().get(i) : null;
            } else {
                for (String usual : USUAL_NAMES.get(i)) {
                    if (name == null && model.inputs().contains(usual)) {
                        name = usual;
                    }
                }
            }
            names.add(name);
        }
        boolean known = names.get(0) != null;
        for (String input : model.inputs()) {
            known &= names.contains(input);
        }
        for (String name : names) {
            known &= name == null || model.inputs().contains(name);
        }
        if (!known) {
            throw new ConfigException(
                    source,
                    List.of("text.inputs: the model takes " + model.inputs()
                            + "; name them in the order ids, attention mask, token types"));
        }
        return names;
    }

    @Override
    public int dim() {
        return encoder.dim();
    }

    @Override
    public int tokens(String text) {
        return tokens.ids(text).length;
    }

    @Override
    public List<float[]> embed(List<String> texts) {
        var ids = new ArrayList<long[]>(texts.size());
        for (String text : texts) {
            ids.add(tokens.ids(text));
        }
        var out = new ArrayList<float[]>(texts.size());
        int batch = encoder.text().batch();
        for (int start = 0; start < ids.size(); start += batch) {
            run(ids.subList(start, Math.min(ids.size(), start + batch)), out);
        }
        return out;
    }

    private void run(List<long[]> ids, List<float[]> out) {
        TextTower tower = encoder.text();
        int length = tower.tokenizer().pad() ? tower.maxTokens() : 0;
        for (long[] row : ids) {
            length = Math.max(length, row.length);
        }
        int rows = ids.size();
        var padded = new long[rows * length];
        var mask = new long[rows * length];
        Arrays.fill(padded, tower.tokenizer().padId());
        for (int row = 0; row < rows; row++) {
            long[] from = ids.get(row);
            System.arraycopy(from, 0, padded, row * length, from.length);
            Arrays.fill(mask, row * length, row * length + from.length, 1);
        }
        Map<String, long[]> values = new HashMap<>();
        long[][] all = {padded, mask, new long[rows * length]};
        for (int i = 0; i < all.length; i++) {
            String name = inputs.get(i);
            if (name != null) {
                values.put(name, all[i]);
            }
        }
        float[] result = model.run(values, new long[] {rows, length}, output);
        int dim = encoder.dim();
        boolean pooled = tower.pooling() == TextTower.Pooling.NONE;
        long expected = (long) rows * dim * (pooled ? 1 : length);
        if (result.length != expected) {
            throw new ConfigException(
                    encoder.name(),
                    List.of("text.pooling: the output \"" + output + "\" has " + result.length
                            + " values, expected " + rows + (pooled ? "" : " x " + length)
                            + " x " + dim));
        }
        boolean normalise = tower.normalise() == TextTower.Normalise.L2;
        for (int row = 0; row < rows; row++) {
            float[] vector = pooled
                    ? Arrays.copyOfRange(result, row * dim, (row + 1) * dim)
                    : pool(result, row * length * dim, ids.get(row), tower.pooling());
            switch (Embedding.of(vector, 0, dim, normalise)) {
                case Embedding.Vector good -> out.add(good.values());
                case Embedding.Bad bad ->
                    throw new DeviceException(
                            "embed a text of " + ids.get(row).length + " tokens: " + bad.detail(), null);
            }
        }
    }

    /** One vector of the tokens' vectors, which begin at {@code start}. Padding takes no part. */
    private float[] pool(float[] values, int start, long[] ids, TextTower.Pooling pooling) {
        int dim = encoder.dim();
        if (pooling == TextTower.Pooling.MEAN_ALL_TOKENS) {
            var sums = new double[dim];
            for (int token = 0; token < ids.length; token++) {
                for (int i = 0; i < dim; i++) {
                    sums[i] += values[start + token * dim + i];
                }
            }
            var mean = new float[dim];
            for (int i = 0; i < dim; i++) {
                mean[i] = (float) (sums[i] / ids.length);
            }
            return mean;
        }
        int token = switch (pooling) {
            case EOT -> highest(ids);
            case LAST -> ids.length - 1;
            case CLS, MEAN_ALL_TOKENS, NONE -> 0;
        };
        return Arrays.copyOfRange(values, start + token * dim, start + (token + 1) * dim);
    }

    private static int highest(long[] ids) {
        int best = 0;
        for (int i = 1; i < ids.length; i++) {
            if (ids[i] > ids[best]) {
                best = i;
            }
        }
        return best;
    }

    @Override
    public void close() {
        model.close();
        tokens.close();
    }
}
