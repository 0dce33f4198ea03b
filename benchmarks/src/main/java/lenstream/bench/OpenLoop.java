package lenstream.bench;

import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Sends requests at the times of a Poisson process, whether earlier ones were answered or not, and counts from the time at
 * which a request was due: waiting for a slow server is part of its latency (no coordinated omission). The pattern is
 * seeded. Thread-safe; owns its connections.
 */
final class OpenLoop implements AutoCloseable {
    private static final long SEED = 7;
    private static final long LIMIT_SECONDS = 90;

    private final URI server;
    private final ConcurrentLinkedDeque<PlainHttp> idle = new ConcurrentLinkedDeque<>();
    private final Map<String, Integer> failures = new TreeMap<>(); // under itself

    /** A request of a kind; different every time. */
    @FunctionalInterface
    interface Ask {
        PlainHttp.Answer over(PlainHttp connection) throws IOException;
    }

    /**
     * One request.
     *
     * @param dueSecond second of the run in which it was due
     * @param millis from the time it was due to the end of its answer
     * @param status of the answer; 0 if there was none
     * @param timing the answer's {@code Server-Timing}
     */
    record Outcome(int dueSecond, double millis, int status, String timing) {
        /** What a stage took, milliseconds; 0 if the answer does not say. */
        double stage(String name) {
            return serverTiming(timing, name);
        }

        /** What is not in the stages: waiting to be sent, to be let in, the way, the handler's own work. */
        double beside() {
            return millis - stage("embed") - stage("index");
        }
    }

    OpenLoop(URI server) {
        this.server = server;
    }

    /** @param next makes the requests */
    List<Outcome> run(double perSecond, int seconds, Iterable<Ask> next) throws InterruptedException {
        var random = new Random(SEED);
        var outcomes = new ArrayList<Outcome>();
        var requests = next.iterator();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            long start = System.nanoTime();
            double due = 0;
            while ((due += -Math.log(1 - random.nextDouble()) / perSecond) < seconds) {
                long at = start + (long) (due * 1e9);
                Ask ask = requests.next();
                int second = (int) due;
                while (System.nanoTime() < at) {
                    LockSupport.parkNanos(at - System.nanoTime());
                }
                threads.execute(() -> {
                    PlainHttp.@Nullable Answer answer = send(ask);
                    double millis = (System.nanoTime() - at) / 1e6;
                    var outcome = answer == null
                            ? new Outcome(second, millis, 0, "")
                            : new Outcome(second, millis, answer.status(), answer.timing());
                    synchronized (outcomes) {
                        outcomes.add(outcome);
                    }
                });
            }
            threads.shutdown();
            if (!threads.awaitTermination(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("answers were still missing after " + LIMIT_SECONDS + " s");
            }
        }
        return outcomes;
    }

    /** Null if there was no answer. */
    private PlainHttp.@Nullable Answer send(Ask ask) {
        @Nullable PlainHttp connection = fresh();
        try {
            if (connection == null) {
                connection = new PlainHttp(server);
            }
            PlainHttp.Answer answer = ask.over(connection);
            idle.addFirst(connection);
            return answer;
        } catch (IOException | RuntimeException e) {
            close(connection);
            synchronized (failures) {
                failures.merge(String.valueOf(e), 1, Integer::sum);
            }
            return null;
        }
    }

    /** An open connection that the server keeps; null if there is none. */
    private @Nullable PlainHttp fresh() {
        PlainHttp connection = idle.pollFirst();
        while (connection != null && !connection.isFresh()) {
            close(connection);
            connection = idle.pollFirst();
        }
        return connection;
    }

    /** Why requests had no answer, and how many. */
    Map<String, Integer> failures() {
        synchronized (failures) {
            return Map.copyOf(failures);
        }
    }

    private static void close(@Nullable PlainHttp connection) {
        if (connection != null) {
            try {
                connection.close();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** One line: how many of each status; the accepted ones' latency. */
    static String line(List<Outcome> outcomes) {
        Map<Integer, Integer> statuses = new TreeMap<>();
        outcomes.forEach(outcome -> statuses.merge(outcome.status(), 1, Integer::sum));
        List<Double> accepted = outcomes.stream()
                .filter(outcome -> outcome.status() == 200)
                .map(Outcome::millis)
                .sorted()
                .toList();
        List<Double> refused = outcomes.stream()
                .filter(outcome -> outcome.status() != 200)
                .map(Outcome::millis)
                .sorted()
                .toList();
        String others = refused.isEmpty()
                ? ""
                : String.format(
                        Locale.ROOT,
                        "; refused: p50 %.1f ms, p99 %.1f",
                        quantile(refused, 0.5),
                        quantile(refused, 0.99));
        return String.format(
                Locale.ROOT,
                "%d requests, statuses %s; answered: p50 %.1f ms, p90 %.1f, p99 %.1f, max %.1f%s",
                outcomes.size(),
                statuses,
                quantile(accepted, 0.5),
                quantile(accepted, 0.9),
                quantile(accepted, 0.99),
                quantile(accepted, 1),
                others);
    }

    /** One line: the accepted ones' stages, and where the slowest spent its time. */
    static String stages(List<Outcome> outcomes) {
        List<Outcome> accepted = outcomes.stream()
                .filter(outcome -> outcome.status() == 200)
                .sorted(Comparator.comparingDouble(Outcome::millis))
                .toList();
        if (accepted.isEmpty()) {
            return "none answered";
        }
        Outcome slowest = accepted.getLast();
        return stage("embed", accepted, outcome -> outcome.stage("embed"))
                + stage("index", accepted, outcome -> outcome.stage("index"))
                + stage("beside them", accepted, Outcome::beside)
                + String.format(
                        Locale.ROOT,
                        "slowest: %.1f ms = %.1f + %.1f + %.1f",
                        slowest.millis(),
                        slowest.stage("embed"),
                        slowest.stage("index"),
                        slowest.beside());
    }

    private static String stage(String name, List<Outcome> accepted, ToDoubleFunction<Outcome> part) {
        List<Double> times = accepted.stream().map(part::applyAsDouble).sorted().toList();
        return String.format(
                Locale.ROOT, "%s p50 %.1f ms, p99 %.1f; ", name, quantile(times, 0.5), quantile(times, 0.99));
    }

    /** A stage of {@code Server-Timing}, milliseconds; 0 if it is not there. */
    static double serverTiming(String header, String stage) {
        for (String part : header.split(",")) {
            if (part.strip().startsWith(stage + ";dur=")) {
                return Double.parseDouble(part.strip().substring(stage.length() + 5));
            }
        }
        return 0;
    }

    /** A quantile of all requests, where one that was not answered with 200 never came to an end. */
    static double ofAll(List<Outcome> outcomes, double q) {
        return quantile(
                outcomes.stream()
                        .map(outcome -> outcome.status() == 200 ? outcome.millis() : Double.POSITIVE_INFINITY)
                        .sorted()
                        .toList(),
                q);
    }

    static double quantile(List<Double> ascending, double q) {
        return ascending.isEmpty() ? Double.NaN : Alternation.quantile(ascending, q);
    }

    @Override
    public void close() {
        idle.forEach(OpenLoop::close);
        idle.clear();
    }
}
