package lenstream.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import lenstream.core.index.Cosine;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.index.Quantisation;
import lenstream.core.local.LocalOpenSearch;

/**
 * Recall@10 against exact search, latency and size of each quantisation level, on {@link VectorMixture}, with the mapping
 * and the query of the product: {@code mvn -pl benchmarks exec:exec -Dmain=lenstream.bench.QuantisationBenchmark
 * -Dargs="100000 384 1000 fp32 4x 32x byte"}. Asked once before merging, with the segments that writing left, and once
 * after; at the depth that the search API asks for, and at the smallest.
 */
public final class QuantisationBenchmark {
    private static final int AT = 10;
    private static final int WARM_UPS = 200;

    /** The neighbours that the search API ranks. */
    private static final int API_DEPTH = 300;

    private QuantisationBenchmark() {}

    public static void main(String[] args) throws IOException {
        int count = args.length > 0 ? Integer.parseInt(args[0]) : 100_000;
        int dim = args.length > 1 ? Integer.parseInt(args[1]) : 384;
        int asked = args.length > 2 ? Integer.parseInt(args[2]) : 1_000;
        List<String> levels = args.length > 3 ? Arrays.asList(args).subList(3, args.length) : List.of("fp32");
        var mixture = new VectorMixture(dim, 7);
        float[][] vectors = mixture.next(count);
        float[][] queries = mixture.next(asked);
        int[][] truth = VectorMixture.exact(vectors, queries, 100);
        describe(vectors, queries, truth);
        Path run = Files.createTempDirectory("lenstream-quantisation");
        var start = LocalOpenSearch.Config.of(Samples.ROOT.resolve("infra/opensearch/target/opensearch"), run)
                .withHeap("1g");
        try (LocalOpenSearch node = LocalOpenSearch.start(start, line -> {});
                IndexClient client = IndexClient.open(OpenSearchConfig.at("http://127.0.0.1:" + node.httpPort()))) {
            System.out.println("| level | segments | k | recall@10 | p50, ms | p99, ms | searched B/vector | on disk"
                    + " B/vector | written, documents/s | merged, s |");
            System.out.println("|---|---|---|---|---|---|---|---|---|---|");
            for (String name : levels) {
                Quantisation level = Arrays.stream(Quantisation.values())
                        .filter(one -> one.toString().equals(name))
                        .findFirst()
                        .orElseThrow();
                measure(client, level, vectors, queries, truth);
            }
        }
    }

    private static void measure(
            IndexClient client, Quantisation level, float[][] vectors, float[][] queries, int[][] truth) {
        IndexLayout layout = IndexLayout.withPrefix("bench-" + level).withQuantisation(level);
        var index = new VectorIndex(client, layout, vectors[0].length);
        long begun = System.nanoTime();
        index.fill(vectors);
        String rate = String.format(Locale.ROOT, "%.0f", vectors.length / ((System.nanoTime() - begun) / 1e9));
        ask(index, level, vectors[0].length, vectors.length, API_DEPTH, queries, truth, rate + " | ");
        begun = System.nanoTime();
        index.merge();
        String merged = String.format(Locale.ROOT, " | %.0f", (System.nanoTime() - begun) / 1e9);
        ask(index, level, vectors[0].length, vectors.length, API_DEPTH, queries, truth, merged);
        ask(index, level, vectors[0].length, vectors.length, AT, queries, truth, " | ");
        index.delete();
    }

    private static void ask(
            VectorIndex index,
            Quantisation level,
            int dim,
            int count,
            int k,
            float[][] queries,
            int[][] truth,
            String end) {
        for (int q = 0; q < WARM_UPS; q++) {
            index.search(queries[q % queries.length], k, AT);
        }
        var millis = new ArrayList<Double>();
        long right = 0;
        for (int q = 0; q < queries.length; q++) {
            long begun = System.nanoTime();
            int[] found = index.search(queries[q], k, AT);
            millis.add((System.nanoTime() - begun) / 1e6);
            var wanted = new HashSet<Integer>();
            for (int i = 0; i < AT; i++) {
                wanted.add(truth[q][i]);
            }
            right += Arrays.stream(found).filter(wanted::contains).count();
        }
        List<Double> ascending = millis.stream().sorted().toList();
        System.out.printf(
                Locale.ROOT,
                "| %s | %d | %d | %.4f | %.1f | %.1f | %.0f | %.0f | %s |%n",
                level,
                index.segments(),
                k,
                right / (double) (AT * queries.length),
                Alternation.quantile(ascending, 0.5),
                Alternation.quantile(ascending, 0.99),
                level.searchedBytes(dim),
                index.bytesOnDisk() / (double) count,
                end);
    }

    /** How hard the set is: cosines of the nearest, the tenth and the hundredth neighbour. */
    private static void describe(float[][] vectors, float[][] queries, int[][] truth) {
        for (int rank : new int[] {1, 10, 11, 100}) {
            List<Double> cosines = new ArrayList<>();
            for (int q = 0; q < queries.length; q++) {
                cosines.add(Cosine.dot(queries[q], vectors[truth[q][rank - 1]]));
            }
            List<Double> ascending = cosines.stream().sorted().toList();
            System.out.printf(
                    Locale.ROOT,
                    "cosine of neighbour %d: median %.4f, 80 %% within %.4f to %.4f%n",
                    rank,
                    Alternation.quantile(ascending, 0.5),
                    Alternation.quantile(ascending, 0.1),
                    Alternation.quantile(ascending, 0.9));
        }
    }
}
