package lenstream.gpu.codec;

import static lenstream.gpu.codec.binding.nvimgcodec.NVIMGCODEC_STATUS_SUCCESS;
import static lenstream.gpu.codec.binding.nvimgcodec.NVIMGCODEC_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
import static lenstream.gpu.codec.binding.nvimgcodec.nvimgcodecInstanceCreate;
import static lenstream.gpu.codec.binding.nvimgcodec.nvimgcodecInstanceDestroy;

import com.google.errorprone.annotations.MustBeClosed;
import java.nio.file.Path;
import lenstream.gpu.codec.binding.nvimgcodecInstance;
import lenstream.gpu.codec.binding.nvimgcodecInstanceCreateInfo_t;
import lenstream.gpu.embed.DeviceException;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The nvImageCodec library with its codecs. Thread-safe. Its decoders are closed before it.
 *
 * <p>Every structure is zeroed and told its type and size, as the library demands.
 */
public final class NvImageCodec implements AutoCloseable {
    private final nvimgcodecInstance instance;
    private boolean closed;

    private NvImageCodec(nvimgcodecInstance instance) {
        this.instance = instance;
    }

    /**
     * Loads the library.
     *
     * @param extensions folder of its codecs
     */
    @MustBeClosed
    public static NvImageCodec open(Path extensions) {
        try (var info = zeroed(new nvimgcodecInstanceCreateInfo_t());
                var folder = new BytePointer(extensions.toString())) {
            info.struct_type(NVIMGCODEC_STRUCTURE_TYPE_INSTANCE_CREATE_INFO)
                    .struct_size(info.sizeof())
                    .load_builtin_modules(1)
                    .load_extension_modules(1)
                    .extension_modules_path(folder);
            var instance = new nvimgcodecInstance();
            check(nvimgcodecInstanceCreate(instance, info), "nvimgcodecInstanceCreate with codecs of " + extensions);
            return new NvImageCodec(instance);
        }
    }

    nvimgcodecInstance instance() {
        if (closed) {
            throw new IllegalStateException("nvImageCodec is closed");
        }
        return instance;
    }

    static void check(int status, String call) {
        if (status != NVIMGCODEC_STATUS_SUCCESS) {
            throw new DeviceException(call + ": nvImageCodec status " + status, null);
        }
    }

    static <P extends Pointer> P zeroed(P structure) {
        Pointer.memset(structure, 0, structure.sizeof());
        return structure;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            check(nvimgcodecInstanceDestroy(instance), "nvimgcodecInstanceDestroy");
        }
    }
}
