package lenstream.gpu.cuda;

import static org.bytedeco.cuda.global.cudart.cudaEventBlockingSync;
import static org.bytedeco.cuda.global.cudart.cudaEventCreateWithFlags;
import static org.bytedeco.cuda.global.cudart.cudaEventDestroy;
import static org.bytedeco.cuda.global.cudart.cudaEventDisableTiming;
import static org.bytedeco.cuda.global.cudart.cudaEventRecord;
import static org.bytedeco.cuda.global.cudart.cudaEventSynchronize;

import com.google.errorprone.annotations.MustBeClosed;
import org.bytedeco.cuda.cudart.CUevent_st;

/** A mark in a stream that other streams and host threads can wait for. Thread-safe but for {@link #record}. */
public final class Event implements AutoCloseable {
    private final CUevent_st handle;
    private boolean closed;

    private Event(CUevent_st handle) {
        this.handle = handle;
    }

    /** An event whose waiting threads sleep. Until it is recorded it counts as done. */
    @MustBeClosed
    static Event open() {
        var handle = new CUevent_st();
        Cuda.check(cudaEventCreateWithFlags(handle, cudaEventDisableTiming | cudaEventBlockingSync), "create an event");
        return new Event(handle);
    }

    CUevent_st handleView() {
        if (closed) {
            throw new IllegalStateException("the event is closed");
        }
        return handle;
    }

    /** Marks the end of what is queued in the stream by now. */
    public void record(Stream stream) {
        Cuda.check(cudaEventRecord(handleView(), stream.handleView()), "record an event");
    }

    /** Blocks the calling thread until the device has reached the mark. */
    public void await() {
        Cuda.check(cudaEventSynchronize(handleView()), "wait for the device");
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Cuda.check(cudaEventDestroy(handle), "destroy an event");
        }
    }
}
