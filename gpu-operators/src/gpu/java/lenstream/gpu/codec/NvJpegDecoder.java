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
import lenstream.gpu.cuda.Cuda;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.embed.DeviceException;
import org.bytedeco.cuda.nvjpeg.nvjpegHandle;
import org.bytedeco.cuda.nvjpeg.nvjpegImage_t;
import org.bytedeco.cuda.nvjpeg.nvjpegJpegState;
import org.bytedeco.cuda.nvjpeg.nvjpegJpegStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * nvJPEG's batch interface on the hardware engines, for baseline JPEGs: unlike nvImageCodec it works wholly on the caller's
 * stream, so the stream's priority holds for the kernels that turn YCbCr into RGB. What the engines cannot decode goes to the
 * fallback, image by image; so does a whole batch that the library refuses.
 */
public final class NvJpegDecoder implements DeviceDecoder {
    private final NvImageCodecDecoder fallback;
    private final Stream stream;
    private final nvjpegHandle library;
    private final nvjpegJpegState state;
    private final nvjpegJpegStream parsed;
    private final nvjpegImage_t targets;
    private final nvjpegImage_t[] target;
    private final PointerPointer<Pointer> bytes;
    private final SizeTPointer lengths;
    private final DecodeOrders rest;
    private final int[] numbers;
    private final int[] restNumbers;
    private int initialized;
    private boolean closed;

    private NvJpegDecoder(
            NvImageCodecDecoder fallback,
            Stream stream,
            nvjpegHandle library,
            nvjpegJpegState state,
            nvjpegJpegStream parsed,
            int capacity) {
        this.fallback = fallback;
        this.stream = stream;
        this.library = library;
        this.state = state;
        this.parsed = parsed;
        this.targets = new nvjpegImage_t(capacity);
        Pointer.memset(targets, 0, (long) targets.sizeof() * capacity);
        this.target = new nvjpegImage_t[capacity];
        for (int i = 0; i < capacity; i++) {
            target[i] = targets.getPointer(i);
        }
        this.bytes = new PointerPointer<>(capacity);
        this.lengths = new SizeTPointer(capacity);
        this.rest = new DecodeOrders(capacity);
        this.numbers = new int[capacity];
        this.restNumbers = new int[capacity];
    }

    /**
     * Makes a decoder for batches of at most {@code capacity} images.
     *
     * @param fallback taken over: closed with this one
     */
    @MustBeClosed
    public static NvJpegDecoder takeFallback(NvImageCodecDecoder fallback, int capacity, Stream stream) {
        var library = new nvjpegHandle();
        check(
                nvjpegCreateEx(
                        NVJPEG_BACKEND_HARDWARE, null, null, NVJPEG_FLAGS_UPSAMPLING_WITH_INTERPOLATION, library),
                "nvjpegCreateEx for the hardware");
        var state = new nvjpegJpegState();
        check(nvjpegJpegStateCreate(library, state), "nvjpegJpegStateCreate");
        var parsed = new nvjpegJpegStream();
        check(nvjpegJpegStreamCreate(library, parsed), "nvjpegJpegStreamCreate");
        return new NvJpegDecoder(fallback, stream, library, state, parsed, capacity);
    }

    private static void check(int status, String call) {
        if (status != NVJPEG_STATUS_SUCCESS) {
            throw new DeviceException(call + ": nvJPEG status " + status, null);
        }
    }

    @Override
    public void decode(DecodeOrders orders) {
        rest.clear();
        int queued = 0;
        for (int number = 0; number < orders.size(); number++) {
            orders.decoded(number, false);
            if (!orders.isProgressive(number) && isSupported(orders, number)) {
                bytes.put(queued, Cuda.at(orders.encoded(number)));
                lengths.put(queued, orders.length(number));
                target[queued].channel(0, new Bytes(orders.pixels(number)));
                target[queued].pitch(0, 3L * orders.width(number));
                numbers[queued++] = number;
            } else {
                leave(orders, number);
            }
        }
        if (queued > 0 && !run(queued)) {
            for (int i = 0; i < queued; i++) {
                leave(orders, numbers[i]);
            }
            queued = 0;
        }
        for (int i = 0; i < queued; i++) {
            orders.decoded(numbers[i], true);
        }
        if (rest.size() > 0) {
            fallback.decode(rest);
            for (int i = 0; i < rest.size(); i++) {
                orders.decoded(restNumbers[i], rest.isDecoded(i));
            }
        }
    }

    private boolean isSupported(DecodeOrders orders, int number) {
        try (var data = new Bytes(orders.encoded(number))) {
            var unsupported = new int[1];
            return nvjpegJpegStreamParse(library, data, orders.length(number), 0, 0, parsed) == NVJPEG_STATUS_SUCCESS
                    && nvjpegDecodeBatchedSupported(library, parsed, unsupported) == NVJPEG_STATUS_SUCCESS
                    && unsupported[0] == 0;
        }
    }

    private boolean run(int images) {
        if (initialized != images) {
            check(
                    nvjpegDecodeBatchedInitialize(library, state, images, 1, NVJPEG_OUTPUT_RGBI),
                    "nvjpegDecodeBatchedInitialize for " + images + " images");
            initialized = images;
        }
        return nvjpegDecodeBatched(library, state, bytes, lengths, targets, stream.handleView())
                == NVJPEG_STATUS_SUCCESS;
    }

    private void leave(DecodeOrders orders, int number) {
        int place = rest.add(
                orders.encoded(number),
                orders.length(number),
                orders.pixels(number),
                orders.width(number),
                orders.height(number),
                orders.isProgressive(number));
        restNumbers[place] = number;
    }

    private static final class Bytes extends BytePointer {
        Bytes(long value) {
            address = value;
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try (fallback) {
            check(nvjpegJpegStreamDestroy(parsed), "nvjpegJpegStreamDestroy");
            check(nvjpegJpegStateDestroy(state), "nvjpegJpegStateDestroy");
            check(nvjpegDestroy(library), "nvjpegDestroy");
            targets.close();
            bytes.close();
            lengths.close();
        }
    }
}
