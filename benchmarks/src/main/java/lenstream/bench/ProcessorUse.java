package lenstream.bench;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** How many processors each of some processes has kept busy since this was made. The kernel counts in steps of 10 ms. Immutable. */
final class ProcessorUse {
    private final Map<String, Long> pids;
    private final Map<String, Duration> before = new TreeMap<>();
    private final long since = System.nanoTime();

    private ProcessorUse(Map<String, Long> pids) {
        this.pids = new TreeMap<>(pids);
        pids.forEach((name, pid) -> before.put(name, used(pid)));
    }

    /** @param pids of running processes by their names */
    static ProcessorUse of(Map<String, Long> pids) {
        return new ProcessorUse(pids);
    }

    private static Duration used(long pid) {
        return ProcessHandle.of(pid)
                .flatMap(handle -> handle.info().totalCpuDuration())
                .orElseThrow(() -> new IllegalStateException("process " + pid + " has ended"));
    }

    /** As {@code API 0.61, OpenSearch 0.95}. */
    String line() {
        double elapsed = System.nanoTime() - since;
        return pids.entrySet().stream()
                .map(process -> String.format(
                        Locale.ROOT,
                        "%s %.2f",
                        process.getKey(),
                        used(process.getValue())
                                        .minus(before.getOrDefault(process.getKey(), Duration.ZERO))
                                        .toNanos()
                                / elapsed))
                .collect(Collectors.joining(", "));
    }
}
