package lenstream.job;

import java.nio.file.Path;
import java.time.Duration;
import lenstream.connector.crawl.Seeds;
import lenstream.connector.opensearch.BulkConfig;
import lenstream.connector.opensearch.LedgerConfig;
import lenstream.connector.store.StoreConfig;
import lenstream.core.config.Check;
import lenstream.core.config.DataSize;
import lenstream.core.config.Default;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.model.OcrBundle;
import lenstream.gpu.ocr.OcrLimits;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.gpu.operator.OcrConfig;
import lenstream.gpu.pipeline.PipelineConfig;
import org.jspecify.annotations.Nullable;

/**
 * The YAML file of {@link ImageIndexProgram}. Parallelism, checkpoints and restarts stand in Flink's own file. Immutable.
 *
 * @param name of the job
 * @param seeds the file that names the sites
 * @param bundle folder of the encoder, at the same path on the JobManager and on every TaskManager
 * @param openSearch where the documents go
 * @param index names and mapping of the indices
 * @param embed the embed operator
 * @param ledger how long what was decided is kept
 * @param bulk how documents are written
 * @param store where fetched images are kept for other encoders; none without it
 * @param ocr reads words in pictures; nobody does without it
 */
record IndexSettings(
        @Default("lenstream-index") String name,
        Path seeds,
        Path bundle,
        OpenSearchConfig openSearch,
        @Default("{}") IndexLayout index,
        @Default("{}") Embed embed,
        @Default("{}") LedgerConfig ledger,
        @Default("{}") BulkConfig bulk,
        @Nullable StoreConfig store,
        @Nullable Ocr ocr) {

    IndexSettings {
        Check.notBlank("name", name);
    }

    /**
     * The embed operator. Threads are named, not counted, because the file is read on the JobManager, whose machine may
     * have other cores.
     *
     * @param parallelism subtasks: one a device
     * @param decodeThreads of a subtask, for decoding and preprocessing
     * @param inferenceThreads of a subtask
     * @param batchRows images a batch
     * @param batchBytes encoded bytes a batch
     * @param maxDelay that the first image of a batch waits
     */
    record Embed(
            @Default("1") int parallelism,
            @Default("2") int decodeThreads,
            @Default("2") int inferenceThreads,
            @Default("32") int batchRows,
            @Default("32MiB") DataSize batchBytes,
            @Default("100ms") Duration maxDelay) {
        Embed {
            Check.range("parallelism", parallelism, 1, JobSettings.MAX_PARALLELISM);
            Check.range("decode_threads", decodeThreads, 1, 256);
            Check.range("inference_threads", inferenceThreads, 1, 256);
            Check.range("batch_rows", batchRows, 1, 100_000);
            Check.range("batch_bytes", batchBytes.bytes(), 1, 1L << 30);
            Check.positive("max_delay", maxDelay);
        }
    }

    /**
     * The step that reads words in pictures.
     *
     * @param model folder of the model, at the same path on every TaskManager; {@code ./lenstream add ocr} fetches one
     * @param parallelism pictures read at once
     * @param threads of each
     * @param maxSide longest side at which words are looked for, pixels
     * @param minConfidence that a line needs, 0..1
     */
    record Ocr(
            Path model,
            @Default("1") int parallelism,
            @Default("1") int threads,
            @Default("960") int maxSide,
            @Default("0.6") double minConfidence) {
        Ocr {
            Check.range("parallelism", parallelism, 1, JobSettings.MAX_PARALLELISM);
            config(model, parallelism, threads, maxSide, minConfidence);
        }

        private static OcrConfig config(Path model, int parallelism, int threads, int maxSide, double minConfidence) {
            OcrLimits usual = OcrLimits.defaults();
            return new OcrConfig(
                    model.toString(),
                    new OcrLimits(maxSide, usual.maxLines(), usual.maxCharacters(), minConfidence, usual.maxTime()),
                    parallelism,
                    threads);
        }

        OcrConfig config() {
            return config(model, parallelism, threads, maxSide, minConfidence);
        }
    }

    /** How words are read; null if nobody does. */
    @Nullable
    OcrConfig ocrConfig() {
        return ocr == null ? null : ocr.config();
    }

    /** @throws lenstream.core.config.ConfigException if the model that reads words is missing or wrong */
    void checkOcr() {
        if (ocr != null) {
            OcrBundle.load(ocr.model());
        }
    }

    /** The embed operator's configuration, with the limits of one image that the seeds name. */
    EmbedConfig embedConfig(Seeds sites) {
        EmbedConfig defaults = EmbedConfig.defaults(bundle);
        PipelineConfig pipeline = defaults.pipeline();
        return new EmbedConfig(
                pipeline.withThreads(embed.decodeThreads(), embed.inferenceThreads())
                        .withLimits(pipeline.limits()
                                .with(
                                        sites.maxPixels(),
                                        sites.fetch().web().maxBytes().bytes())),
                embed.batchRows(),
                embed.batchBytes().bytes(),
                embed.maxDelay(),
                defaults.maxInFlight());
    }
}
