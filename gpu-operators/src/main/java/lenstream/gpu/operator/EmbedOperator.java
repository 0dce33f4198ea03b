package lenstream.gpu.operator;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.FetchedImage;
import lenstream.core.index.SpaceWatch;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.PipelineConfig;
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
 * emits the results in order. At most {@code maxInFlight} batches are in the pipeline, or as many as keep a device busy; then
 * input waits.
 *
 * <p>Everything here happens on the task's thread; results come back through the mailbox. Nothing is held across a
 * checkpoint barrier or a watermark: both wait for what was taken in, at most {@code maxInFlight} + 1 batches, so the operator
 * needs no state. A failure of the pipeline fails the task.
 */
final class EmbedOperator extends AbstractStreamOperator<ArrowBatch>
        implements OneInputStreamOperator<FetchedImage, ArrowBatch>, BoundedOneInput {
    private static final long serialVersionUID = 1;

    /** Name of Flink's external resource, as its GPU plugin is set up in Flink's own documentation. */
    private static final String EXTERNAL_RESOURCE = "gpu";

    /** The property in which the GPU plugin says which device it is ({@code GPUInfo.PROPERTY_KEY_INDEX}). */
    private static final String EXTERNAL_RESOURCE_INDEX = "index";

    /** Threads that write Arrow batches beside a device. */
    private static final int DEVICE_WRITERS = 2;

    private final EmbedConfig config;
    private final PipelineOpener opener;
    private final transient MailboxExecutor mailbox;
    private final SpaceWatch.@Nullable Where plans;
    private final transient ArrayDeque<Submitted> inFlight = new ArrayDeque<>();
    private transient List<FetchedImage> rows = new ArrayList<>();
    private transient long bytes;
    private transient long batchNumber;
    private transient int lastBatchRows;
    private transient int rowsInFlight;
    private transient int mostRowsInFlight;
    private transient @Nullable BufferAllocator allocator;
    private transient @Nullable EmbeddingPipeline pipeline;
    private transient @Nullable SecondSpace second;
    private transient @Nullable ExecutorService writers;
    private transient @Nullable Counter batches;

    /** A batch in a pipeline. */
    private record Submitted(boolean second, int rows, CompletableFuture<ArrowBatch> result) {}

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
        EmbeddingPipeline opened = opener.open(placed(config.pipeline()), root);
        pipeline = opened;
        mostRowsInFlight = opened.rowsInFlight();
        writers = Executors.newFixedThreadPool(
                opened.onDevice() ? DEVICE_WRITERS : 1,
                Thread.ofPlatform().name("lenstream-arrow-", 0).daemon().factory());
        if (plans != null) {
            second = SecondSpace.follow(plans, opened.fingerprint().value(), placed(config.pipeline()), opener, root);
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
        metrics.gauge("lenstream_embed_on_device", () -> opened.onDevice() ? 1 : 0);
        opened.gauges().forEach((name, value) -> metrics.gauge(name, value::getAsLong));
    }

    /**
     * On a device of its own: one of those that Flink's external resources give to this TaskManager, all of whose subtasks
     * see all of them, or else one by the subtask's number.
     */
    private PipelineConfig placed(PipelineConfig pipelineConfig) {
        int subtask = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
        List<Integer> devices = getRuntimeContext().getExternalResourceInfos(EXTERNAL_RESOURCE).stream()
                .map(info -> info.getProperty(EXTERNAL_RESOURCE_INDEX))
                .flatMap(Optional::stream)
                .map(Integer::valueOf)
                .sorted()
                .toList();
        int device = devices.isEmpty() ? pipelineConfig.device() + subtask : devices.get(subtask % devices.size());
        return pipelineConfig.on(pipelineConfig.placement(), device);
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
        while (isFull()) {
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

    /** Whether what is under way is enough, by the settings and for a device. */
    private boolean isFull() {
        long own = inFlight.stream().filter(batch -> !batch.second()).count();
        return (own >= config.maxInFlight() || inFlight.size() >= 2 * config.maxInFlight())
                && rowsInFlight + rows.size() > mostRowsInFlight;
    }

    private void submit(EmbeddingPipeline to, boolean isSecond, List<FetchedImage> batch) {
        String fingerprint = to.fingerprint().value();
        int dim = to.dim();
        BufferAllocator memory = open(allocator);
        CompletableFuture<ArrowBatch> result =
                to.submit(batch).thenApplyAsync(done -> ArrowBatch.of(done, fingerprint, dim, memory), open(writers));
        inFlight.add(new Submitted(isSecond, batch.size(), result));
        rowsInFlight += batch.size();
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
            ArrowBatch batch = result(head.result());
            if (head.second()) {
                output.collect(EmbedOperatorFactory.SECOND, new StreamRecord<>(batch));
            } else {
                output.collect(new StreamRecord<>(batch));
            }
            open(batches).inc();
            inFlight.remove();
            rowsInFlight -= head.rows();
        }
    }

    private static ArrowBatch result(CompletableFuture<ArrowBatch> done) throws Exception {
        try {
            return done.get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() instanceof CompletionException wrapped ? wrapped.getCause() : e.getCause();
            if (cause instanceof Exception failure) {
                throw failure;
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
                ExecutorService last = writers;
                EmbeddingPipeline embedding = pipeline;
                SecondSpace other = second) {
            second = null;
            allocator = null;
            writers = null;
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
