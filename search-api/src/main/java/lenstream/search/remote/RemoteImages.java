package lenstream.search.remote;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.embed.ImageEmbedder;
import lenstream.gpu.preprocess.HostTensor;

/** The image tower on other servers: preprocessed tensors go there. Thread-safe; does not own the connections. */
final class RemoteImages implements ImageEmbedder {
    private final Servers servers;
    private final ModelBundle bundle;
    private final InferenceClient.Model model;
    private final String output;
    private final Queries queries;

    RemoteImages(Servers servers, ModelBundle bundle, InferenceClient.Model model, Queries queries) {
        this.servers = servers;
        this.bundle = bundle;
        this.model = model;
        this.output = output(bundle, model).name();
        this.queries = queries;
    }

    /** The output that the bundle names, or the first. */
    static InferenceClient.Tensor output(ModelBundle bundle, InferenceClient.Model model) {
        String named = bundle.encoder().image().output().name();
        for (InferenceClient.Tensor tensor : model.outputs()) {
            if (tensor.name().equals(named)) {
                return tensor;
            }
        }
        return model.outputs().isEmpty()
                ? new InferenceClient.Tensor("", "", List.of(0L))
                : model.outputs().getFirst();
    }

    @Override
    public int dim() {
        return bundle.encoder().dim();
    }

    @Override
    public Queries queries() {
        return queries;
    }

    @Override
    public List<Embedding> embed(HostTensor tensor, int rows) {
        var out = new ArrayList<Embedding>(rows);
        if (rows == 0) {
            return out;
        }
        FloatBuffer view = tensor.view(rows);
        ByteBuffer raw = ByteBuffer.allocate(view.remaining() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        raw.asFloatBuffer().put(view);
        long[] shape = {rows, 3, tensor.size(), tensor.size()};
        var input = new InferenceClient.Input(model.inputs().getFirst().name(), "FP32", shape, raw.array());
        float[] values = floats(servers.infer(new InferenceClient.Call(model.name(), List.of(input), output)));
        if (values.length != rows * dim()) {
            throw new IllegalStateException("the model " + model.name() + " gave " + values.length + " values for "
                    + rows + " images, not " + rows + " x " + dim());
        }
        for (int row = 0; row < rows; row++) {
            out.add(Embedding.of(values, row * dim(), dim(), bundle.encoder().normalised()));
        }
        return out;
    }

    static float[] floats(ByteBuffer raw) {
        var values = new float[raw.remaining() / Float.BYTES];
        raw.asFloatBuffer().get(values);
        return values;
    }

    @Override
    public void close() {}
}
