package lenstream.gpu.pipeline;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import lenstream.gpu.decode.EncodedBatch;
import lenstream.gpu.embed.DeviceException;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.preprocess.HostTensor;
import org.apache.arrow.memory.BufferAllocator;
import org.jspecify.annotations.Nullable;

/**
 * The thread that runs inference, and the order of things around it: while one sub-batch is inferred, the next ones are
 * decoded and preprocessed by the pool into tensors of their own, across the borders of batches. Sub-batches are inferred
 * in the order in which they came.
 *
 * <p>{@link #submit} is thread-safe; everything else happens on the lane's thread.
 */
final class Lane implements AutoCloseable {
    private static final long CLOSE_SECONDS = 60;

    private final Stages stages;
    private final ExecutorService pool;
    private final BufferAllocator allocator;
    private final int subBatchRows;
    private final boolean thumbnails;
    private final ArrayDeque<HostTensor> freeTensors = new ArrayDeque<>();
    private final LinkedBlockingQueue<Batch> submitted = new LinkedBlockingQueue<>();
    private final ArrayDeque<SubBatch> prepared = new ArrayDeque<>();
    private final Thread thread;
    private @Nullable Batch current;
    private volatile boolean closing;

    /** Images that were submitted together. */
    private static final class Batch {
        final List<FetchedImage> images;
        final CompletableFuture<List<EmbeddedImage>> result = new CompletableFuture<>();
        final List<EmbeddedImage> rows;

        @Nullable
        EncodedBatch encoded;

        int dispatched;

        Batch(List<FetchedImage> images) {
            this.images = images;
            this.rows = new ArrayList<>(images.size());
        }
    }

    private record SubBatch(Batch batch, int start, int end, HostTensor tensor, List<Future<Stages.Prepared>> rows) {}

    /**
     * @param tensors borrowed; their number is how many sub-batches are under way at once
     * @param thumbnails whether thumbnails are made
     */
    Lane(Stages stages, ExecutorService pool, BufferAllocator allocator, List<HostTensor> tensors, boolean thumbnails) {
        this.stages = stages;
        this.pool = pool;
        this.allocator = allocator;
        this.freeTensors.addAll(tensors);
        this.subBatchRows = tensors.get(0).capacity();
        this.thumbnails = thumbnails;
        this.thread = Thread.ofPlatform().name("lenstream-embed-lane").daemon().start(this::run);
    }

    CompletableFuture<List<EmbeddedImage>> submit(List<FetchedImage> images) {
        var batch = new Batch(List.copyOf(images));
        if (closing) {
            throw new IllegalStateException("the pipeline is closed");
        }
        submitted.add(batch);
        if (closing) { // close() may have looked before this batch was there
            batch.result.cancel(false);
        }
        return batch.result;
    }

    private void run() {
        Throwable failure = null;
        try {
            while (!closing) {
                dispatch();
                SubBatch next = prepared.peek();
                if (next != null) {
                    finish(next);
                    prepared.remove();
                }
            }
        } catch (InterruptedException e) {
            // close() interrupts; what is under way is given up below
        } catch (Throwable e) {
            failure = e;
        }
        abandon(failure);
    }

    /** Hands sub-batches to the pool while there are tensors for them; waits only when there is nothing else to do. */
    private void dispatch() throws InterruptedException {
        while (!freeTensors.isEmpty()) {
            if (current == null) {
                current = prepared.isEmpty() ? submitted.take() : submitted.poll();
                if (current == null) {
                    return;
                }
            }
            Batch batch = current;
            if (batch.encoded == null) {
                gather(batch);
            }
            if (batch.images.isEmpty()) {
                complete(batch);
            } else {
                dispatch(batch);
            }
            if (batch.dispatched == batch.images.size()) {
                current = null;
            }
        }
    }

    @SuppressWarnings("MustBeClosed") // freed in complete() or abandon()
    private void gather(Batch batch) {
        var bytes = new ArrayList<byte[]>(batch.images.size());
        batch.images.forEach(image -> bytes.add(image.bytes()));
        batch.encoded = EncodedBatch.of(bytes, allocator);
    }

    private void dispatch(Batch batch) {
        EncodedBatch encoded = batch.encoded;
        if (encoded == null) {
            throw new IllegalStateException("a batch was dispatched before it was gathered");
        }
        HostTensor tensor = freeTensors.remove();
        int start = batch.dispatched;
        int end = Math.min(batch.images.size(), start + subBatchRows);
        var rows = new ArrayList<Future<Stages.Prepared>>(end - start);
        for (int row = start; row < end; row++) {
            int source = row;
            int target = row - start;
            rows.add(pool.submit(() -> {
                if (closing) {
                    throw new CancellationException();
                }
                return stages.prepare(encoded.rowView(source), tensor, target, thumbnails, null);
            }));
        }
        batch.dispatched = end;
        prepared.add(new SubBatch(batch, start, end, tensor, rows));
    }

    /** Waits for a sub-batch's tensor, moves its good rows together, infers, and adds its rows to its batch. */
    private void finish(SubBatch sub) throws InterruptedException {
        int count = sub.end - sub.start;
        var outcomes = new ArrayList<Stages.Prepared>(count);
        var tensorRow = new int[count];
        int good = 0;
        for (int i = 0; i < count; i++) {
            Stages.Prepared outcome = await(sub, i);
            outcomes.add(outcome);
            if (outcome.reason() == null) {
                if (good != i) {
                    sub.tensor.copyRow(i, good);
                }
                tensorRow[i] = good++;
            }
        }
        List<Embedding> embeddings = good == 0 ? List.of() : stages.infer(sub.tensor, good);
        freeTensors.add(sub.tensor);
        Batch batch = sub.batch;
        for (int i = 0; i < count; i++) {
            batch.rows.add(row(batch.images.get(sub.start + i), outcomes.get(i), embeddings, tensorRow[i]));
        }
        if (batch.rows.size() == batch.images.size()) {
            dispatch(); // keeps the pool busy while the receiver works
            complete(batch);
        }
    }

    private static Stages.Prepared await(SubBatch sub, int i) throws InterruptedException {
        try {
            return sub.rows.get(i).get();
        } catch (ExecutionException e) {
            throw new DeviceException(
                    "decode " + sub.batch.images.get(sub.start + i).target().url(), e.getCause());
        }
    }

    private EmbeddedImage row(FetchedImage image, Stages.Prepared outcome, List<Embedding> embeddings, int tensorRow) {
        stages.in.increment();
        String mime = outcome.mime();
        Reason reason = outcome.reason();
        if (reason != null || mime == null) {
            stages.rejected.increment();
            return EmbeddedImage.rejected(
                    image, mime, Stage.DECODE, reason == null ? Reason.CORRUPT : reason, outcome.detail());
        }
        return switch (embeddings.get(tensorRow)) {
            case Embedding.Vector vector -> {
                stages.embedded.increment();
                yield EmbeddedImage.embedded(
                        image,
                        mime,
                        outcome.width(),
                        outcome.height(),
                        outcome.frames(),
                        vector.values(),
                        outcome.thumbnail(),
                        outcome.features());
            }
            case Embedding.Bad bad -> {
                stages.rejected.increment();
                yield EmbeddedImage.rejected(image, mime, Stage.EMBED, Reason.BAD_EMBEDDING, bad.detail());
            }
        };
    }

    private static void complete(Batch batch) {
        release(batch);
        batch.result.complete(batch.rows);
    }

    private static void release(Batch batch) {
        EncodedBatch encoded = batch.encoded;
        if (encoded != null) {
            encoded.close();
            batch.encoded = null;
        }
    }

    /** Ends everything under way: waits for the pool to let go of the memory, then fails the batches. */
    private void abandon(@Nullable Throwable failure) {
        closing = true;
        var open = new ArrayList<Batch>();
        for (SubBatch sub : prepared) {
            for (Future<Stages.Prepared> row : sub.rows) {
                waitFor(row); // not cancelled: that would say "done" while it still reads the batch's memory
            }
            addOnce(open, sub.batch);
        }
        Batch last = current;
        if (last != null) {
            addOnce(open, last);
        }
        for (Batch batch = submitted.poll(); batch != null; batch = submitted.poll()) {
            addOnce(open, batch);
        }
        for (Batch batch : open) {
            release(batch);
            if (failure == null) {
                batch.result.cancel(false);
            } else {
                batch.result.completeExceptionally(failure);
            }
        }
    }

    private static void addOnce(List<Batch> batches, Batch batch) {
        if (!batches.contains(batch)) {
            batches.add(batch);
        }
    }

    private static void waitFor(Future<?> row) {
        boolean interrupted = false;
        while (!row.isDone()) {
            try {
                row.get();
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (ExecutionException e) {
                break; // only its end matters
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends the thread and cancels what is under way. */
    @Override
    public void close() {
        closing = true;
        thread.interrupt();
        boolean interrupted = false;
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_SECONDS);
        while (thread.isAlive() && System.nanoTime() < end) {
            try {
                thread.join(TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime()) + 1);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            throw new IllegalStateException("the embedding lane did not end within " + CLOSE_SECONDS + " s");
        }
    }
}
