package lenstream.gpu.cuda;

import static org.bytedeco.cuda.global.cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
import static org.bytedeco.cuda.global.cudart.cuFuncSetAttribute;
import static org.bytedeco.cuda.global.cudart.cuLaunchKernel;
import static org.bytedeco.cuda.global.cudart.cuModuleGetFunction;
import static org.bytedeco.cuda.global.cudart.cuModuleLoadData;
import static org.bytedeco.cuda.global.cudart.cuModuleUnload;
import static org.bytedeco.cuda.global.nvrtc.nvrtcCompileProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcCreateProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcDestroyProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetCUBIN;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetCUBINSize;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetProgramLog;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetProgramLogSize;

import com.google.errorprone.annotations.MustBeClosed;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import lenstream.gpu.embed.DeviceException;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.SizeTPointer;

/** Kernels compiled from CUDA C++ for the device at hand. Thread-safe; a {@link Launch} is confined to one thread. */
public final class Kernels implements AutoCloseable {
    /**
     * Machine code of what this process has compiled. The compiler runs once a process and source: a second run in a process
     * that had lived through a whole job ended the process ("LLVM ERROR: out of memory").
     */
    private static final ConcurrentHashMap<List<String>, byte[]> COMPILED = new ConcurrentHashMap<>();

    private final CUmod_st module;
    private boolean closed;

    private Kernels(CUmod_st module) {
        this.module = module;
    }

    /**
     * Compiles with NVRTC, unless this process has done so before.
     *
     * @param name for messages of the compiler
     * @param options such as {@code -fmad=false}; the architecture is added
     * @throws DeviceException with the compiler's log
     */
    @MustBeClosed
    static Kernels compile(String architecture, String name, String source, String... options) {
        var key = new ArrayList<>(List.of(options));
        key.add(architecture);
        key.add(source);
        byte[] machineCode = COMPILED.computeIfAbsent(key, missing -> machineCode(architecture, name, source, options));
        var module = new CUmod_st();
        try (var image = new BytePointer(machineCode)) {
            Cuda.check(cuModuleLoadData(module, image), "load " + name);
        }
        return new Kernels(module);
    }

    private static byte[] machineCode(String architecture, String name, String source, String... options) {
        try (var scope = new PointerScope()) {
            var program = new _nvrtcProgram();
            nvrtc(
                    nvrtcCreateProgram(
                            program,
                            new BytePointer(source),
                            new BytePointer(name),
                            0,
                            (PointerPointer<?>) null,
                            (PointerPointer<?>) null),
                    "create " + name);
            var all = new String[options.length + 1];
            all[0] = "--gpu-architecture=" + architecture;
            System.arraycopy(options, 0, all, 1, options.length);
            int status = nvrtcCompileProgram(program, all.length, new PointerPointer<>(all));
            if (status != 0) {
                var length = new SizeTPointer(1);
                nvrtcGetProgramLogSize(program, length);
                var log = new BytePointer(length.get());
                nvrtcGetProgramLog(program, log);
                throw new DeviceException("compile " + name + " for " + architecture + ": " + log.getString(), null);
            }
            var size = new SizeTPointer(1);
            nvrtc(nvrtcGetCUBINSize(program, size), "size of " + name);
            var cubin = new BytePointer(size.get());
            nvrtc(nvrtcGetCUBIN(program, cubin), "read " + name);
            nvrtc(nvrtcDestroyProgram(program), "destroy the compiler's program of " + name);
            var machineCode = new byte[(int) size.get()];
            cubin.get(machineCode);
            return machineCode;
        }
    }

    private static void nvrtc(int status, String what) {
        if (status != 0) {
            throw new DeviceException("NVRTC: " + what + ": status " + status, null);
        }
    }

    /**
     * Prepares a kernel for launching.
     *
     * @param parameters how many it takes; each is a pointer, a 64-bit or a 32-bit whole number
     * @param dynamicSharedBytes the most that a launch will ask for
     */
    @MustBeClosed
    public Launch launch(String kernel, int parameters, int dynamicSharedBytes) {
        var function = new CUfunc_st();
        Cuda.check(cuModuleGetFunction(function, module, kernel), "find the kernel " + kernel);
        if (dynamicSharedBytes > 48 << 10) {
            Cuda.check(
                    cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, dynamicSharedBytes),
                    "give the kernel " + kernel + " " + dynamicSharedBytes + " bytes of shared memory");
        }
        return new Launch(kernel, function, parameters);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Cuda.check(cuModuleUnload(module), "unload kernels");
        }
    }

    /** A kernel with its parameters, set once or before each launch. Owns the memory of its parameters. */
    public static final class Launch implements AutoCloseable {
        private static final PointerPointer<Pointer> NO_EXTRA = new PointerPointer<>((Pointer) null);

        private final String kernel;
        private final CUfunc_st function;
        private final LongPointer values;
        private final PointerPointer<Pointer> parameters;

        private Launch(String kernel, CUfunc_st function, int count) {
            this.kernel = kernel;
            this.function = function;
            this.values = new LongPointer(count);
            this.parameters = new PointerPointer<>(count);
            for (int i = 0; i < count; i++) {
                parameters.put(i, Cuda.at(values.address() + 8L * i));
            }
        }

        /** Sets a parameter; a 32-bit one takes the low half. */
        public Launch set(int index, long value) {
            values.put(index, value);
            return this;
        }

        /** Queues the kernel on {@code gridX} x {@code gridY} x {@code gridZ} blocks. */
        public void run(Stream stream, int gridX, int gridY, int gridZ, int threads, int sharedBytes) {
            Cuda.check(
                    cuLaunchKernel(
                            function,
                            gridX,
                            gridY,
                            gridZ,
                            threads,
                            1,
                            1,
                            sharedBytes,
                            stream.handleView(),
                            parameters,
                            NO_EXTRA),
                    "launch " + kernel + " on " + gridX + " x " + gridY + " x " + gridZ + " blocks of " + threads);
        }

        @Override
        public void close() {
            parameters.close();
            values.close();
        }
    }
}
