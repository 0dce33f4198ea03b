package lenstream.gpu.lane;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** Images a second over a number of windows; set by the properties {@code bench.warmup}, {@code bench.window}, {@code bench.windows}. */
public final class Rates {
    private static final double WARM_UP_SECONDS = Double.parseDouble(System.getProperty("bench.warmup", "0.5"));
    private static final double WINDOW_SECONDS = Double.parseDouble(System.getProperty("bench.window", "1.0"));
    private static final int WINDOWS = Integer.getInteger("bench.windows", 5);

    private Rates() {}

    /** Median, lowest and highest of the windows. */
    public record Rate(double median, double lowest, double highest) {
        public static Rate of(double[] values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            return new Rate(sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%.0f img/s (%.0f-%.0f)", median, lowest, highest);
        }
    }

    /** Some work, again and again. */
    @FunctionalInterface
    interface Step {
        /** Images done. */
        int run() throws Exception;
    }

    /** The rate at which a counter grows. */
    public static Rate of(LongSupplier done) throws InterruptedException {
        return of(List.of(done)).getFirst();
    }

    private static List<Rate> of(List<LongSupplier> counters) throws InterruptedException {
        Thread.sleep((long) (WARM_UP_SECONDS * 1000));
        var rates = new double[counters.size()][WINDOWS];
        for (int i = 0; i < WINDOWS; i++) {
            long start = System.nanoTime();
            var before = counters.stream().mapToLong(LongSupplier::getAsLong).toArray();
            Thread.sleep((long) (WINDOW_SECONDS * 1000));
            for (int g = 0; g < rates.length; g++) {
                rates[g][i] = (counters.get(g).getAsLong() - before[g]) * 1e9 / (System.nanoTime() - start);
            }
        }
        return Arrays.stream(rates).map(Rate::of).toList();
    }

    /** All steps at the same time, each on a thread of its own. */
    static Rate together(List<? extends Step> steps) throws InterruptedException {
        return groups(List.of(steps)).getFirst();
    }

    /** The same for groups of steps that all run at the same time. */
    static List<Rate> groups(List<? extends List<? extends Step>> groups) throws InterruptedException {
        var stop = new AtomicBoolean();
        var threads = new ArrayList<Thread>();
        var counters = new ArrayList<LongSupplier>();
        for (List<? extends Step> group : groups) {
            var done = new AtomicLong();
            counters.add(done::get);
            for (Step step : group) {
                threads.add(Thread.ofPlatform().start(() -> {
                    try {
                        while (!stop.get()) {
                            done.addAndGet(step.run());
                        }
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                }));
            }
        }
        List<Rate> rates = of(counters);
        stop.set(true);
        for (Thread thread : threads) {
            thread.join();
        }
        return rates;
    }

    /** Sorted durations in ms of {@code times} runs after some to warm up. */
    static double[] millis(int times, Step step) throws Exception {
        for (int i = 0; i < Math.max(5, times / 6); i++) {
            step.run();
        }
        var millis = new double[times];
        for (int i = 0; i < times; i++) {
            long start = System.nanoTime();
            step.run();
            millis[i] = (System.nanoTime() - start) / 1e6;
        }
        Arrays.sort(millis);
        return millis;
    }
}
