package lenstream.gpu.cuda;

import static org.bytedeco.cuda.global.cudart.CU_DEV_RESOURCE_TYPE_SM;
import static org.bytedeco.cuda.global.cudart.CU_GREEN_CTX_DEFAULT_STREAM;
import static org.bytedeco.cuda.global.cudart.cuDevResourceGenerateDesc;
import static org.bytedeco.cuda.global.cudart.cuDevSmResourceSplitByCount;
import static org.bytedeco.cuda.global.cudart.cuDeviceGetDevResource;
import static org.bytedeco.cuda.global.cudart.cuGreenCtxCreate;
import static org.bytedeco.cuda.global.cudart.cuGreenCtxDestroy;
import static org.bytedeco.cuda.global.cudart.cuGreenCtxStreamCreate;

import com.google.errorprone.annotations.MustBeClosed;
import org.bytedeco.cuda.cudart.CUdevResourceDesc_st;
import org.bytedeco.cuda.cudart.CUdevResource_st;
import org.bytedeco.cuda.cudart.CUgreenCtx_st;
import org.bytedeco.cuda.cudart.CUstream_st;

/**
 * The multiprocessors of a device in two parts with streams of their own (CUDA's green contexts), so that small kernels need
 * not wait behind large ones. Thread-safe. Its streams are closed before it.
 */
public final class SmPartition implements AutoCloseable {
    /** {@code CU_STREAM_NON_BLOCKING}. */
    private static final int NON_BLOCKING = 1;

    private final CUgreenCtx_st few;
    private final CUgreenCtx_st rest;
    private final int fewCount;
    private final int restCount;
    private boolean closed;

    private SmPartition(CUgreenCtx_st few, CUgreenCtx_st rest, int fewCount, int restCount) {
        this.few = few;
        this.rest = rest;
        this.fewCount = fewCount;
        this.restCount = restCount;
    }

    /**
     * Splits the multiprocessors.
     *
     * @param count the least that the smaller part has; the device rounds it up
     */
    @MustBeClosed
    public static SmPartition split(Device device, int count) {
        try (var all = new CUdevResource_st();
                var part = new CUdevResource_st();
                var remaining = new CUdevResource_st()) {
            Cuda.check(
                    cuDeviceGetDevResource(device.index(), all, CU_DEV_RESOURCE_TYPE_SM),
                    "read the multiprocessors of the device");
            Cuda.check(
                    cuDevSmResourceSplitByCount(part, new int[] {1}, all, remaining, 0, count),
                    "split off " + count + " multiprocessors");
            return new SmPartition(
                    context(device, part),
                    context(device, remaining),
                    part.sm().smCount(),
                    remaining.sm().smCount());
        }
    }

    private static CUgreenCtx_st context(Device device, CUdevResource_st part) {
        var description = new CUdevResourceDesc_st();
        var context = new CUgreenCtx_st();
        Cuda.check(cuDevResourceGenerateDesc(description, part, 1), "describe a part of the multiprocessors");
        Cuda.check(
                cuGreenCtxCreate(context, description, device.index(), CU_GREEN_CTX_DEFAULT_STREAM),
                "make a context of a part of the multiprocessors");
        return context;
    }

    /** A stream on the smaller part. */
    @MustBeClosed
    public Stream streamOnFew(int priority) {
        return stream(few, priority);
    }

    /** A stream on the larger part. */
    @MustBeClosed
    public Stream streamOnRest(int priority) {
        return stream(rest, priority);
    }

    @MustBeClosed
    private static Stream stream(CUgreenCtx_st context, int priority) {
        var handle = new CUstream_st();
        Cuda.check(
                cuGreenCtxStreamCreate(handle, context, NON_BLOCKING, priority),
                "create a stream on a part of the multiprocessors");
        return Stream.take(handle);
    }

    /** Multiprocessors of the smaller part. */
    public int fewCount() {
        return fewCount;
    }

    /** Multiprocessors of the larger part. */
    public int restCount() {
        return restCount;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Cuda.check(cuGreenCtxDestroy(few), "destroy a context");
            Cuda.check(cuGreenCtxDestroy(rest), "destroy a context");
        }
    }
}
