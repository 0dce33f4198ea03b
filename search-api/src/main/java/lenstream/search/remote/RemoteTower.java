package lenstream.search.remote;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lenstream.gpu.text.TokenTower;

/** The graph of a text tower on other servers: tokens go there. Thread-safe; does not own the connections. */
final class RemoteTower implements TokenTower {
    private final Servers servers;
    private final InferenceClient.Model model;

    RemoteTower(Servers servers, InferenceClient.Model model) {
        this.servers = servers;
        this.model = model;
    }

    @Override
    public List<String> inputs() {
        return model.inputs().stream().map(InferenceClient.Tensor::name).toList();
    }

    @Override
    public List<String> outputs() {
        return model.outputs().stream().map(InferenceClient.Tensor::name).toList();
    }

    @Override
    public float[] run(Map<String, long[]> values, long[] shape, String output) {
        var inputs = new ArrayList<InferenceClient.Input>();
        for (InferenceClient.Tensor tensor : model.inputs()) {
            long[] tokens = values.get(tensor.name());
            if (tokens != null) {
                inputs.add(new InferenceClient.Input(
                        tensor.name(), tensor.datatype(), shape, raw(tokens, tensor.datatype())));
            }
        }
        return RemoteImages.floats(servers.infer(new InferenceClient.Call(model.name(), inputs, output)));
    }

    private static byte[] raw(long[] tokens, String datatype) {
        boolean narrow = datatype.equals("INT32");
        ByteBuffer raw = ByteBuffer.allocate(tokens.length * (narrow ? Integer.BYTES : Long.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (long token : tokens) {
            if (narrow) {
                raw.putInt((int) token);
            } else {
                raw.putLong(token);
            }
        }
        return raw.array();
    }

    @Override
    public void close() {}
}
