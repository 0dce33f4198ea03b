package lenstream.gpu.embed;

import java.util.List;
import lenstream.gpu.preprocess.HostTensor;

/** Turns preprocessed images into embeddings. Implementations say which threads may call them. */
public interface ImageEmbedder extends AutoCloseable {

    /** Length of the embeddings. */
    int dim();

    /**
     * Embeds the first {@code rows} rows of {@code tensor}, which is borrowed.
     *
     * @return one outcome a row, in the same order
     * @throws DeviceException if the device or its run-time library failed
     */
    List<Embedding> embed(HostTensor tensor, int rows);

    @Override
    void close();
}
