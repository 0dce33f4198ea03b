package lenstream.gpu.lane;

import java.util.concurrent.atomic.LongAdder;

/** The counters behind {@link GpuStats}. Thread-safe. */
final class Counters {
    final LongAdder batches = new LongAdder();
    final LongAdder recordedBatches = new LongAdder();
    final LongAdder deviceImages = new LongAdder();
    final LongAdder hostImages = new LongAdder();
    final LongAdder finishedImages = new LongAdder();
    final LongAdder judgedImages = new LongAdder();
    final LongAdder decodeNanos = new LongAdder();
    final LongAdder waitNanos = new LongAdder();
    final LongAdder starvedNanos = new LongAdder();
    final LongAdder halvings = new LongAdder();
}
