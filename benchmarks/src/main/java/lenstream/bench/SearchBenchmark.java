package lenstream.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.index.Field;
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
import lenstream.gpu.text.OnnxTextEmbedder;
import lenstream.search.SearchConfig;
import lenstream.search.SearchServer;

/**
 * Latency of a text query over HTTP against a real OpenSearch that holds the gallery, and where it goes. One connection,
 * one query at a time, every text asked only once. Each round takes five measurements in turn:
 *
 * <ol>
 *   <li>text: {@code GET /v1/search?q=…&k=10}
 *   <li>vector: the same search by a ready vector
 *   <li>embed: the text tower alone, as the server calls it
 *   <li>rank: the nearest-neighbour request alone, as the server sends it to OpenSearch
 *   <li>fetch: the request for ten documents that follows it
 * </ol>
 *
 * <p>The API's own part is vector less rank less fetch. Needs {@code infra/opensearch} built.
 *
 * <p>{@code mvn -pl benchmarks exec:exec -Dmain=lenstream.bench.SearchBenchmark}; arguments in {@code -Dargs}: rounds, then
 * {@code quick} for an OpenSearch without its optimising compiler.
 */
public final class SearchBenchmark {
    private static final int WARM_UPS = 300;
    private static final int BATCH = 32;
    private static final int TEXT_THREADS = Math.min(2, Runtime.getRuntime().availableProcessors());

    /** How many neighbours the server ranks. */
    private static final int DEPTH = 300;

    private static final int HITS = 10;

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
    private static final List<String> PLACES = List.of("on a table", "in the grass", "near water", "in the snow");

    private final ObjectMapper mapper = new ObjectMapper();
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final IndexLayout layout = IndexLayout.withPrefix("bench");
    private final URI api;
    private final IndexClient index;
    private final OnnxTextEmbedder texts;
    private final String searchPath;
    private final List<String> ids;
    private int asked;

    private SearchBenchmark(URI api, IndexClient index, OnnxTextEmbedder texts, Fingerprint space, List<String> ids) {
        this.api = api;
        this.index = index;
        this.texts = texts;
        this.searchPath = "/" + layout.imageIndex(space) + "/_search";
        this.ids = ids;
    }

    public static void main(String[] args) throws IOException {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 1000;
        Path run = Files.createTempDirectory("lenstream-search-benchmark");
        var start = LocalOpenSearch.Config.of(Samples.ROOT.resolve("infra/opensearch/target/opensearch"), run)
                .withQuickStart(List.of(args).contains("quick"));
        ModelBundle bundle = ModelBundle.load(Samples.BUNDLE);
        try (LocalOpenSearch node = LocalOpenSearch.start(start, line -> {});
                IndexClient index = IndexClient.open(OpenSearchConfig.at("http://127.0.0.1:" + node.httpPort()));
                OnnxTextEmbedder texts = OnnxTextEmbedder.open(bundle, TEXT_THREADS)) {
            IndexLayout layout = IndexLayout.withPrefix("bench");
            List<String> ids = fill(index, layout);
            try (SearchServer server = SearchServer.start(SearchConfig.defaults(Samples.BUNDLE, index.url())
                    .withPort(0)
                    .withLayout(layout))) {
                new SearchBenchmark(server.uri(), index, texts, bundle.fingerprint(), ids).measure(rounds);
            }
        }
    }

    /** Embeds the gallery and writes it as the job does, as far as a search reads it. */
    private static List<String> fill(IndexClient index, IndexLayout layout) throws IOException {
        var ids = new ArrayList<String>();
        try (EmbeddingPipeline pipeline = EmbeddingPipeline.open(PipelineConfig.defaults(Samples.BUNDLE))) {
            Fingerprint space = pipeline.fingerprint();
            IndexSetup.prepare(index, layout, space, pipeline.dim(), Duration.ofSeconds(60));
            var images = Gallery.images();
            for (int from = 0; from < images.size(); from += BATCH) {
                var body = new StringBuilder();
                for (EmbeddedImage row : pipeline.embed(images.subList(from, Math.min(images.size(), from + BATCH)))) {
                    ids.add(row.target().id());
                    body.append(document(row, layout.imageIndex(space), space.value()));
                }
                IndexAnswer answer = index.sendAsync(
                                "POST",
                                "/_bulk",
                                body.toString().getBytes(StandardCharsets.UTF_8),
                                "application/x-ndjson")
                        .join();
                if (!answer.ok() || answer.json().path("errors").asBoolean()) {
                    throw new IllegalStateException(answer.text());
                }
            }
            IndexCounts.refresh(index, layout, space);
        }
        return ids;
    }

    private static String document(EmbeddedImage row, String imageIndex, String fingerprint) {
        ObjectNode document = new ObjectMapper()
                .createObjectNode()
                .put(Field.ID, row.target().id())
                .put(Field.URL, row.target().url())
                .put(Field.TITLE, row.target().title())
                .put(Field.INDEXED, Instant.now().toString())
                .put(Field.SHA256, row.sha256())
                .put(Field.GROUP_ID, row.sha256().substring(0, 32))
                .put(Field.FINGERPRINT, fingerprint)
                .put(Field.MIME, row.mime())
                .put(Field.WIDTH, row.width())
                .put(Field.HEIGHT, row.height());
        float[] embedding = row.embedding();
        if (embedding == null) {
            throw new IllegalStateException(row.target().url() + " was rejected: " + row.detail());
        }
        ArrayNode values = document.putArray(Field.EMBEDDING);
        for (float value : embedding) {
            values.add(value);
        }
        return "{\"index\":{\"_index\":\"" + imageIndex + "\",\"_id\":\""
                + row.target().id() + "\"}}\n" + document + "\n";
    }

    private void measure(int rounds) throws IOException {
        for (int i = 0; i < WARM_UPS; i++) {
            round(new Round());
        }
        var measured = new Round();
        for (int i = 0; i < rounds; i++) {
            round(measured);
        }
        System.out.println("documents: " + ids.size() + ", rounds: " + rounds);
        System.out.println("| part | p50, ms | p90, ms | p99, ms |");
        System.out.println("|---|---|---|---|");
        row("text query over HTTP", measured.text);
        row("vector query over HTTP", measured.vector);
        row("embed the text alone", measured.embed);
        row("OpenSearch: rank alone", measured.rank);
        row("OpenSearch: fetch alone", measured.fetch);
        row("the API's own part", measured.own);
    }

    /** Milliseconds. */
    private static final class Round {
        final List<Double> text = new ArrayList<>();
        final List<Double> vector = new ArrayList<>();
        final List<Double> embed = new ArrayList<>();
        final List<Double> rank = new ArrayList<>();
        final List<Double> fetch = new ArrayList<>();
        final List<Double> own = new ArrayList<>();
    }

    private void round(Round times) throws IOException {
        long start = System.nanoTime();
        float[] vector = texts.embed(text());
        times.embed.add(since(start));

        HttpRequest byText = HttpRequest.newBuilder(
                        api.resolve("/v1/search?k=" + HITS + "&q=" + URLEncoder.encode(text(), StandardCharsets.UTF_8)))
                .build();
        start = System.nanoTime();
        send(byText);
        times.text.add(since(start));

        ArrayNode values = mapper.createArrayNode();
        for (float value : vector) {
            values.add(value);
        }
        String body =
                mapper.createObjectNode().put("k", HITS).set("vector", values).toString();
        HttpRequest byVector = HttpRequest.newBuilder(api.resolve("/v1/search"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        start = System.nanoTime();
        send(byVector);
        double whole = since(start);
        times.vector.add(whole);

        start = System.nanoTime();
        ask(rank(values));
        double rank = since(start);
        start = System.nanoTime();
        ask(fetch());
        double fetch = since(start);
        times.rank.add(rank);
        times.fetch.add(fetch);
        times.own.add(whole - rank - fetch);
    }

    /** A text that was not asked before. */
    private String text() {
        int n = asked++;
        return "a " + ADJECTIVES.get(n % ADJECTIVES.size()) + " " + NOUNS.get(n % NOUNS.size()) + " "
                + PLACES.get(n % PLACES.size()) + " number " + n;
    }

    private ObjectNode rank(ArrayNode vector) {
        ObjectNode body = mapper.createObjectNode()
                .put("size", DEPTH)
                .put("_source", false)
                .put("track_total_hits", false);
        body.putArray("docvalue_fields").add(Field.GROUP_ID);
        ArrayNode sort = body.putArray("sort");
        sort.addObject().put("_score", "desc");
        sort.addObject().put(Field.ID, "asc");
        ObjectNode knn = body.putObject("query").putObject("knn").putObject(Field.EMBEDDING);
        knn.put("k", DEPTH).set("vector", vector);
        return body;
    }

    private ObjectNode fetch() {
        ObjectNode body = mapper.createObjectNode().put("size", HITS).put("track_total_hits", false);
        body.putObject("_source").putArray("excludes").add(Field.EMBEDDING);
        ArrayNode wanted = body.putObject("query").putObject("ids").putArray("values");
        for (int i = 0; i < HITS; i++) {
            wanted.add(ids.get((asked + i * 31) % ids.size()));
        }
        return body;
    }

    private void send(HttpRequest request) throws IOException {
        try {
            HttpResponse<byte[]> answer = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
            int hits = mapper.readTree(answer.body()).path("hits").size();
            if (answer.statusCode() != 200 || hits != HITS) {
                throw new IllegalStateException(
                        request.uri() + ": status " + answer.statusCode() + ", " + hits + " hits");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private void ask(ObjectNode body) {
        IndexAnswer answer = index.send("POST", searchPath, body);
        if (!answer.ok() || answer.json().at("/hits/hits").isEmpty()) {
            throw new IllegalStateException(answer.text());
        }
    }

    private static double since(long start) {
        return (System.nanoTime() - start) / 1e6;
    }

    private static void row(String what, List<Double> times) {
        List<Double> ascending = times.stream().sorted().toList();
        System.out.printf(
                Locale.ROOT,
                "| %s | %.1f | %.1f | %.1f |%n",
                what,
                Alternation.quantile(ascending, 0.5),
                Alternation.quantile(ascending, 0.9),
                Alternation.quantile(ascending, 0.99));
    }
}
