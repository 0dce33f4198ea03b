package lenstream.search.remote;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.model.ModelBundle;
import lenstream.core.model.TextTower;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.text.TextEmbedder;
import lenstream.gpu.text.TextTokens;

/** A text tower on other servers that takes texts as they are, and gives one vector each. Thread-safe; owns its tokenizer only. */
final class RemoteTexts implements TextEmbedder {
    private final Servers servers;
    private final ModelBundle bundle;
    private final InferenceClient.Model model;
    private final TextTokens tokens;

    private RemoteTexts(Servers servers, ModelBundle bundle, InferenceClient.Model model, TextTokens tokens) {
        this.servers = servers;
        this.bundle = bundle;
        this.model = model;
        this.tokens = tokens;
    }

    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    static RemoteTexts open(Servers servers, ModelBundle bundle, InferenceClient.Model model) {
        return new RemoteTexts(servers, bundle, model, TextTokens.open(bundle));
    }

    @Override
    public int dim() {
        return bundle.encoder().dim();
    }

    @Override
    public List<float[]> embed(List<String> texts) {
        var raw = new ByteArrayOutputStream();
        for (String text : texts) {
            if (text.isBlank()) {
                throw new IllegalArgumentException("a text must not be blank");
            }
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            raw.writeBytes(ByteBuffer.allocate(Integer.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(bytes.length)
                    .array());
            raw.writeBytes(bytes);
        }
        InferenceClient.Tensor declared = model.inputs().getFirst();
        long[] shape = declared.shape().size() == 2 ? new long[] {texts.size(), 1} : new long[] {texts.size()};
        var input = new InferenceClient.Input(declared.name(), "BYTES", shape, raw.toByteArray());
        String output = model.outputs().getFirst().name();
        float[] values =
                RemoteImages.floats(servers.infer(new InferenceClient.Call(model.name(), List.of(input), output)));
        int dim = dim();
        if (values.length != texts.size() * dim) {
            throw new IllegalStateException("the model " + model.name() + " gave " + values.length + " values for "
                    + texts.size() + " texts, not " + texts.size() + " x " + dim);
        }
        boolean normalise = bundle.encoder().text().normalise() == TextTower.Normalise.L2;
        var vectors = new ArrayList<float[]>(texts.size());
        for (int row = 0; row < texts.size(); row++) {
            switch (Embedding.of(values, row * dim, dim, normalise)) {
                case Embedding.Vector(float[] vector) -> vectors.add(vector);
                case Embedding.Bad(String detail) ->
                    throw new IllegalStateException("the model " + model.name() + " gave no vector: " + detail);
            }
        }
        return vectors;
    }

    @Override
    public int tokens(String text) {
        return tokens.ids(text).length;
    }

    @Override
    public void close() {
        tokens.close();
    }
}
