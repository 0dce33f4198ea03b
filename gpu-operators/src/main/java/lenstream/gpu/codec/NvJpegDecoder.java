package lenstream.gpu.codec;

import static org.bytedeco.cuda.global.nvjpeg.NVJPEG_BACKEND_HARDWARE;
import static org.bytedeco.cuda.global.nvjpeg.NVJPEG_FLAGS_UPSAMPLING_WITH_INTERPOLATION;
import static org.bytedeco.cuda.global.nvjpeg.NVJPEG_OUTPUT_RGBI;
import static org.bytedeco.cuda.global.nvjpeg.NVJPEG_STATUS_SUCCESS;
import static org.bytedeco.cuda.global.nvjpeg.nvjpegCreateEx;
import static org.bytedeco.cuda.global.nvjpeg.nvjpegDecodeBatched;
import static org.bytedeco.cuda.global.nvjpeg.nvjpegDecodeBatchedInitialize;
import static org.bytedeco.cuda.global.nvjpeg.nvjpegDecodeBatchedSupported;
import static org.bytedeco.cuda.global.nvjpeg.nvjpegDestroy;
import static org.bytedeco.cuda.global.nvjpeg.nvjpegJpegStateCreate;
import static org.bytedeco.cuda.global.nvjpeg.nvjpegJpegStateDestroy;
import static org.bytedeco.cuda.global.nvjpeg.nvjpegJpegStreamCreate;
import static org.bytedeco.cuda.global.nvjpeg.nvjpegJpegStreamDestroy;
import static org.bytedeco.cuda.global.nvjpeg.nvjpegJpegStreamParse;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import lenstream.gpu.cuda.Cuda;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.decode.JpegStructure.Sampling;
import lenstream.gpu.embed.DeviceException;
import org.bytedeco.cuda.nvjpeg.nvjpegHandle;
import org.bytedeco.cuda.nvjpeg.nvjpegImage_t;
import org.bytedeco.cuda.nvjpeg.nvjpegJpegState;
import org.bytedeco.cuda.nvjpeg.nvjpegJpegStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * nvJPEG's batch interface on the hardware engines. It works wholly on the caller's stream, so that the stream's priority holds
 * for the kernels that turn YCbCr into RGB.
 *
 * <p>The library has one status for a batch. When it refuses one, the halves are tried apart, and so on until the image is
 * found that it is about; that one counts as not decoded.
 */
final class NvJpegDecoder implements DeviceDecoder {
    private static final Logger LOG = LoggerFactory.getLogger(NvJpegDecoder.class);

    /** {@code nvjpegImage_t}: four pointers to channels, then four pitches. */
    private static final int LONGS_AN_IMAGE = 8;

    private final Stream stream;
    private final nvjpegHandle library;
    private final nvjpegJpegStream parsed;
    private final nvjpegImage_t targets;
    private final LongBuffer target;
    private final PointerPointer<Pointer> bytes;
    private final LongBuffer byteAddress;
    private final SizeTPointer lengths;
    private final LongBuffer length;
    private final int[] numbers;
    /** Whether the engines take a sampling; null until an image of it has come by. */
    private final Boolean[] supported = new Boolean[Sampling.values().length];

    private nvjpegJpegState state;
    private int initialized;
    private boolean closed;

    private NvJpegDecoder(
            Stream stream, nvjpegHandle library, nvjpegJpegState state, nvjpegJpegStream parsed, int capacity) {
        this.stream = stream;
        this.library = library;
        this.state = state;
        this.parsed = parsed;
        this.targets = new nvjpegImage_t(capacity);
        this.target = longs(targets, (long) targets.sizeof() * capacity);
        this.bytes = new PointerPointer<>(capacity);
        this.byteAddress = longs(bytes, 8L * capacity);
        this.lengths = new SizeTPointer(capacity);
        this.length = longs(lengths, 8L * capacity);
        this.numbers = new int[capacity];
        Pointer.memset(targets, 0, (long) targets.sizeof() * capacity);
        if (targets.sizeof() != 8 * LONGS_AN_IMAGE) {
            throw new DeviceException("nvjpegImage_t has " + targets.sizeof() + " bytes", null);
        }
    }

    private static LongBuffer longs(Pointer memory, long byteCount) {
        return new BytePointer(Cuda.at(memory.address()))
                .capacity(byteCount)
                .asByteBuffer()
                .order(ByteOrder.nativeOrder())
                .asLongBuffer();
    }

    @MustBeClosed
    static NvJpegDecoder open(int capacity, Stream stream) {
        var library = new nvjpegHandle();
        check(
                nvjpegCreateEx(
                        NVJPEG_BACKEND_HARDWARE, null, null, NVJPEG_FLAGS_UPSAMPLING_WITH_INTERPOLATION, library),
                "nvjpegCreateEx for the hardware");
        var parsed = new nvjpegJpegStream();
        check(nvjpegJpegStreamCreate(library, parsed), "nvjpegJpegStreamCreate");
        return new NvJpegDecoder(stream, library, newState(library), parsed, capacity);
    }

    private static nvjpegJpegState newState(nvjpegHandle library) {
        var state = new nvjpegJpegState();
        check(nvjpegJpegStateCreate(library, state), "nvjpegJpegStateCreate");
        return state;
    }

    private static void check(int status, String call) {
        if (status != NVJPEG_STATUS_SUCCESS) {
            throw new DeviceException(call + ": nvJPEG status " + status, null);
        }
    }

    @Override
    public void decode(DecodeOrders orders) {
        int queued = 0;
        for (int number = 0; number < orders.size(); number++) {
            boolean takes = takes(orders, number);
            orders.decoded(number, takes);
            if (takes) {
                numbers[queued++] = number;
            }
        }
        decode(orders, 0, queued);
    }

    /** Decodes a part of the batch, in halves if the library refuses it. */
    private void decode(DecodeOrders orders, int from, int to) {
        int count = to - from;
        if (count == 0) {
            return;
        }
        int status = run(orders, from, count);
        if (status == NVJPEG_STATUS_SUCCESS) {
            return;
        }
        stream.synchronize();
        nvjpegJpegStateDestroy(state); // what it holds of a failed batch is not known
        state = newState(library);
        initialized = 0;
        if (count == 1) {
            LOG.debug("event=device_refused status={} bytes={}", status, orders.length(numbers[from]));
            orders.decoded(numbers[from], false);
            return;
        }
        int middle = from + count / 2;
        decode(orders, from, middle);
        decode(orders, middle, to);
    }

    private boolean takes(DecodeOrders orders, int number) {
        int sampling = orders.sampling(number).ordinal();
        Boolean known = supported[sampling];
        if (known == null) {
            known = isSupported(orders, number);
            supported[sampling] = known;
        }
        return known;
    }

    private boolean isSupported(DecodeOrders orders, int number) {
        try (var data = new BytePointer(Cuda.at(orders.encoded(number)))) {
            var unsupported = new int[1];
            return nvjpegJpegStreamParse(library, data, orders.length(number), 0, 0, parsed) == NVJPEG_STATUS_SUCCESS
                    && nvjpegDecodeBatchedSupported(library, parsed, unsupported) == NVJPEG_STATUS_SUCCESS
                    && unsupported[0] == 0;
        }
    }

    private int run(DecodeOrders orders, int from, int count) {
        for (int i = 0; i < count; i++) {
            int number = numbers[from + i];
            byteAddress.put(i, orders.encoded(number));
            length.put(i, orders.length(number));
            target.put(LONGS_AN_IMAGE * i, orders.pixels(number));
            target.put(LONGS_AN_IMAGE * i + 4, 3L * orders.width(number));
        }
        if (initialized != count) {
            check(
                    nvjpegDecodeBatchedInitialize(library, state, count, 1, NVJPEG_OUTPUT_RGBI),
                    "nvjpegDecodeBatchedInitialize for " + count + " images");
            initialized = count;
        }
        return nvjpegDecodeBatched(library, state, bytes, lengths, targets, stream.handleView());
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        check(nvjpegJpegStreamDestroy(parsed), "nvjpegJpegStreamDestroy");
        check(nvjpegJpegStateDestroy(state), "nvjpegJpegStateDestroy");
        check(nvjpegDestroy(library), "nvjpegDestroy");
        targets.close();
        bytes.close();
        lengths.close();
    }
}
