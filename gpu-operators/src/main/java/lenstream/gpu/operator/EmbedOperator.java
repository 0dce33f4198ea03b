package lenstream.gpu.operator;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.index.SpaceWatch;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.PipelineStats;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.jspecify.annotations.Nullable;

/**
 * Gathers images into batches closed by rows, bytes or time, submits them to a pipeline that works on its own threads, and
 * emits the results in order. At most {@code maxInFlight} batches are in the pipeline; then input waits.
 *
 * <p>Everything here happens on the task's thread; results come back through the mailbox. Nothing is held across a
 * checkpoint barrier or a watermark: both wait for what was taken in, at most {@code maxInFlight} + 1 batches, so the operator
 * needs no state. A failure of the pipeline fails the task.
 */
final class EmbedOperator extends AbstractStreamOperator<ArrowBatch>
        implements OneInputStreamOperator<FetchedImage, ArrowBatch>, BoundedOneInput {
    private static final long serialVersionUID = 1;

    private final EmbedConfig config;
    private final PipelineOpener opener;
    private final transient MailboxExecutor mailbox;
    private final SpaceWatch.@Nullable Where plans;
    private final transient ArrayDeque<Submitted> inFlight = new ArrayDeque<>();
    private transient List<FetchedImage> rows = new ArrayList<>();
    private transient long bytes;
    private transient long batchNumber;
    private transient int lastBatchRows;
    private transient @Nullable BufferAllocator allocator;
    private transient @Nullable EmbeddingPipeline pipeline;
    private transient @Nullable SecondSpace second;
    private transient @Nullable Counter batches;

    /** A batch in a pipeline. */
    private record Submitted(
            EmbeddingPipeline pipeline, boolean second, CompletableFuture<List<EmbeddedImage>> result) {}

    EmbedOperator(
            StreamOperatorParameters<ArrowBatch> parameters,
            EmbedConfig config,
            PipelineOpener opener,
            SpaceWatch.@Nullable Where plans,
            MailboxExecutor mailbox) {
        super(parameters);
        this.config = config;
        this.opener = opener;
        this.plans = plans;
        this.mailbox = mailbox;
    }

    @Override
    @SuppressWarnings("MustBeClosed") // freed in close()
    public void open() throws Exception {
        super.open();
        var root = new RootAllocator();
        allocator = root;
        EmbeddingPipeline opened = opener.open(config.pipeline(), root);
        pipeline = opened;
        if (plans != null) {
            second = SecondSpace.follow(plans, opened.fingerprint().value(), config.pipeline(), opener, root);
        }
        MetricGroup metrics = getMetricGroup();
        batches = metrics.counter("lenstream_embed_batches");
        count(metrics, "lenstream_embed_in", opened, PipelineStats::in);
        count(metrics, "lenstream_embedded", opened, PipelineStats::embedded);
        count(metrics, "lenstream_embed_rejected", opened, PipelineStats::rejected);
        count(metrics, "lenstream_decode_nanos", opened, PipelineStats::decodeNanos);
        count(metrics, "lenstream_preprocess_nanos", opened, PipelineStats::preprocessNanos);
        count(metrics, "lenstream_inference_nanos", opened, PipelineStats::inferenceNanos);
        metrics.gauge("lenstream_embed_in_flight", inFlight::size);
        metrics.gauge("lenstream_embed_batch_rows", () -> lastBatchRows);
        metrics.gauge("preprocess_parity_cosine_min", opened::parityCosineMin);
    }

    private static void count(
            MetricGroup metrics, String name, EmbeddingPipeline pipeline, ToLongFunction<PipelineStats> value) {
        metrics.counter(name, new ReadCounter(() -> value.applyAsLong(pipeline.stats())));
    }

    @Override
    public void processElement(StreamRecord<FetchedImage> element) throws Exception {
        FetchedImage image = element.getValue();
        if (!rows.isEmpty() && bytes + image.bytes().length > config.batchBytes()) {
            flush();
        }
        if (rows.isEmpty()) {
            arm();
        }
        rows.add(image);
        bytes += image.bytes().length;
        if (rows.size() >= config.batchRows() || bytes >= config.batchBytes()) {
            flush();
        }
    }

    /** Closes the batch that begins now when its time is up, unless it was closed by then. */
    private void arm() {
        long number = batchNumber;
        ProcessingTimeService time = getProcessingTimeService();
        time.registerTimer(time.getCurrentProcessingTime() + config.maxDelay().toMillis(), at -> {
            if (number == batchNumber) {
                flush();
            }
        });
    }

    /** Submits the open batch, after waiting for room. */
    private void flush() throws Exception {
        retireSecond();
        while (inFlight.stream().filter(batch -> !batch.second()).count() >= config.maxInFlight()
                || inFlight.size() >= 2 * config.maxInFlight()) {
            mailbox.yield(); // may run the timer, which then submits the batch
        }
        if (rows.isEmpty()) {
            return;
        }
        List<FetchedImage> batch = rows;
        rows = new ArrayList<>();
        bytes = 0;
        batchNumber++;
        lastBatchRows = batch.size();
        SecondSpace other = second;
        if (other == null || other.ownWanted()) {
            submit(open(pipeline), false, batch);
        }
        if (other != null) {
            other.pipeline().ifPresent(also -> submit(also, true, batch));
        }
    }

    private void submit(EmbeddingPipeline to, boolean isSecond, List<FetchedImage> batch) {
        CompletableFuture<List<EmbeddedImage>> result = to.submit(batch);
        inFlight.add(new Submitted(to, isSecond, result));
        result.whenComplete((done, failure) -> wakeUp());
    }

    /** Closes the second pipeline once the plan no longer wants it, after what is under way. */
    private void retireSecond() throws Exception {
        SecondSpace other = second;
        if (other == null || !other.isRetired()) {
            return;
        }
        while (!inFlight.isEmpty()) {
            mailbox.yield();
        }
        other.retire();
    }

    /** On the pipeline's thread: has the task's thread look at the results. */
    private void wakeUp() {
        try {
            mailbox.execute(this::emitDone, "emit embedded images");
        } catch (RejectedExecutionException e) {
            LOG.debug("the task ended before its last batch", e);
        }
    }

    private void emitDone() throws Exception {
        for (Submitted head = inFlight.peek(); head != null && head.result().isDone(); head = inFlight.peek()) {
            EmbeddingPipeline from = head.pipeline();
            ArrowBatch batch =
                    ArrowBatch.of(result(head.result()), from.fingerprint().value(), from.dim(), open(allocator));
            if (head.second()) {
                output.collect(EmbedOperatorFactory.SECOND, new StreamRecord<>(batch));
            } else {
                output.collect(new StreamRecord<>(batch));
            }
            open(batches).inc();
            inFlight.remove();
        }
    }

    private static List<EmbeddedImage> result(CompletableFuture<List<EmbeddedImage>> done) throws Exception {
        try {
            return done.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }

    private void drain() throws Exception {
        flush();
        while (!inFlight.isEmpty()) {
            mailbox.yield();
        }
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
        drain();
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
        drain();
        super.processWatermark(mark);
    }

    @Override
    public void endInput() throws Exception {
        drain();
    }

    @Override
    public void close() throws Exception {
        try (BufferAllocator root = allocator;
                EmbeddingPipeline last = pipeline;
                SecondSpace other = second) {
            second = null;
            allocator = null;
            pipeline = null;
        } finally {
            super.close();
        }
    }

    private static <T> T open(@Nullable T resource) {
        if (resource == null) {
            throw new IllegalStateException("the operator is not open");
        }
        return resource;
    }

    /** A counter that others count. */
    private record ReadCounter(LongSupplier value) implements Counter {
        @Override
        public long getCount() {
            return value.getAsLong();
        }

        @Override
        public void inc() {
            throw new UnsupportedOperationException("read only");
        }

        @Override
        public void inc(long n) {
            throw new UnsupportedOperationException("read only");
        }

        @Override
        public void dec() {
            throw new UnsupportedOperationException("read only");
        }

        @Override
        public void dec(long n) {
            throw new UnsupportedOperationException("read only");
        }
    }
}
