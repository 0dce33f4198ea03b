package lenstream.gpu.lane;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Flight recorder: one batch in a decode lane, from its first image to its hand-over. */
@Name("lenstream.DecodeBatch")
@Label("Decode Batch")
@Category("Lenstream")
@StackTrace(false)
final class BatchEvent extends Event {
    @Label("Rows")
    int rows;

    @Label("Rows Preprocessed On Device")
    int deviceRows;

    @Label("Decode Nanos")
    long decodeNanos;

    @Label("Wait For Tensor Nanos")
    long waitNanos;
}
