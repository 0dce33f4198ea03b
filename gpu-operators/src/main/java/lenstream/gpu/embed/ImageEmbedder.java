package lenstream.gpu.embed;

import java.util.List;
import lenstream.gpu.preprocess.HostTensor;

/** Turns preprocessed images into embeddings. Implementations say which threads may call them. */
public interface ImageEmbedder extends AutoCloseable {

    /** Length of the embeddings. */
    int dim();

    /** How queries of several people are worth being put together. */
    default Queries queries() {
        return Queries.OF_THE_CPU;
    }

    /**
     * What pays.
     *
     * @param most images of a call
     * @param lanes calls at once
     */
    record Queries(int most, int lanes) {
        /** Two cores embed 194 images a second one by one, 233 in pairs, 246 by four, 232 by eight; and by eight each takes 34 ms. */
        static final Queries OF_THE_CPU = new Queries(4, 1);
    }

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
