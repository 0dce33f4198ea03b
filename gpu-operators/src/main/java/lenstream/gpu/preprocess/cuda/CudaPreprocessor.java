package lenstream.gpu.preprocess.cuda;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import lenstream.core.model.Preprocessing;
import lenstream.core.model.Preprocessing.Interpolation;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.Kernels;
import lenstream.gpu.cuda.PinnedBuffer;
import lenstream.gpu.cuda.Stream;

/**
 * The kernels that preprocess, compiled for one device and one encoder's rules. In: 8-bit RGB in device memory, any size. Out:
 * {@code [n, 3, size, size]} of float32 or float16, NCHW, {@code (x * scale - mean) / std}. Up to the rounding to float16 the
 * result equals {@link lenstream.gpu.preprocess.HostPreprocessor}'s in every bit.
 *
 * <p>Thread-safe; the {@link PreprocessBatch}es made from it are not. They are closed before it.
 */
public final class CudaPreprocessor implements AutoCloseable {
    /** A block of the vertical pass has 3 threads for 4 columns, at most 1024. */
    private static final int LARGEST_SIZE = 1024;

    private final Device device;
    private final Preprocessing rules;
    private final boolean half;
    private final Kernels kernels;
    private final DeviceBuffer levels;

    private CudaPreprocessor(Device device, Preprocessing rules, boolean half, Kernels kernels, DeviceBuffer levels) {
        this.device = device;
        this.rules = rules;
        this.half = half;
        this.kernels = kernels;
        this.levels = levels;
    }

    /** Why these rules cannot be followed on a device; empty if they can. */
    public static Optional<String> refuses(Preprocessing rules) {
        if (rules.interpolation() == Interpolation.NEAREST) {
            return Optional.of("interpolation: nearest has no kernel");
        }
        if (rules.size() > LARGEST_SIZE) {
            return Optional.of("size: " + rules.size() + " is above " + LARGEST_SIZE);
        }
        return Optional.empty();
    }

    /**
     * Compiles the kernels.
     *
     * @param half whether float16 comes out, float32 otherwise
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static CudaPreprocessor open(Device device, Preprocessing rules, boolean half) {
        String refusal = refuses(rules).orElse(null);
        if (refusal != null) {
            throw new IllegalArgumentException(refusal);
        }
        Kernels kernels = device.compile("preprocess.cu", source(), "-fmad=false", "-default-device", include());
        try {
            return new CudaPreprocessor(device, rules, half, kernels, levels(device, rules));
        } catch (Throwable failure) {
            kernels.close();
            throw failure;
        }
    }

    private static String include() {
        return "-I" + System.getProperty("lenstream.cuda.include", "/usr/local/cuda/include");
    }

    private static String source() {
        try (InputStream file = CudaPreprocessor.class.getResourceAsStream("preprocess.cu")) {
            if (file == null) {
                throw new IllegalStateException("preprocess.cu is not on the class path");
            }
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The normalised value of each byte of each channel, in the arithmetic of the CPU twin. */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // the caller's
    private static DeviceBuffer levels(Device device, Preprocessing rules) {
        DeviceBuffer buffer = device.allocate("preprocess-levels", 3 * 256 * Float.BYTES);
        try (PinnedBuffer values = device.allocatePinned("preprocess-levels", 3 * 256 * Float.BYTES);
                Stream stream = device.stream()) {
            ByteBuffer view = values.view();
            for (int channel = 0; channel < 3; channel++) {
                float mean = rules.mean().get(channel).floatValue();
                float std = rules.std().get(channel).floatValue();
                for (int value = 0; value < 256; value++) {
                    view.putFloat(
                            (channel * 256 + value) * Float.BYTES, ((float) (value * rules.scale()) - mean) / std);
                }
            }
            stream.copyToDevice(values, 0, buffer, 0, buffer.bytes());
            stream.synchronize();
            return buffer;
        } catch (Throwable failure) {
            buffer.close();
            throw failure;
        }
    }

    Device device() {
        return device;
    }

    Preprocessing rules() {
        return rules;
    }

    boolean half() {
        return half;
    }

    Kernels kernels() {
        return kernels;
    }

    DeviceBuffer levels() {
        return levels;
    }

    /** Bytes of one image's input tensor. */
    public long tensorBytes() {
        return 3L * rules.size() * rules.size() * (half ? 2 : 4);
    }

    @Override
    public void close() {
        try (kernels) {
            levels.close();
        }
    }

    /** Writes one {@code struct Image} of the kernels; 88 bytes, native byte order. */
    static void describe(
            ByteBuffer to,
            int index,
            long pixels,
            long between,
            long columnTaps,
            long rowTaps,
            int width,
            int height,
            lenstream.gpu.preprocess.Geometry geometry,
            int firstRow,
            int rows) {
        int at = index * PreprocessBatch.DESCRIPTOR_BYTES;
        if (to.order() != ByteOrder.nativeOrder()) {
            throw new IllegalArgumentException("descriptors are in native byte order");
        }
        to.putLong(at, pixels);
        to.putLong(at + 8, between);
        to.putLong(at + 16, columnTaps);
        to.putLong(at + 24, rowTaps);
        to.putInt(at + 32, width);
        to.putInt(at + 36, height);
        to.putInt(at + 40, 3 * width);
        to.putInt(at + 44, geometry.resizedWidth());
        to.putInt(at + 48, geometry.resizedHeight());
        to.putInt(at + 52, geometry.left());
        to.putInt(at + 56, geometry.top());
        to.putInt(at + 60, geometry.width());
        to.putInt(at + 64, geometry.height());
        to.putInt(at + 68, geometry.padLeft());
        to.putInt(at + 72, geometry.padTop());
        to.putInt(at + 76, firstRow);
        to.putInt(at + 80, rows);
        to.putInt(at + 84, 0);
    }
}
