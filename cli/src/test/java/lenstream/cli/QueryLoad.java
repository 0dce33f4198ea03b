package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Asks the search API questions at an even rate and keeps what was wrong with the answers. Times count from the instant a
 * question was due, so a slow answer is charged for those that had to wait behind it.
 */
final class QueryLoad implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> WORDS =
            List.of("guitar", "apple", "dog", "flower", "hammer", "car", "bird", "bread", "clock", "shoe");

    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(40);

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private final URI api;
    private final Thread thread = Thread.ofPlatform().name("query-load").unstarted(this::run);
    private final List<String> faults = new ArrayList<>(); // under this
    private final List<String> spaces = new ArrayList<>(); // in the order of their first answers; under this
    private final List<Long> nanos = new ArrayList<>(); // under this
    private volatile boolean ended;

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
                HttpResponse<byte[]> response = http.send(
                        HttpRequest.newBuilder(api.resolve("/v1/search?k=5&q=" + query))
                                .timeout(Duration.ofSeconds(30))
                                .build(),
                        HttpResponse.BodyHandlers.ofByteArray());
                took(System.nanoTime() - due);
                JsonNode answer = JSON.readTree(response.body());
                if (response.statusCode() != 200) {
                    fault(response.statusCode() + " " + answer);
                    continue;
                }
                String space = answer.path("fingerprint").asText();
                saw(space);
                if (answer.path("hits").isEmpty()) {
                    fault("no hits: " + answer);
                }
                for (JsonNode hit : answer.path("hits")) {
                    if (!hit.path("fingerprint").asText().equals(space)) {
                        fault("an answer of " + space + " has a hit of " + hit.path("fingerprint"));
                    }
                }
            } catch (InterruptedException e) {
                return;
            } catch (java.io.IOException e) {
                fault(e.toString());
            }
        }
    }

    private synchronized void took(long time) {
        nanos.add(time);
    }

    private synchronized void fault(String what) {
        faults.add(what);
    }

    private synchronized void saw(String space) {
        if (spaces.isEmpty() || !spaces.getLast().equals(space)) {
            spaces.add(space);
        }
    }

    synchronized List<String> faults() {
        return List.copyOf(faults);
    }

    /** Fingerprints of the answers, one each time they changed. */
    synchronized List<String> spaces() {
        return List.copyOf(spaces);
    }

    /** Prints the times of the answers since the last report. */
    synchronized void report(String when) {
        long[] times = nanos.stream().mapToLong(n -> n).sorted().toArray();
        int slowest = times.length == 0 ? 0 : nanos.indexOf(times[times.length - 1]);
        nanos.clear();
        if (times.length > 0) {
            System.out.printf(
                    java.util.Locale.ROOT,
                    "queries %s: %d, p50 %.1f ms, p99 %.1f ms, longest %.1f ms, asked after %.0f s%n",
                    when,
                    times.length,
                    times[times.length / 2] / 1e6,
                    times[(int) (times.length * 0.99)] / 1e6,
                    times[times.length - 1] / 1e6,
                    slowest * PERIOD_NANOS / 1e9);
        }
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
        http.shutdownNow();
    }
}
