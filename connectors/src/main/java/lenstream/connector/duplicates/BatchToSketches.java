package lenstream.connector.duplicates;

import lenstream.core.image.ArrowBatch;
import lenstream.core.image.EmbeddedImage;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/** Sketches of the embedded rows of a batch; rejected rows that withdraw their image go to a side output. */
final class BatchToSketches extends ProcessFunction<ArrowBatch, Sketch> {
    private static final long serialVersionUID = 1;
    private static final long MEMORY_BYTES = 1L << 30;

    private final OutputTag<GroupEvent> gone;
    private transient @Nullable BufferAllocator allocator;

    BatchToSketches(OutputTag<GroupEvent> gone) {
        this.gone = gone;
    }

    @Override
    public void open(OpenContext context) {
        allocator = new RootAllocator(MEMORY_BYTES);
    }

    @Override
    public void processElement(ArrowBatch batch, Context context, Collector<Sketch> out) {
        if (allocator == null) {
            throw new IllegalStateException("not open");
        }
        for (EmbeddedImage row : batch.read(allocator).rows()) {
            if (!row.rejected()) {
                out.collect(Sketch.of(row));
            } else if (row.toRejection().reason().withdraws()) {
                context.output(gone, GroupEvent.gone(row.toRejection()));
            }
        }
    }

    @Override
    public void close() {
        if (allocator != null) {
            allocator.close();
            allocator = null;
        }
    }
}
