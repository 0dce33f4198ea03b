package lenstream.gpu.lane;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Flight recorder: one batch in the embed lane, the time it takes to queue it. */
@Name("lenstream.EmbedBatch")
@Label("Embed Batch")
@Category("Lenstream")
@StackTrace(false)
final class EmbedEvent extends Event {
    @Label("Rows")
    int rows;

    @Label("Queued As A Graph")
    boolean recorded;

    @Label("Wait For Batch Nanos")
    long starvedNanos;
}
