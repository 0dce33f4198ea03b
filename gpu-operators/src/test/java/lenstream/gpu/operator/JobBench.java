package lenstream.gpu.operator;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.gpu.lane.DeviceBench;
import lenstream.gpu.lane.Rates;
import lenstream.gpu.pipeline.PipelineConfig;
import lenstream.gpu.pipeline.Placement;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * Measures the embed operator in a job of a mini cluster, source in memory: {@code JobBench BUNDLE SIDES THUMBNAILS PLACEMENT
 * BATCH PARALLELISM}. One line a folder of pictures.
 */
public final class JobBench {
    private static final LongAdder DONE = new LongAdder();
    private static List<FetchedImage> images = List.of();

    private JobBench() {}

    public static void main(String[] a) throws Exception {
        var pipeline = PipelineConfig.defaults(Path.of(a[0]));
        pipeline = pipeline.on(Placement.valueOf(a[3]), 0).withThumbnails(Boolean.parseBoolean(a[2]));
        int batch = Integer.parseInt(a[4]);
        int parallelism = Integer.parseInt(a[5]);
        for (String side : a[1].split(",")) {
            images = images(DeviceBench.pictures(side));
            var config = new EmbedConfig(pipeline, batch, 256L << 20, Duration.ofMillis(100), 2);
            System.out.printf(
                    Locale.ROOT,
                    "job %s %s px, thumbnails %s, %s, batch %d, parallelism %d: %s%n",
                    Path.of(a[0]).getFileName(),
                    side,
                    a[2],
                    a[3],
                    batch,
                    parallelism,
                    run(config, parallelism));
            System.out.flush();
        }
    }

    private static List<FetchedImage> images(List<byte[]> pictures) {
        var fetched = new ArrayList<FetchedImage>();
        for (int i = 0; i < pictures.size(); i++) {
            String url = "https://example.org/pictures/" + i + ".jpg";
            fetched.add(new FetchedImage(
                    new CrawlTarget(
                            url, "example.org", "example", null, "a picture", null, null, null, null, 1, 1, "folder"),
                    pictures.get(i),
                    "0".repeat(64),
                    1));
        }
        return fetched;
    }

    private static Rates.Rate run(EmbedConfig config, int parallelism) throws Exception {
        var settings = new Configuration();
        settings.set(PipelineOptions.OBJECT_REUSE, true);
        settings.set(PipelineOptions.GENERIC_TYPES, false);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(parallelism, settings);
        DONE.reset();
        env.fromSource(
                        new NumberSequenceSource(0, Long.MAX_VALUE - 1),
                        WatermarkStrategy.noWatermarks(),
                        "numbers",
                        TypeInformation.of(Long.class))
                .map(number -> images.get((int) (number % images.size())))
                .returns(TypeInformation.of(FetchedImage.class))
                .transform("embed", TypeInformation.of(ArrowBatch.class), new EmbedOperatorFactory(config))
                .map(done -> {
                    DONE.add(done.rows());
                    return (long) done.rows();
                })
                .returns(TypeInformation.of(Long.class))
                .sinkTo(new DiscardingSink<>());
        JobClient job = env.executeAsync("bench");
        CompletableFuture<JobExecutionResult> end = job.getJobExecutionResult();
        while (DONE.sum() == 0) { // the engine opens first
            if (end.isDone()) {
                end.get();
            }
            Thread.sleep(20);
        }
        Rates.Rate rate = Rates.of(DONE::sum);
        job.cancel().get();
        end.handle((result, cancelled) -> cancelled).get(); // the cluster ends with its job
        return rate;
    }
}
