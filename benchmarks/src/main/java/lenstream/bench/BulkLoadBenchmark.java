package lenstream.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.local.LocalOpenSearch;

/**
 * What bulk-load mode gains: the same vectors into a new index with and without it, in turn, until all can be found, and
 * until they lie in one merged segment: {@code mvn -pl benchmarks exec:exec -Dmain=lenstream.bench.BulkLoadBenchmark
 * -Dargs="20000 384 3"}. Written in small requests with refreshes in between, as a running job does.
 */
public final class BulkLoadBenchmark {
    private BulkLoadBenchmark() {}

    public static void main(String[] args) throws IOException {
        int count = args.length > 0 ? Integer.parseInt(args[0]) : 20_000;
        int dim = args.length > 1 ? Integer.parseInt(args[1]) : 384;
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 3;
        float[][] vectors = new VectorMixture(dim, 7).next(count);
        Path run = Files.createTempDirectory("lenstream-bulk-load");
        var start = LocalOpenSearch.Config.of(Samples.ROOT.resolve("infra/opensearch/target/opensearch"), run)
                .withHeap("1g");
        try (LocalOpenSearch node = LocalOpenSearch.start(start, line -> {});
                IndexClient client = IndexClient.open(OpenSearchConfig.at("http://127.0.0.1:" + node.httpPort()))) {
            round(client, node, vectors, false, "warm-up");
            System.out.println(
                    "| round | mode | to be found, s | server's CPU, s | segments then | merged too, s | server's CPU, s |");
            System.out.println("|---|---|---|---|---|---|---|");
            for (int i = 0; i < rounds; i++) {
                round(client, node, vectors, i % 2 == 0, Integer.toString(i));
                round(client, node, vectors, i % 2 != 0, Integer.toString(i));
            }
        }
    }

    private static void round(
            IndexClient client, LocalOpenSearch node, float[][] vectors, boolean bulkLoad, String round) {
        IndexLayout layout = IndexLayout.withPrefix("load-" + round + (bulkLoad ? "-bulk" : ""))
                .withBulkLoad(bulkLoad);
        var index = new VectorIndex(client, layout, vectors[0].length);
        long begun = System.nanoTime();
        double idle = cpuSeconds(node);
        index.fill(vectors);
        double found = (System.nanoTime() - begun) / 1e9;
        double foundCpu = cpuSeconds(node) - idle;
        int segments = index.segments();
        index.merge();
        double merged = (System.nanoTime() - begun) / 1e9;
        System.out.printf(
                Locale.ROOT,
                "| %s | %s | %.1f | %.1f | %d | %.1f | %.1f |%n",
                round,
                bulkLoad ? "bulk load" : "default",
                found,
                foundCpu,
                segments,
                merged,
                cpuSeconds(node) - idle);
        index.delete();
    }

    /** What the server has spent so far: of a busy machine a better measure than the time that went by. */
    private static double cpuSeconds(LocalOpenSearch node) {
        return ProcessHandle.of(node.pid())
                        .orElseThrow()
                        .info()
                        .totalCpuDuration()
                        .orElseThrow()
                        .toMillis()
                / 1e3;
    }
}
