package lenstream.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import lenstream.connector.opensearch.BulkConfig;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.connector.opensearch.OpenSearchSink;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.index.Quantisation;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.model.Fingerprint;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.connector.base.sink.writer.TestSinkInitContext;

/**
 * What share of a bare bulk loop the sink's writer reaches: same client, same server, same documents, same number of
 * requests in flight, both in turn: {@code mvn -pl benchmarks exec:exec -Dmain=lenstream.bench.SinkBenchmark
 * -Dargs="2000 384 10"}. The bare loop's bodies are made beforehand; the sink makes its own from entries, and reads what
 * became of each item.
 */
public final class SinkBenchmark {
    private static final Fingerprint SPACE = new Fingerprint("bench-1-00000000");
    private static final BulkConfig BULK = BulkConfig.defaults();

    private final IndexClient client;
    private final OpenSearchConfig where;
    private final IndexLayout layout;
    private final List<byte[]> bodies = new ArrayList<>();
    private final List<BulkEntry> entries = new ArrayList<>();

    private SinkBenchmark(IndexClient client, OpenSearchConfig where, IndexLayout layout, float[][] vectors) {
        this.client = client;
        this.where = where;
        this.layout = layout;
        String index = layout.imageIndex(SPACE);
        var body = new ByteArrayOutputStream();
        for (int i = 0; i < vectors.length; i++) {
            String id = Integer.toString(i);
            byte[] document = ("{\"" + Field.ID + "\":\"" + id + "\",\"" + Field.TITLE + "\":\"picture " + id + "\",\""
                            + Field.EMBEDDING + "\":" + Quantisation.FP32.written(vectors[i]) + "}")
                    .getBytes(UTF_8);
            entries.add(BulkEntry.index(index, id, 1, document, 1));
            body.writeBytes(("{\"index\":{\"_index\":\"" + index + "\",\"_id\":\"" + id
                            + "\",\"version\":1,\"version_type\":\"external_gte\"}}\n")
                    .getBytes(UTF_8));
            body.writeBytes(document);
            body.write('\n');
            if ((i + 1) % BULK.count() == 0 || i + 1 == vectors.length) {
                bodies.add(body.toByteArray());
                body.reset();
            }
        }
    }

    public static void main(String[] args) throws IOException {
        int count = args.length > 0 ? Integer.parseInt(args[0]) : 2_000;
        int dim = args.length > 1 ? Integer.parseInt(args[1]) : 384;
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 10;
        float[][] vectors = new VectorMixture(dim, 7).next(count);
        Path run = Files.createTempDirectory("lenstream-sink-benchmark");
        var start = LocalOpenSearch.Config.of(Samples.ROOT.resolve("infra/opensearch/target/opensearch"), run)
                .withHeap("1g");
        try (LocalOpenSearch node = LocalOpenSearch.start(start, line -> {})) {
            OpenSearchConfig where = OpenSearchConfig.at("http://127.0.0.1:" + node.httpPort());
            try (IndexClient client = IndexClient.open(where)) {
                IndexLayout layout = IndexLayout.withPrefix("bench");
                IndexSetup.prepare(client, layout, SPACE, dim, Duration.ofSeconds(60));
                var sides = new SinkBenchmark(client, where, layout, vectors);
                Alternation result = Alternation.of(sides::bare, sides::sink, count, 1, 2, rounds);
                System.out.println("| bare loop, documents/s | sink, documents/s | median ratio | 80 % of rounds |");
                System.out.println("|---|---|---|---|");
                System.out.println("| " + result.cells() + " |");
            }
        }
    }

    private void bare() {
        var inFlight = new ArrayDeque<CompletableFuture<IndexAnswer>>();
        for (byte[] body : bodies) {
            if (inFlight.size() == BULK.inFlight()) {
                require(inFlight.remove().join());
            }
            inFlight.add(client.sendAsync("POST", "/_bulk?filter_path=errors", body, "application/x-ndjson"));
        }
        inFlight.forEach(answer -> require(answer.join()));
    }

    private void sink() {
        try {
            SinkWriter<BulkEntry> writer =
                    new OpenSearchSink(where, layout, BULK).createWriter(new TestSinkInitContext());
            for (BulkEntry entry : entries) {
                writer.write(entry, null);
            }
            writer.flush(true);
            writer.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static void require(IndexAnswer answer) {
        if (!answer.ok() || answer.json().path("errors").asBoolean()) {
            throw new IllegalStateException(answer.text());
        }
    }
}
