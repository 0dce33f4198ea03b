package lenstream.search.remote;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;

/** One inference server by the Open Inference Protocol, version 2. Implementations are thread-safe and block. */
interface InferenceClient extends AutoCloseable {
    /**
     * A tensor as a model describes it.
     *
     * @param shape -1 for a side that is free
     */
    record Tensor(String name, String datatype, List<Long> shape) {}

    /**
     * A model.
     *
     * @param fingerprint of the embedding space, as servers of ours say it; empty if it is not said
     */
    record Model(String name, List<Tensor> inputs, List<Tensor> outputs, String fingerprint) {}

    /**
     * What is sent.
     *
     * @param raw little-endian, row by row; strings with four bytes of length before each
     */
    record Input(String name, String datatype, long[] shape, byte[] raw) {}

    /** A call of a model that asks for one output of float32. */
    record Call(String model, List<Input> inputs, String output) {}

    /** The server's name for itself. */
    String server(Duration limit) throws RemoteException;

    Model model(String name, Duration limit) throws RemoteException;

    /** @return the output's values, little-endian float32 */
    ByteBuffer infer(Call call, Duration limit) throws RemoteException;

    /** Before another attempt: whatever was waited for after a failure is not waited for any more. */
    void reconnect();

    @Override
    void close();
}
