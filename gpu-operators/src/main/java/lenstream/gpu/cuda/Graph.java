package lenstream.gpu.cuda;

import static org.bytedeco.cuda.global.cudart.cudaGetLastError;
import static org.bytedeco.cuda.global.cudart.cudaGraphDestroy;
import static org.bytedeco.cuda.global.cudart.cudaGraphExecDestroy;
import static org.bytedeco.cuda.global.cudart.cudaGraphInstantiate;
import static org.bytedeco.cuda.global.cudart.cudaGraphLaunch;
import static org.bytedeco.cuda.global.cudart.cudaStreamBeginCapture;
import static org.bytedeco.cuda.global.cudart.cudaStreamCaptureModeRelaxed;
import static org.bytedeco.cuda.global.cudart.cudaStreamEndCapture;

import com.google.errorprone.annotations.MustBeClosed;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;

/**
 * Work that was queued once on a stream and can be queued again as a whole by one call (a CUDA graph), with the addresses that
 * it had. Confined to the thread of its stream.
 */
public final class Graph implements AutoCloseable {
    private final CUgraphExec_st handle;
    private boolean closed;

    private Graph(CUgraphExec_st handle) {
        this.handle = handle;
    }

    /**
     * Records what {@code work} queues on the stream; none of it runs. Other threads may use the device meanwhile.
     *
     * @param work queues on this stream alone and waits for nothing
     * @throws lenstream.gpu.embed.DeviceException if it cannot be recorded; the stream is as before
     */
    @MustBeClosed
    public static Graph record(Stream stream, Runnable work) {
        // relaxed: libraries may allocate while they are being recorded
        Cuda.check(
                cudaStreamBeginCapture(stream.handleView(), cudaStreamCaptureModeRelaxed), "begin to record a graph");
        var graph = new CUgraph_st();
        boolean queued = false;
        int ended;
        try {
            work.run();
            queued = true;
        } finally {
            ended = cudaStreamEndCapture(stream.handleView(), graph);
            if (!queued) {
                cudaGetLastError(); // ONNX Runtime looks at it, and what failed here has its exception already
                if (!graph.isNull()) {
                    cudaGraphDestroy(graph);
                }
            }
        }
        Cuda.check(ended, "end the recording of a graph");
        var handle = new CUgraphExec_st();
        try {
            Cuda.check(cudaGraphInstantiate(handle, graph), "make a recorded graph ready to run");
            return new Graph(handle);
        } finally {
            cudaGraphDestroy(graph);
        }
    }

    /** Queues all of it. */
    public void launch(Stream stream) {
        Cuda.check(cudaGraphLaunch(handle, stream.handleView()), "launch a graph");
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Cuda.check(cudaGraphExecDestroy(handle), "destroy a graph");
        }
    }
}
