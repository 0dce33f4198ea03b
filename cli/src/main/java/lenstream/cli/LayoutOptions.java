package lenstream.cli;

import java.time.Duration;
import lenstream.core.config.Count;
import lenstream.core.index.BulkLoad;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.index.Quantisation;
import lenstream.core.model.Fingerprint;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of commands that may create an image index: how it is built. An existing one keeps what it was built with. */
final class LayoutOptions {
    /** Merging 100,000 vectors took 33 to 313 s on two busy cores; whoever waits longer can watch the server instead. */
    private static final Duration MERGE_LIMIT = Duration.ofHours(1);

    private static final Duration INDEX_LIMIT = Duration.ofSeconds(60);

    @Option(
            names = "--quantisation",
            paramLabel = "LEVEL",
            description =
                    "how a new index keeps its vectors: fp32, 4x or 32x less memory, or byte (default: as the index"
                            + " that is there, else fp32)")
    private @Nullable String quantisation;

    @Option(
            names = "--engine",
            paramLabel = "ENGINE",
            description = "of a new index: lucene, faiss, or auto: faiss where the cluster builds graphs on GPUs"
                    + " (default: as the index that is there, else lucene)")
    private @Nullable String engine;

    @Option(
            names = "--expect-images",
            paramLabel = "N",
            defaultValue = "1M",
            description = "how many images a new index should hold one day, for its number of shards"
                    + " (default: ${DEFAULT-VALUE})")
    private String expectImages;

    @Option(
            names = "--shards",
            paramLabel = "N",
            defaultValue = "0",
            description = "of a new index (default: by --expect-images)")
    private int shards;

    @Option(
            names = "--replicas",
            paramLabel = "N",
            defaultValue = "0",
            description = "of a new index (default: ${DEFAULT-VALUE})")
    private int replicas;

    @Option(
            names = "--bulk-load",
            description =
                    "first fill: cheaper for OpenSearch, searched fast only at the end, when the index is merged once")
    private boolean bulkLoad;

    boolean bulkLoad() {
        return bulkLoad;
    }

    /** @throws CliException naming the option at fault */
    IndexLayout apply(IndexLayout plain) {
        try {
            return (engine == null ? plain : plain.withEngine(engine))
                    .withQuantisation(level())
                    .withShards(shards, Count.parse(expectImages).value(), replicas)
                    .withBulkLoad(bulkLoad);
        } catch (IllegalArgumentException e) {
            throw new CliException(String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * The layout to write with: what was not asked for is as the index has it that is there.
     *
     * @param asked made by {@link #apply}
     * @throws CliException if what was asked for does not go with what is there
     */
    IndexLayout asBuilt(IndexLayout asked, OpenSearchConfig where, Fingerprint fingerprint) {
        try (IndexClient client = IndexClient.open(where)) {
            IndexSetup.await(client, INDEX_LIMIT);
            IndexLayout built = IndexSetup.asBuilt(client, asked, fingerprint);
            built = engine == null
                    ? built
                    : built.withQuantisation(Quantisation.FP32).withEngine(asked.engine());
            return quantisation == null ? built : built.withQuantisation(asked.quantisation());
        } catch (IllegalArgumentException e) {
            throw new CliException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Ends a bulk load after its job has ended; without one does nothing. */
    void finish(OpenSearchConfig where, IndexLayout layout, Fingerprint fingerprint) {
        if (bulkLoad) {
            System.err.println("merging the index ...");
            try (IndexClient client = IndexClient.open(where)) {
                if (!BulkLoad.end(client, layout, fingerprint, MERGE_LIMIT)) {
                    System.err.println("OpenSearch is still merging, in the background; images can be found meanwhile");
                }
            }
        }
    }

    private Quantisation level() {
        String name = quantisation == null ? Quantisation.FP32.toString() : quantisation;
        for (Quantisation level : Quantisation.values()) {
            if (level.toString().equalsIgnoreCase(name)) {
                return level;
            }
        }
        throw new IllegalArgumentException("--quantisation must be fp32, 4x, 32x or byte, not \"" + name + "\"");
    }
}
