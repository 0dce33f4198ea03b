package lenstream.job;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import lenstream.connector.crawl.Seeds;
import lenstream.connector.opensearch.BulkConfig;
import lenstream.connector.opensearch.LedgerConfig;
import lenstream.core.config.ConfigException;
import lenstream.core.config.ConfigReader;
import lenstream.core.config.DataSize;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.gpu.ocr.OcrLimits;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.gpu.operator.OcrConfig;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.junit.jupiter.api.Test;

class IndexSettingsTest {
    private static final String LEAST =
            "seeds: /s.yaml\nbundle: /models/one\nopen_search: {urls: [\"http://127.0.0.1:9200\"]}\n";

    @Test
    void defaults() {
        IndexSettings settings = parse(LEAST);
        assertThat(settings.name()).isEqualTo("lenstream-index");
        assertThat(settings.openSearch()).isEqualTo(OpenSearchConfig.at("http://127.0.0.1:9200"));
        assertThat(settings.index()).isEqualTo(IndexLayout.defaults());
        assertThat(settings.bulk()).isEqualTo(BulkConfig.defaults());
        assertThat(settings.ocrConfig()).isNull();
        EmbedConfig embed = settings.embedConfig(seeds());
        EmbedConfig plain = EmbedConfig.defaults(Path.of("/models/one"));
        assertThat(List.of(embed.batchRows(), embed.batchBytes(), embed.maxDelay(), embed.maxInFlight()))
                .isEqualTo(List.of(plain.batchRows(), plain.batchBytes(), plain.maxDelay(), plain.maxInFlight()));
        assertThat(embed.pipeline().bundle()).isEqualTo("/models/one");
        assertThat(embed.pipeline().decodeThreads()).isEqualTo(2);
    }

    @Test
    void everyKeyIsMapped() {
        IndexSettings settings = parse(LEAST + """
                name: news
                index: {prefix: mine}
                embed: {parallelism: 3, decode_threads: 4, inference_threads: 5, batch_rows: 6, batch_bytes: 7KiB, max_delay: 8ms}
                ledger: {keep: 12d}
                ocr: {model: /models/ocr, parallelism: 4, threads: 2, max_side: 640, min_confidence: 0.75}
                bulk: {bytes: 1MiB, count: 9, in_flight: 1, linger: 10ms}
                """);
        assertThat(settings.name()).isEqualTo("news");
        assertThat(settings.seeds()).isEqualTo(Path.of("/s.yaml"));
        assertThat(settings.index().prefix()).isEqualTo("mine");
        assertThat(settings.embed())
                .isEqualTo(new IndexSettings.Embed(3, 4, 5, 6, new DataSize(7 << 10), Duration.ofMillis(8)));
        EmbedConfig embed = settings.embedConfig(seeds());
        assertThat(embed.pipeline().inferenceThreads()).isEqualTo(5);
        assertThat(embed.pipeline().limits().maxPixels()).isEqualTo(seeds().maxPixels());
        OcrConfig ocr = requireNonNull(settings.ocrConfig());
        assertThat(ocr)
                .isEqualTo(new OcrConfig(
                        "/models/ocr",
                        new OcrLimits(
                                640, 100, 4_000, 0.75, OcrLimits.defaults().maxTime()),
                        4,
                        2));
        assertThat(settings.ledger()).isEqualTo(new LedgerConfig(Duration.ofDays(12)));
        assertThat(settings.bulk())
                .isEqualTo(new BulkConfig(
                        DataSize.ofMebibytes(1),
                        9,
                        1,
                        Duration.ofMillis(10),
                        BulkConfig.defaults().maxAttempts(),
                        BulkConfig.defaults().firstDelay(),
                        BulkConfig.defaults().longestDelay()));
    }

    @Test
    void everyProblemIsNamedAtOnce() {
        assertThatThrownBy(() -> parse("seeds: /s\nbundel: /m\nopen_search: {urls: []}\nembed: {parallelism: 0}"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("bundel")
                .hasMessageContaining("open_search")
                .hasMessageContaining("embed: parallelism");
    }

    @Test
    void flinksOwnConfigurationComesFirst() {
        Configuration wanted = JobSettings.named("news").configuration();
        Configuration rest =
                ImageIndexProgram.missing(wanted, Map.of(CheckpointingOptions.CHECKPOINTING_INTERVAL.key(), "1 min"));
        assertThat(rest.contains(CheckpointingOptions.CHECKPOINTING_INTERVAL)).isFalse();
        assertThat(rest.get(PipelineOptions.GENERIC_TYPES)).isFalse();
        assertThat(wanted.contains(CheckpointingOptions.CHECKPOINTING_INTERVAL))
                .as("the argument stays as it was")
                .isTrue();
    }

    private static Seeds seeds() {
        return Seeds.ofUrls(List.of("https://example.org/"));
    }

    private static IndexSettings parse(String yaml) {
        return ConfigReader.parse("index.yaml", yaml, IndexSettings.class);
    }
}
