package lenstream.gpu.cuda;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of native libraries that the GPU path needs, named by {@code LENSTREAM_NATIVES}: {@code jni} (JavaCPP's JNI
 * libraries), {@code ort} (ONNX Runtime), {@code trt} (TensorRT) and, where it is wanted, {@code nvi} (nvImageCodec). CUDA,
 * cuDNN and the driver are the machine's. Immutable.
 */
public final class Natives {
    /** Name of the environment variable. */
    public static final String VARIABLE = "LENSTREAM_NATIVES";

    private static final Logger LOG = LoggerFactory.getLogger(Natives.class);

    private static final List<String> REQUIRED = List.of(
            "jni/libjnijavacpp.so",
            "jni/libjnicudart.so",
            "jni/libjninvrtc.so",
            "jni/libjninvjpeg.so",
            "jni/libjnionnxruntime.so",
            "ort/libonnxruntime.so.1",
            "ort/libonnxruntime_providers_shared.so",
            "ort/libonnxruntime_providers_cuda.so");

    /**
     * CUDA's number of connections to a device, 8 unless this says more (32 at most). Streams that share a connection wait for
     * each other: with 8, decode lanes and embedding ran at 56 % of the rate that they have with 32 (PERFORMANCE.md).
     */
    public static final String CONNECTIONS_VARIABLE = "CUDA_DEVICE_MAX_CONNECTIONS";

    private static final String CONNECTIONS = "32";

    private final Path folder;

    private Natives(Path folder) {
        this.folder = folder;
    }

    /** The folder that the environment names, if it names one. */
    public static Optional<Natives> of(Map<String, String> environment) {
        return Optional.ofNullable(environment.get(VARIABLE))
                .filter(name -> !name.isBlank())
                .map(name -> new Natives(Path.of(name).toAbsolutePath()));
    }

    public Path folder() {
        return folder;
    }

    /** Where nvImageCodec finds its codecs. */
    public Path codecExtensions() {
        return folder.resolve("nvi/extensions");
    }

    /** Whether TensorRT is there; without it ONNX Runtime's CUDA provider runs the model. */
    public boolean hasTensorRt() {
        return Files.isRegularFile(folder.resolve("trt/libnvinfer.so.10"))
                && Files.isRegularFile(folder.resolve("ort/libonnxruntime_providers_tensorrt.so"));
    }

    /** What is there but could be better, one sentence each with the remedy. */
    public List<String> advice() {
        var advice = new ArrayList<String>();
        if (!CONNECTIONS.equals(System.getenv(CONNECTIONS_VARIABLE))) {
            advice.add("set " + CONNECTIONS_VARIABLE + "=" + CONNECTIONS
                    + " in the environment of the process: without it the stages wait for each other");
        }
        if (!hasTensorRt()) {
            advice.add("TensorRT is missing in " + folder + ": ONNX Runtime's CUDA provider is about four times slower;"
                    + " gpu-operators/fetch-natives.sh brings it");
        }
        return advice;
    }

    /** What is missing in the folder, one sentence each with the remedy; empty if nothing is. */
    public List<String> problems() {
        var problems = new ArrayList<String>();
        if (!Files.isDirectory(folder)) {
            problems.add(
                    VARIABLE + " names " + folder + ", which is no folder; gpu-operators/fetch-natives.sh fills one");
            return problems;
        }
        for (String file : REQUIRED) {
            if (!Files.exists(folder.resolve(file))) {
                problems.add(file + " is missing in " + folder + "; gpu-operators/fetch-natives.sh brings it");
            }
        }
        return problems;
    }

    /**
     * Tells JavaCPP and ONNX Runtime to take their libraries from the folder, and loads CUDA's. Before anything else of CUDA,
     * once a process is enough. The dynamic linker must know the folder too: {@code LD_LIBRARY_PATH} holds {@code jni}, {@code
     * ort}, {@code trt}, {@code nvi} and CUDA's folders when the process starts.
     *
     * @throws UnsatisfiedLinkError if CUDA or its driver is not there
     */
    public void load() {
        System.setProperty("org.bytedeco.javacpp.pathsFirst", "true");
        prepend("java.library.path", folder.resolve("jni"));
        prepend("platform.library.path", folder.resolve("jni"));
        // The CPU path's Java API asks for ONNX Runtime by the same name: the process keeps to one core.
        System.setProperty(
                "onnxruntime.native.onnxruntime.path",
                folder.resolve("ort/libonnxruntime.so.1").toString());
        Loader.load(org.bytedeco.cuda.global.cudart.class);
        Loader.load(org.bytedeco.cuda.global.nvrtc.class);
        LOG.debug("event=natives_loaded folder={}", folder);
        advice().forEach(sentence -> LOG.warn("event=gpu_advice advice=\"{}\"", sentence));
    }

    private static void prepend(String property, Path path) {
        String before = System.getProperty(property, "");
        if (!List.of(before.split(":")).contains(path.toString())) {
            System.setProperty(property, before.isEmpty() ? path.toString() : path + ":" + before);
        }
    }

    @Override
    public String toString() {
        return folder.toString();
    }
}
