package lenstream.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.PipelineConfig;

/**
 * The search API under load, over an index of many vectors: a process of its own beside an OpenSearch of its own, asked by
 * {@link OpenLoop}. The vectors are synthetic: each is one of the gallery's 337 embeddings with noise (cosine to it about
 * 0.8), so that they lie in clusters as embeddings of photographs do; texts and pictures asked are real ones.
 *
 * <p>{@code mvn -pl benchmarks exec:exec -Dmain=lenstream.bench.LoadBenchmark -Dargs="FOLDER fill 100000"} once, then in place
 * of {@code fill}: {@code text RATE SECONDS}, {@code image RATE SECONDS}, {@code own ROUNDS}, {@code overload SECONDS [image]}, {@code
 * tune text|image SECONDS P99_MILLIS} or {@code soak RATE SECONDS}; a file of more keys for the server may follow. Needs {@code
 * infra/opensearch} built.
 */
public final class LoadBenchmark {
    private static final int HITS = 10;
    private static final int BULK = 500;
    private static final int WORKERS = 4;
    private static final double NOISE = 0.75;
    private static final int WARM_UP_SECONDS = 15;
    private static final int WARM_SECONDS = 60;

    /** Share of the capacity at which latency is taken as that of a server with enough to do. */
    private static final double BUSY = 0.8;

    private static final int REFUSED_MILLIS = 10;
    private static final int BISECTIONS = 4;

    /** A rate is too high if it was twice: a pause of the machine would end the search at a fraction of what can be done. */
    private static final int ATTEMPTS = 2;

    private static final int WARM_RATE = 30;
    private static final int LOWEST_RATE = 8;
    private static final int HIGHEST_RATE = 20_000;
    private static final IndexLayout LAYOUT = IndexLayout.withPrefix("load");

    private static final List<String> ADJECTIVES =
            List.of("red", "small", "old", "shiny", "wooden", "sleeping", "striped", "wet", "bright", "round");
    private static final List<String> NOUNS = List.of(
            "frog",
            "flower",
            "tractor",
            "airplane",
            "candle",
            "chair",
            "apple",
            "boat",
            "guitar",
            "mountain",
            "bird",
            "car");

    private static final ObjectMapper JSON = new ObjectMapper();

    private final AtomicInteger asked = new AtomicInteger();
    private final List<FetchedImage> pictures;
    private final ApiProcess api;
    private final String openSearch;
    private final long openSearchPid;

    private LoadBenchmark(ApiProcess api, String openSearch, long openSearchPid) throws IOException {
        this.api = api;
        this.openSearch = openSearch;
        this.openSearchPid = openSearchPid;
        this.pictures = Gallery.images();
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        Path folder = Path.of(args[0]);
        var start = LocalOpenSearch.Config.of(
                        Samples.ROOT.resolve("infra/opensearch/target/opensearch"), folder.resolve("opensearch"))
                .withHeap("1g");
        try (LocalOpenSearch node = LocalOpenSearch.start(start, line -> {})) {
            String url = "http://127.0.0.1:" + node.httpPort();
            if (args[1].equals("fill")) {
                fill(url, Integer.parseInt(args[2]));
                return;
            }
            String yaml = "bundle: " + Samples.BUNDLE.toAbsolutePath() + "\nopen_search: {urls: [\"" + url
                    + "\"], request_timeout: 10s}\nindex: {prefix: load}\n"
                    + (args[args.length - 1].endsWith(".yaml") ? Files.readString(Path.of(args[args.length - 1])) : "");
            try (ApiProcess api = ApiProcess.start(yaml, "512m")) {
                var benchmark = new LoadBenchmark(api, url, node.pid());
                benchmark.warmUp();
                switch (args[1]) {
                    case "text" -> benchmark.steady(benchmark::text, args);
                    case "image" -> benchmark.steady(benchmark::image, args);
                    case "own" -> benchmark.own(Integer.parseInt(args[2]));
                    case "overload" ->
                        benchmark.overload(Integer.parseInt(args[2]), args.length > 3 && args[3].equals("image"));
                    case "tune" -> benchmark.tune(args[2], Integer.parseInt(args[3]), Double.parseDouble(args[4]));
                    case "soak" -> benchmark.soak(Double.parseDouble(args[2]), Integer.parseInt(args[3]));
                    default -> throw new IllegalArgumentException(args[1]);
                }
            }
        }
    }

    private static void fill(String url, int count) throws IOException {
        long start = System.nanoTime();
        try (IndexClient index = IndexClient.open(OpenSearchConfig.at(url));
                EmbeddingPipeline pipeline = EmbeddingPipeline.open(PipelineConfig.defaults(Samples.BUNDLE))) {
            Fingerprint space = pipeline.fingerprint();
            IndexSetup.prepare(index, LAYOUT, space, pipeline.dim(), Duration.ofSeconds(60));
            List<EmbeddedImage> gallery = pipeline.embed(Gallery.images());
            var random = new Random(3);
            var body = new StringBuilder();
            for (int i = 0; i < count; i++) {
                body.append(document(i, gallery.get(i % gallery.size()), random, space));
                if ((i + 1) % BULK == 0 || i + 1 == count) {
                    IndexAnswer answer = index.send(
                            "POST", "/_bulk", body.toString().getBytes(StandardCharsets.UTF_8), "application/x-ndjson");
                    if (!answer.ok() || answer.json().path("errors").asBoolean()) {
                        throw new IllegalStateException(answer.text());
                    }
                    body.setLength(0);
                }
            }
            IndexCounts.refresh(index, LAYOUT, space);
            String name = LAYOUT.imageIndex(space);
            JsonNode segments =
                    index.send("GET", "/" + name + "/_segments", null).json();
            System.out.printf(
                    Locale.ROOT,
                    "%d documents in %.0f s, %d segments%n",
                    count,
                    (System.nanoTime() - start) / 1e9,
                    segments.at("/indices/" + name + "/shards/0/0/segments").size());
        }
    }

    private static String document(int i, EmbeddedImage like, Random random, Fingerprint space) {
        float[] base = like.embedding();
        if (base == null) {
            throw new IllegalStateException(like.target().url() + " was rejected: " + like.detail());
        }
        var vector = new double[base.length];
        double square = 0;
        for (int d = 0; d < vector.length; d++) {
            vector[d] = base[d] + NOISE * random.nextGaussian() / Math.sqrt(vector.length);
            square += vector[d] * vector[d];
        }
        String id = HexFormat.of().toHexDigits(0L) + HexFormat.of().toHexDigits((long) i);
        var values = new StringBuilder();
        for (double value : vector) {
            values.append(values.isEmpty() ? "" : ",").append((float) (value / Math.sqrt(square)));
        }
        return "{\"index\":{\"_index\":\"" + LAYOUT.imageIndex(space) + "\",\"_id\":\"" + id + "\"}}\n{\"id\":\"" + id
                + "\",\"url\":\"http://h" + i % 97 + ".example/" + i + ".jpg\",\"host\":\"h" + i % 97
                + ".example\",\"site\":\"http://h" + i % 97 + ".example/\",\"title\":\""
                + like.target().title() + "\",\"via\":\"page\",\"mime\":\"image/jpeg\",\"width\":" + like.width()
                + ",\"height\":" + like.height() + ",\"sha256\":\"" + id + id + "\",\"group_id\":\"" + id
                + "\",\"fingerprint\":\"" + space.value() + "\",\"embedding\":[" + values + "]}\n";
    }

    private void warmUp() throws InterruptedException {
        try (var load = new OpenLoop(api.uri())) {
            load.run(WARM_RATE, WARM_UP_SECONDS, mixed());
        }
    }

    private void steady(OpenLoop.Ask ask, String[] args) throws IOException, InterruptedException {
        double rate = Double.parseDouble(args[2]);
        try (var load = new OpenLoop(api.uri())) {
            step(
                    String.format(Locale.ROOT, "%s, %.0f a second", args[1], rate),
                    load,
                    rate,
                    Integer.parseInt(args[3]),
                    ask);
        }
    }

    /** Asks for a while and prints what came of it: the answers, their stages, the processors, what the limiter did. */
    private List<OpenLoop.Outcome> step(String name, OpenLoop load, double rate, int seconds, OpenLoop.Ask ask)
            throws IOException, InterruptedException {
        ProcessorUse cores = cores();
        List<OpenLoop.Outcome> outcomes = load.run(rate, seconds, endless(ask));
        System.out.println(name + ": " + OpenLoop.line(outcomes));
        System.out.println("  " + OpenLoop.stages(outcomes) + "; cores busy: " + cores.line() + "; may work at once: "
                + metric("lenstream_search_concurrency_limit_requests"));
        return outcomes;
    }

    private ProcessorUse cores() {
        return ProcessorUse.of(Map.of(
                "API",
                api.pid(),
                "OpenSearch",
                openSearchPid,
                "generator",
                ProcessHandle.current().pid()));
    }

    /** A level that the server's {@code /metrics} gives without labels. */
    private String metric(String name) throws IOException {
        try (var connection = new PlainHttp(api.uri())) {
            return new String(connection.get("/metrics").body(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.startsWith(name + " "))
                    .map(line -> line.substring(name.length() + 1))
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException("/metrics has no " + name));
        }
    }

    /**
     * Single texts on one connection, and what OpenSearch alone takes for the very same question, asked over a connection of
     * its own, before or after in turn. The API's own part is what is left of the whole without that and without the embedding;
     * both answers must hold the same images. Before, as many are asked as it takes until the server's code is compiled.
     */
    private void own(int rounds) throws IOException, InterruptedException {
        capacity(WARM_SECONDS, this::text);
        var own = new ArrayList<Double>();
        var whole = new ArrayList<Double>();
        var embed = new ArrayList<Double>();
        var index = new ArrayList<Double>();
        var outside = new ArrayList<Double>();
        var asking = new ArrayList<Double>();
        var rest = new ArrayList<Double>();
        try (var connection = new PlainHttp(api.uri());
                var direct = new PlainHttp(URI.create(openSearch))) {
            Fingerprint space = ModelBundle.load(Samples.BUNDLE).fingerprint();
            for (int i = 0; i < rounds; i++) {
                String text = nextText();
                byte[] question = question(connection, text);
                String path = "/" + LAYOUT.imageIndex(space) + "/_search";
                double alone = 0;
                PlainHttp.Answer bare = null;
                if (i % 2 == 0) {
                    long start = System.nanoTime();
                    bare = direct.post(path, "application/json", question);
                    alone = millisSince(start);
                }
                long start = System.nanoTime();
                PlainHttp.Answer answer = text(connection, text.toUpperCase(Locale.ROOT));
                double all = millisSince(start);
                if (bare == null) {
                    start = System.nanoTime();
                    bare = direct.post(path, "application/json", question);
                    alone = millisSince(start);
                }
                requireSame(bare, answer);
                double embedding = OpenLoop.serverTiming(answer.timing(), "embed");
                double total = OpenLoop.serverTiming(answer.timing(), "total");
                double asked = OpenLoop.serverTiming(answer.timing(), "index");
                whole.add(all);
                embed.add(embedding);
                index.add(alone);
                own.add(all - embedding - alone);
                outside.add(all - total);
                asking.add(asked - alone);
                rest.add(total - embedding - asked);
            }
        }
        row("text query over HTTP", whole);
        row("embed the text", embed);
        row("OpenSearch alone, the same question", index);
        row("the API's own part", own);
        row("of it: before and after the handler", outside);
        row("of it: the index stage beyond OpenSearch's time", asking);
        row("of it: the rest of the handler", rest);
    }

    private static double millisSince(long start) {
        return (System.nanoTime() - start) / 1e6;
    }

    private static void requireSame(PlainHttp.Answer bare, PlainHttp.Answer answer) throws IOException {
        List<String> asked = ids(bare, "/hits/hits", "/_source/id");
        List<String> found = ids(answer, "/hits", "/id");
        if (asked.size() != HITS || !asked.equals(found)) {
            throw new IllegalStateException("the two were not asked the same: " + asked + " and " + found);
        }
    }

    private static List<String> ids(PlainHttp.Answer answer, String hits, String id) throws IOException {
        return JSON.readTree(answer.body())
                .at(hits)
                .valueStream()
                .map(hit -> hit.at(id).asText())
                .toList();
    }

    /** What the server asks OpenSearch for a first page by a text. The cache then knows the text, so it is asked in capitals. */
    private static byte[] question(PlainHttp connection, String text) throws IOException {
        JsonNode vector = JSON.readTree(connection
                        .post(
                                "/v1/embeddings",
                                "application/json",
                                ("{\"model\":\"lensmini\",\"input\":\"" + text + "\"}")
                                        .getBytes(StandardCharsets.UTF_8))
                        .body())
                .at("/data/0/embedding");
        return ("{\"size\":" + HITS
                        + ",\"track_total_hits\":true,\"query\":{\"knn\":{\"embedding\":{\"vector\":" + vector
                        + ",\"k\":300,\"method_parameters\":{\"ef_search\":300}}}},"
                        + "\"sort\":[{\"_score\":\"desc\"},{\"id\":\"asc\"}],\"_source\":{\"excludes\":[\"embedding\"]},"
                        + "\"collapse\":{\"field\":\"group_id\"},\"aggs\":{\"groups\":{\"terms\":{\"field\":\"group_id\","
                        + "\"size\":300,\"min_doc_count\":2,\"execution_hint\":\"map\"}},"
                        + "\"nearest\":{\"top_hits\":{\"size\":2,\"sort\":[{\"_score\":\"desc\"},{\"id\":\"asc\"}],"
                        + "\"_source\":[\"embedding\"]}}}}")
                .getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Finds what the server can do, asks for nearly that, then for five times as much, and looks whether it recovers. Before, it is
     * loaded until its code is compiled, or the first of these would be slower than all that follow.
     */
    private void overload(int seconds, boolean images) throws IOException, InterruptedException {
        OpenLoop.Ask ask = images ? this::image : this::text;
        capacity(WARM_SECONDS, ask);
        double capacity = capacity(seconds, ask);
        System.out.printf(
                Locale.ROOT,
                "capacity: %.0f %s queries a second with %d workers%n",
                capacity,
                images ? "image" : "text",
                WORKERS);
        try (var load = new OpenLoop(api.uri())) {
            double busy = BUSY * capacity;
            step("80 % of it", load, busy, seconds, ask);
            step("five times", load, capacity * 5, seconds, ask);
            List<OpenLoop.Outcome> after = step("80 % again", load, busy, seconds, ask);
            for (int second = 0; second < Math.min(3, seconds); second++) {
                int wanted = second;
                System.out.println("  second " + (second + 1) + " of it: "
                        + OpenLoop.line(after.stream()
                                .filter(outcome -> outcome.dueSecond() == wanted)
                                .toList()));
            }
            load.failures().forEach((why, count) -> System.out.println("no answer: " + count + " x " + why));
        }
    }

    private double capacity(int seconds, OpenLoop.Ask ask) throws InterruptedException {
        var done = new AtomicInteger();
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        try (var workers = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < WORKERS; i++) {
                workers.execute(() -> {
                    try (var connection = new PlainHttp(api.uri())) {
                        while (System.nanoTime() < end) {
                            if (ask.over(connection).status() == 200) {
                                done.incrementAndGet();
                            } else {
                                Thread.sleep(REFUSED_MILLIS);
                            }
                        }
                    } catch (IOException | InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                });
            }
        }
        return (double) done.get() / seconds;
    }

    /**
     * The highest rate at which 99 of 100 requests are answered within the limit; one that is refused is not. Doubles the rate
     * until that fails twice, then halves the gap.
     */
    private void tune(String kind, int seconds, double limitMillis) throws IOException, InterruptedException {
        OpenLoop.Ask ask = kind.equals("image") ? this::image : this::text;
        double good = 0;
        double bad = 0;
        try (var load = new OpenLoop(api.uri())) {
            load.run(WARM_RATE, WARM_UP_SECONDS, endless(ask));
            double rate = LOWEST_RATE;
            for (int gaps = 0; gaps < BISECTIONS && rate <= HIGHEST_RATE; ) {
                boolean kept = false;
                for (int attempt = 0; attempt < ATTEMPTS && !kept; attempt++) {
                    List<OpenLoop.Outcome> outcomes =
                            step(String.format(Locale.ROOT, "%s, %.1f a second", kind, rate), load, rate, seconds, ask);
                    kept = OpenLoop.ofAll(outcomes, 0.99) <= limitMillis;
                    System.out.println(kept ? "  kept" : "  not kept");
                }
                if (kept) {
                    good = rate;
                } else {
                    bad = rate;
                }
                gaps += bad == 0 ? 0 : 1;
                rate = bad == 0 ? 2 * rate : (good + bad) / 2;
            }
            load.failures().forEach((why, count) -> System.out.println("no answer: " + count + " x " + why));
        }
        System.out.printf(
                Locale.ROOT,
                "highest rate of %s queries with a p99 of %.0f ms: %.1f a second%n",
                kind,
                limitMillis,
                good);
    }

    /** Texts and pictures for a long time: what memory does. */
    private void soak(double rate, int seconds) throws InterruptedException, IOException {
        int step = Math.min(60, seconds);
        System.out.printf(Locale.ROOT, "resident after warm-up: %d MiB%n", api.residentMib());
        try (var load = new OpenLoop(api.uri())) {
            for (int done = 0; done < seconds; done += step) {
                String line = OpenLoop.line(load.run(rate, step, mixed()));
                System.out.printf(Locale.ROOT, "%4d s  %d MiB  %s%n", done + step, api.residentMib(), line);
            }
            load.failures().forEach((why, count) -> System.out.println("no answer: " + count + " x " + why));
        }
    }

    private Iterable<OpenLoop.Ask> mixed() {
        return () -> new Iterator<>() {
            private int count;

            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public OpenLoop.Ask next() {
                return count++ % 4 == 0 ? LoadBenchmark.this::image : LoadBenchmark.this::text;
            }
        };
    }

    private static Iterable<OpenLoop.Ask> endless(OpenLoop.Ask ask) {
        return () -> new Iterator<>() {
            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public OpenLoop.Ask next() {
                return ask;
            }
        };
    }

    private PlainHttp.Answer text(PlainHttp connection) throws IOException {
        return text(connection, nextText());
    }

    private static PlainHttp.Answer text(PlainHttp connection, String text) throws IOException {
        return connection.get("/v1/search?k=" + HITS + "&q=" + URLEncoder.encode(text, StandardCharsets.UTF_8));
    }

    private PlainHttp.Answer image(PlainHttp connection) throws IOException {
        FetchedImage picture = pictures.get(asked.getAndIncrement() % pictures.size());
        return connection.post("/v1/search?k=" + HITS, "image/jpeg", picture.bytes());
    }

    /** A text that was not asked before, so that no cache knows it. */
    private String nextText() {
        int n = asked.getAndIncrement();
        return "a " + ADJECTIVES.get(n % ADJECTIVES.size()) + " " + NOUNS.get(n % NOUNS.size()) + " number " + n;
    }

    private static void row(String what, List<Double> times) {
        List<Double> ascending = times.stream().sorted().toList();
        System.out.printf(
                Locale.ROOT,
                "| %s | %.2f | %.2f | %.2f |%n",
                what,
                OpenLoop.quantile(ascending, 0.5),
                OpenLoop.quantile(ascending, 0.9),
                OpenLoop.quantile(ascending, 0.99));
    }
}
