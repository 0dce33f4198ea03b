package lenstream.gpu.codec;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.Kernels;

/** The compiled kernels of all {@link Completion}s, which are closed before it. Thread-safe. */
public final class CompletionKernels implements AutoCloseable {
    private final Device device;
    private final Kernels kernels;

    private CompletionKernels(Device device, Kernels kernels) {
        this.device = device;
        this.kernels = kernels;
    }

    /** Compiles. */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static CompletionKernels open(Device device) {
        try (InputStream file = CompletionKernels.class.getResourceAsStream("complete.cu")) {
            if (file == null) {
                throw new IllegalStateException("complete.cu is not on the class path");
            }
            String source = new String(file.readAllBytes(), StandardCharsets.UTF_8);
            return new CompletionKernels(device, device.compile("complete.cu", source));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Device device() {
        return device;
    }

    Kernels kernels() {
        return kernels;
    }

    @Override
    public void close() {
        kernels.close();
    }
}
