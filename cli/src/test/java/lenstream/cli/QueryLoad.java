package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Asks the search API questions at an even rate, whether earlier ones were answered or not, and keeps what was wrong with
 * the answers. Times count from the instant a question was due, so waiting for a slow answer is part of them.
 */
final class QueryLoad implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> WORDS =
            List.of("guitar", "apple", "dog", "flower", "hammer", "car", "bird", "bread", "clock", "shoe");
    private static final int ATTEMPTS = 5;
    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(40);

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpClient http = HttpClient.newBuilder()
            .connectTimeout(Duration.ofSeconds(10))
            .executor(threads)
            .build();
    private final URI api;
    private final Thread thread = Thread.ofPlatform().name("query-load").unstarted(this::run);
    private final List<String> faults = new ArrayList<>(); // under this
    private final List<String> spaces = new ArrayList<>(); // in the order of their first answers; under this
    private final Map<String, Long> left = new HashMap<>(); // when a space was first answered by another; under this
    private final List<Answer> answers = new ArrayList<>(); // to questions due since the last report; under this
    private final Set<Long> open = new HashSet<>(); // when questions without an answer were due; under this
    private final Map<Integer, Integer> refusedAt =
            new TreeMap<>(); // in ten seconds from there, since the last report; under this
    private final long start = System.nanoTime();
    private long reported = start; // under this
    private volatile boolean ended;

    /** An answer, by when its question was due. */
    private record Answer(long dueNanos, long tookNanos, String stages) {
        double millis() {
            return tookNanos / 1e6;
        }
    }

    /** Times of answers, in milliseconds. */
    record Times(int answers, double p50, double p99, double longest) {}

    private QueryLoad(URI api) {
        this.api = api;
    }

    static QueryLoad start(URI api) {
        var load = new QueryLoad(api);
        load.thread.start();
        return load;
    }

    private void run() {
        long due = System.nanoTime();
        for (int i = 0; !ended; i++, due += PERIOD_NANOS) {
            // every text another one, so that none comes from a cache
            String query = WORDS.get(i % WORDS.size()) + "+number+" + i;
            try {
                TimeUnit.NANOSECONDS.sleep(due - System.nanoTime());
            } catch (InterruptedException e) {
                return;
            }
            long at = due;
            begin(at);
            threads.execute(() -> ask(query, at));
        }
    }

    private void ask(String query, long due) {
        try {
            long asked = System.nanoTime();
            HttpResponse<byte[]> response = send(query);
            for (int attempt = 1; response.statusCode() == 429 && attempt < ATTEMPTS; attempt++) {
                refused();
                long told = response.headers().firstValueAsLong("Retry-After").orElse(1);
                pause(TimeUnit.SECONDS.toMillis(told) << (attempt - 1));
                response = send(query);
            }
            took(new Answer(
                    due,
                    System.nanoTime() - due,
                    response.headers().firstValue("Server-Timing").orElse("")));
            JsonNode answer = JSON.readTree(response.body());
            if (response.statusCode() != 200) {
                fault(String.format(Locale.ROOT, "%.1f s: %d %s", seconds(), response.statusCode(), answer));
                return;
            }
            String space = answer.path("fingerprint").asText();
            saw(space, asked);
            if (answer.path("hits").isEmpty()) {
                fault("no hits: " + answer);
            }
            for (JsonNode hit : answer.path("hits")) {
                if (!hit.path("fingerprint").asText().equals(space)) {
                    fault("an answer of " + space + " has a hit of " + hit.path("fingerprint"));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            fault(e.toString());
        }
    }

    /** As a client does: what the server says, twice as long after each refusal, and not all at once. Its time shows it. */
    private static void pause(long millis) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(millis + ThreadLocalRandom.current().nextLong(millis / 2));
    }

    private synchronized void refused() {
        refusedAt.merge((int) seconds() / 10 * 10, 1, Integer::sum);
    }

    private HttpResponse<byte[]> send(String query) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(api.resolve("/v1/search?k=5&q=" + query))
                        .timeout(Duration.ofSeconds(30))
                        .build(),
                HttpResponse.BodyHandlers.ofByteArray());
    }

    private synchronized void begin(long due) {
        open.add(due);
    }

    /** One that was due before the last report was counted there, as long as it had taken then. */
    private synchronized void took(Answer answer) {
        open.remove(answer.dueNanos());
        if (answer.dueNanos() - reported >= 0) {
            answers.add(answer);
        }
    }

    private synchronized void fault(String what) {
        faults.add(what);
    }

    /** A question that was asked before the switch may be answered after one that was asked behind it, no other. */
    private synchronized void saw(String space, long asked) {
        if (!spaces.isEmpty() && spaces.getLast().equals(space)) {
            return;
        }
        Long end = left.get(space);
        if (end != null && asked < end) {
            return;
        }
        if (!spaces.isEmpty()) {
            left.put(spaces.getLast(), System.nanoTime());
        }
        spaces.add(space);
        System.out.printf(Locale.ROOT, "%5.1f s: answers of %s%n", seconds(), space);
    }

    synchronized List<String> faults() {
        return List.copyOf(faults);
    }

    /** Fingerprints of the answers, one each time they changed. */
    synchronized List<String> spaces() {
        return List.copyOf(spaces);
    }

    /** Seconds since the first question. */
    double seconds() {
        return (System.nanoTime() - start) / 1e9;
    }

    /**
     * Times of the answers to questions due since the last report; prints them. What waits still counts as long as it does.
     *
     * @param usual milliseconds; each answer that took more than twice as long is printed with the server's own times
     */
    synchronized Times report(String when, double usual) {
        long now = System.nanoTime();
        for (long due : open) {
            if (due - reported >= 0 && now - due > 0) {
                answers.add(new Answer(due, now - due, "not answered yet"));
            }
        }
        reported = now;
        List<Double> millis = answers.stream().map(Answer::millis).sorted().toList();
        if (millis.isEmpty()) {
            return new Times(0, Double.NaN, Double.NaN, Double.NaN);
        }
        var times = new Times(
                millis.size(),
                millis.get(millis.size() / 2),
                millis.get((int) (millis.size() * 0.99)),
                millis.getLast());
        System.out.printf(
                Locale.ROOT,
                "queries %s: %d, p50 %.1f ms, p99 %.1f ms, longest %.1f ms; %d times asked to come again%s%n",
                when,
                times.answers(),
                times.p50(),
                times.p99(),
                times.longest(),
                refusedAt.values().stream().mapToInt(n -> n).sum(),
                refusedAt.isEmpty() ? "" : " (in the ten seconds from: " + refusedAt + ")");
        refusedAt.clear();
        for (Answer answer : answers) {
            if (answer.millis() > 2 * usual) {
                System.out.printf(
                        Locale.ROOT,
                        "  %6.2f s: %.0f ms, %s%n",
                        (answer.dueNanos() - start) / 1e9,
                        answer.millis(),
                        answer.stages());
            }
        }
        answers.clear();
        return times;
    }

    /** Waits until answers come from a space. */
    void awaitSpace(String fingerprint, Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (spaces().isEmpty() || !spaces().getLast().equals(fingerprint)) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("no answer of " + fingerprint + " but of " + spaces() + "; " + faults());
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    @Override
    public void close() throws InterruptedException {
        ended = true;
        thread.join(TimeUnit.SECONDS.toMillis(40));
        threads.shutdown();
        if (!threads.awaitTermination(40, TimeUnit.SECONDS)) {
            threads.shutdownNow();
        }
        http.shutdownNow();
    }
}
