package lenstream.gpu.cuda;

import static org.bytedeco.cuda.global.cudart.cudaMemcpyAsync;
import static org.bytedeco.cuda.global.cudart.cudaMemcpyDeviceToHost;
import static org.bytedeco.cuda.global.cudart.cudaMemcpyHostToDevice;
import static org.bytedeco.cuda.global.cudart.cudaStreamCreateWithPriority;
import static org.bytedeco.cuda.global.cudart.cudaStreamDestroy;
import static org.bytedeco.cuda.global.cudart.cudaStreamNonBlocking;
import static org.bytedeco.cuda.global.cudart.cudaStreamSynchronize;
import static org.bytedeco.cuda.global.cudart.cudaStreamWaitEvent;

import com.google.errorprone.annotations.MustBeClosed;
import org.bytedeco.cuda.cudart.CUstream_st;

/** A queue of work on the device, in order. Confined to one thread at a time. */
public final class Stream implements AutoCloseable {
    private final CUstream_st handle;
    private boolean closed;

    private Stream(CUstream_st handle) {
        this.handle = handle;
    }

    @MustBeClosed
    static Stream open(int priority) {
        var handle = new CUstream_st();
        Cuda.check(
                cudaStreamCreateWithPriority(handle, cudaStreamNonBlocking, priority),
                "create a stream of priority " + priority);
        return new Stream(handle);
    }

    /** Takes over a stream that was made elsewhere. */
    @MustBeClosed
    static Stream take(CUstream_st handle) {
        return new Stream(handle);
    }

    /** CUDA's handle, borrowed. */
    public CUstream_st handleView() {
        if (closed) {
            throw new IllegalStateException("the stream is closed");
        }
        return handle;
    }

    /** Queues a copy. The pinned memory must not change until the copy is done. */
    public void copyToDevice(PinnedBuffer from, long fromOffset, DeviceBuffer to, long toOffset, long bytes) {
        copyToDevice(from, fromOffset, to.address() + toOffset, bytes);
    }

    /** Queues a copy to an address inside a buffer of the caller. */
    public void copyToDevice(PinnedBuffer from, long fromOffset, long toAddress, long bytes) {
        Cuda.check(
                cudaMemcpyAsync(
                        Cuda.at(toAddress),
                        Cuda.at(from.address() + fromOffset),
                        bytes,
                        cudaMemcpyHostToDevice,
                        handleView()),
                "copy " + bytes + " bytes to the device");
    }

    /** Queues a copy. The pinned memory holds the bytes once an event recorded behind it is done. */
    public void copyToHost(DeviceBuffer from, long fromOffset, PinnedBuffer to, long toOffset, long bytes) {
        Cuda.check(
                cudaMemcpyAsync(
                        Cuda.at(to.address() + toOffset),
                        Cuda.at(from.address() + fromOffset),
                        bytes,
                        cudaMemcpyDeviceToHost,
                        handleView()),
                "copy " + bytes + " bytes to the host");
    }

    /** Lets later work of this stream wait for the event; the host does not. */
    public void waitFor(Event event) {
        Cuda.check(cudaStreamWaitEvent(handleView(), event.handleView(), 0), "wait for an event");
    }

    /** Blocks the calling thread until everything queued is done. */
    public void synchronize() {
        Cuda.check(cudaStreamSynchronize(handleView()), "synchronize a stream");
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Cuda.check(cudaStreamDestroy(handle), "destroy a stream");
        }
    }
}
