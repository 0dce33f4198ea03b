package lenstream.connector.opensearch;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntSupplier;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;

/**
 * The sink's metrics: {@code lenstream_sink_in} = entries received; {@code lenstream_written}, {@code lenstream_stale}
 * and {@code lenstream_dead_letters} = how they ended; {@code lenstream_images_written} = those written that are images;
 * {@code lenstream_retried} = repetitions; {@code lenstream_dropped} = refused entries that could not be kept as dead
 * letters; gauge {@code lenstream_sink_pending} = entries that have not ended; gauge {@code
 * lenstream_sink_in_flight_limit} = entries that may be in flight now, see {@link InFlightLimit}. Thread-safe: answers come
 * on the client's threads.
 */
final class SinkMetrics {
    final Counter in;
    final Counter written;
    final Counter imagesWritten;
    final Counter stale;
    final Counter retried;
    final Counter deadLetters;
    final Counter dropped;
    final AtomicLong pending = new AtomicLong();

    /** @param inFlightLimit entries that may be in flight now */
    SinkMetrics(MetricGroup group, IntSupplier inFlightLimit) {
        in = group.counter("lenstream_sink_in", new Adder());
        written = group.counter("lenstream_written", new Adder());
        imagesWritten = group.counter("lenstream_images_written", new Adder());
        stale = group.counter("lenstream_stale", new Adder());
        retried = group.counter("lenstream_retried", new Adder());
        deadLetters = group.counter("lenstream_dead_letters", new Adder());
        dropped = group.counter("lenstream_dropped", new Adder());
        group.gauge("lenstream_sink_pending", (Gauge<Long>) pending::get);
        group.gauge("lenstream_sink_in_flight_limit", (Gauge<Integer>) inFlightLimit::getAsInt);
    }

    /** Flink's own counters are for one thread. */
    private static final class Adder implements Counter {
        private final LongAdder sum = new LongAdder();

        @Override
        public void inc() {
            sum.increment();
        }

        @Override
        public void inc(long n) {
            sum.add(n);
        }

        @Override
        public void dec() {
            sum.decrement();
        }

        @Override
        public void dec(long n) {
            sum.add(-n);
        }

        @Override
        public long getCount() {
            return sum.sum();
        }
    }
}
