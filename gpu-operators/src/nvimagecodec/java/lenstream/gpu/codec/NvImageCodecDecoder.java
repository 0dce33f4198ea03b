package lenstream.gpu.codec;

import static lenstream.gpu.codec.NvImageCodec.check;
import static lenstream.gpu.codec.NvImageCodec.zeroed;
import static lenstream.gpu.codec.binding.nvimgcodec.*;

import com.google.errorprone.annotations.MustBeClosed;
import lenstream.gpu.codec.binding.nvimgcodecBackend_t;
import lenstream.gpu.codec.binding.nvimgcodecCodeStream;
import lenstream.gpu.codec.binding.nvimgcodecDecodeParams_t;
import lenstream.gpu.codec.binding.nvimgcodecDecoder;
import lenstream.gpu.codec.binding.nvimgcodecExecutionParams_t;
import lenstream.gpu.codec.binding.nvimgcodecFuture;
import lenstream.gpu.codec.binding.nvimgcodecImage;
import lenstream.gpu.codec.binding.nvimgcodecImageInfo_t;
import lenstream.gpu.codec.binding.nvimgcodecImagePlaneInfo_t;
import lenstream.gpu.cuda.Cuda;
import lenstream.gpu.cuda.Stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * nvImageCodec: the hardware JPEG engines first, then the GPU, then CPU and GPU together, image by image as each one's coding
 * demands. Its handles and structures are made once and reused, so a batch allocates nothing here.
 *
 * <p>The orientation is not applied: the library does so only when told twice, and the preprocessing kernels turn any pixels.
 * The hardware reports truncated files as success: the caller looks for the end marker first.
 */
public final class NvImageCodecDecoder implements DeviceDecoder {
    /** In order of preference. The library rejects some lists that lack one of the first three. */
    private static final int[] BACKENDS = {
        NVIMGCODEC_BACKEND_KIND_HW_GPU_ONLY,
        NVIMGCODEC_BACKEND_KIND_GPU_ONLY,
        NVIMGCODEC_BACKEND_KIND_HYBRID_CPU_GPU,
        NVIMGCODEC_BACKEND_KIND_CPU_ONLY
    };

    private final NvImageCodec library;
    private final nvimgcodecDecoder decoder;
    private final nvimgcodecCodeStream[] streams;
    private final nvimgcodecImage[] images;
    private final PointerPointer<Pointer> streamList;
    private final PointerPointer<Pointer> imageList;
    private final PointerPointer<Pointer> future = new PointerPointer<>(1);
    private final nvimgcodecImageInfo_t target = info();
    private final nvimgcodecImageInfo_t found = info();
    private final nvimgcodecDecodeParams_t parameters = zeroed(new nvimgcodecDecodeParams_t());
    private final IntPointer statuses;
    private final SizeTPointer count = new SizeTPointer(1);
    private final int[] numbers;
    private boolean closed;

    private NvImageCodecDecoder(NvImageCodec library, nvimgcodecDecoder decoder, int capacity, Stream stream) {
        this.library = library;
        this.decoder = decoder;
        this.streams = new nvimgcodecCodeStream[capacity];
        this.images = new nvimgcodecImage[capacity];
        for (int i = 0; i < capacity; i++) {
            streams[i] = new nvimgcodecCodeStream();
            images[i] = new nvimgcodecImage();
        }
        this.streamList = new PointerPointer<>(capacity);
        this.imageList = new PointerPointer<>(capacity);
        this.statuses = new IntPointer(capacity);
        this.numbers = new int[capacity];
        target.sample_format(NVIMGCODEC_SAMPLEFORMAT_I_RGB)
                .color_spec(NVIMGCODEC_COLORSPEC_SRGB)
                .chroma_subsampling(NVIMGCODEC_SAMPLING_NONE)
                .num_planes(1)
                .buffer_kind(NVIMGCODEC_IMAGE_BUFFER_KIND_STRIDED_DEVICE)
                .cuda_stream(stream.handleView());
        target.plane_info(0)
                .struct_type(NVIMGCODEC_STRUCTURE_TYPE_IMAGE_PLANE_INFO)
                .struct_size(target.plane_info(0).sizeof())
                .num_channels(3)
                .sample_type(NVIMGCODEC_SAMPLE_DATA_TYPE_UINT8)
                .precision((byte) 8);
        parameters
                .struct_type(NVIMGCODEC_STRUCTURE_TYPE_DECODE_PARAMS)
                .struct_size(parameters.sizeof())
                .apply_exif_orientation(0);
    }

    /**
     * Makes a decoder for batches of at most {@code capacity} images, whose pixels arrive on {@code stream}.
     *
     * @param threads of the library's own, for parsing and for the part of progressive images that runs on the CPU
     */
    @MustBeClosed
    public static NvImageCodecDecoder open(NvImageCodec library, int capacity, int threads, Stream stream) {
        try (var execution = zeroed(new nvimgcodecExecutionParams_t());
                var backends = new nvimgcodecBackend_t(BACKENDS.length)) {
            Pointer.memset(backends, 0, (long) backends.sizeof() * BACKENDS.length);
            for (int i = 0; i < BACKENDS.length; i++) {
                nvimgcodecBackend_t backend = backends.getPointer(i);
                backend.struct_type(NVIMGCODEC_STRUCTURE_TYPE_BACKEND)
                        .struct_size(backend.sizeof())
                        .kind(BACKENDS[i]);
                backend.params()
                        .struct_type(NVIMGCODEC_STRUCTURE_TYPE_BACKEND_PARAMS)
                        .struct_size(backend.params().sizeof())
                        .load_hint(1f)
                        .load_hint_policy(NVIMGCODEC_LOAD_HINT_POLICY_FIXED);
            }
            execution
                    .struct_type(NVIMGCODEC_STRUCTURE_TYPE_EXECUTION_PARAMS)
                    .struct_size(execution.sizeof())
                    .max_num_cpu_threads(threads)
                    .device_id(NVIMGCODEC_DEVICE_CURRENT)
                    .pre_init(1)
                    .skip_pre_sync(1)
                    .num_backends(BACKENDS.length)
                    .backends(backends);
            var decoder = new nvimgcodecDecoder();
            check(nvimgcodecDecoderCreate(library.instance(), decoder, execution, ""), "nvimgcodecDecoderCreate");
            return new NvImageCodecDecoder(library, decoder, capacity, stream);
        }
    }

    private static nvimgcodecImageInfo_t info() {
        nvimgcodecImageInfo_t info = zeroed(new nvimgcodecImageInfo_t());
        return info.struct_type(NVIMGCODEC_STRUCTURE_TYPE_IMAGE_INFO).struct_size(info.sizeof());
    }

    @Override
    public void decode(DecodeOrders orders) {
        int queued = 0;
        for (int number = 0; number < orders.size(); number++) {
            orders.decoded(number, false);
            if (open(orders, number, queued)) {
                numbers[queued++] = number;
            }
        }
        if (queued == 0) {
            return;
        }
        check(
                nvimgcodecDecoderDecode(decoder, streamList, imageList, queued, parameters, future),
                "nvimgcodecDecoderDecode of " + queued + " images");
        var pending = new nvimgcodecFuture(future.get());
        try {
            check(nvimgcodecFutureWaitForAll(pending), "nvimgcodecFutureWaitForAll");
            check(nvimgcodecFutureGetProcessingStatus(pending, statuses, count), "nvimgcodecFutureGetProcessingStatus");
            for (int i = 0; i < queued; i++) {
                orders.decoded(numbers[i], statuses.get(i) == NVIMGCODEC_PROCESSING_STATUS_SUCCESS);
            }
        } finally {
            nvimgcodecFutureDestroy(pending);
        }
    }

    /** Whether the image's header is readable and says what ours said; then it is at {@code place} of the lists. */
    private boolean open(DecodeOrders orders, int number, int place) {
        try (var bytes = new Bytes(orders.encoded(number))) {
            int status = nvimgcodecCodeStreamCreateFromHostMem(
                    library.instance(), streams[place], bytes, orders.length(number), null);
            if (status != NVIMGCODEC_STATUS_SUCCESS
                    || nvimgcodecCodeStreamGetImageInfo(streams[place], found) != NVIMGCODEC_STATUS_SUCCESS) {
                return false;
            }
        }
        nvimgcodecImagePlaneInfo_t plane = found.plane_info(0);
        int width = orders.width(number);
        int height = orders.height(number);
        if (plane.width() != width || plane.height() != height) {
            return false;
        }
        target.plane_info(0).width(width).height(height).row_stride(3L * width);
        target.buffer(Cuda.at(orders.pixels(number)));
        if (nvimgcodecImageCreate(library.instance(), images[place], target) != NVIMGCODEC_STATUS_SUCCESS) {
            return false;
        }
        streamList.put(place, streams[place]);
        imageList.put(place, images[place]);
        return true;
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
        for (int i = 0; i < streams.length; i++) {
            if (!images[i].isNull()) {
                nvimgcodecImageDestroy(images[i]);
            }
            if (!streams[i].isNull()) {
                nvimgcodecCodeStreamDestroy(streams[i]);
            }
        }
        check(nvimgcodecDecoderDestroy(decoder), "nvimgcodecDecoderDestroy");
        for (Pointer owned :
                new Pointer[] {streamList, imageList, future, target, found, parameters, statuses, count}) {
            owned.close();
        }
    }
}
