package lenstream.gpu.text;

import java.util.List;
import java.util.Map;

/** The graph of a text tower, wherever it runs: token ids in, vectors of tokens or of texts out. Implementations are thread-safe. */
public interface TokenTower extends AutoCloseable {
    /** Names of its inputs. */
    List<String> inputs();

    /** Names of its outputs. */
    List<String> outputs();

    /**
     * The values of an output as float32, row by row.
     *
     * @param inputs values by input name, each {@code shape[0] * shape[1]} long; narrowed where the graph takes int32
     * @param shape texts, tokens
     */
    float[] run(Map<String, long[]> inputs, long[] shape, String output);

    @Override
    void close();
}
