package lenstream.gpu.embed.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import com.google.errorprone.annotations.MustBeClosed;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import lenstream.core.config.ConfigException;
import lenstream.gpu.embed.DeviceException;
import lenstream.gpu.lifetime.NativeLoading;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A loaded ONNX graph on the CPU. Owns its session; the run-time environment is one a process and outlives it.
 *
 * <p>Thread-safe: several threads may run it at once and share its intra-op threads.
 */
public final class OnnxModel implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OnnxModel.class);

    private final String name;
    private final OrtEnvironment environment;
    private final OrtSession session;
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * The values of one output tensor as float32.
     *
     * @param values in row-major order
     * @param shape dimensions of the tensor
     */
    public record Output(float[] values, long[] shape) {}

    private OnnxModel(String name, OrtEnvironment environment, OrtSession session) {
        this.name = name;
        this.environment = environment;
        this.session = session;
    }

    /**
     * Loads a graph.
     *
     * @param name for messages and the log
     * @param model an ONNX file, whole
     * @param threads intra-op threads, the calling one included
     * @throws ConfigException if the graph cannot be loaded
     */
    @MustBeClosed
    public static OnnxModel open(String name, byte[] model, int threads) {
        return open(name, model, threads, false);
    }

    /**
     * The same for inputs of many shapes: nothing is kept from one run to the next, because memory that was laid out for one
     * shape does not fit the next and would pile up.
     */
    @MustBeClosed
    public static OnnxModel openForManyShapes(String name, byte[] model, int threads) {
        return open(name, model, threads, true);
    }

    @MustBeClosed
    private static OnnxModel open(String name, byte[] model, int threads, boolean manyShapes) {
        NativeLoading.initialise(OrtEnvironment.class, OrtSession.SessionOptions.class);
        try (var options = new OrtSession.SessionOptions()) {
            OrtEnvironment environment = OrtEnvironment.getEnvironment();
            options.setIntraOpNumThreads(threads);
            options.setCPUArenaAllocator(!manyShapes);
            options.setMemoryPatternOptimization(!manyShapes);
            options.setInterOpNumThreads(1);
            options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
            options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            // waiting threads would spin on the cores that decode the next images
            options.addConfigEntry("session.intra_op.allow_spinning", "0");
            OrtSession session = environment.createSession(model, options);
            LOG.info(
                    "event=model_loaded model={} provider=CPUExecutionProvider reason=\"the only provider of this ONNX"
                            + " Runtime\" onnxruntime={} threads={}",
                    name,
                    environment.getVersion(),
                    threads);
            return new OnnxModel(name, environment, session);
        } catch (OrtException e) {
            throw new ConfigException(name, List.of("ONNX Runtime cannot load the model: " + e.getMessage()));
        }
    }

    /** Names of the inputs, in the graph's order. */
    public List<String> inputs() {
        return List.copyOf(session.getInputNames());
    }

    /** Names of the outputs, in the graph's order. */
    public List<String> outputs() {
        return List.copyOf(session.getOutputNames());
    }

    /** The first dimension of an input, if the graph fixes it. */
    public OptionalLong fixedBatch(String input) {
        long[] shape = info(input).getShape();
        return shape.length > 0 && shape[0] > 0 ? OptionalLong.of(shape[0]) : OptionalLong.empty();
    }

    /** Whether an input takes float16. */
    public boolean isHalf(String input) {
        return info(input).type == OnnxJavaType.FLOAT16;
    }

    private TensorInfo info(String input) {
        try {
            NodeInfo node = session.getInputInfo().get(input);
            if (node == null || !(node.getInfo() instanceof TensorInfo info)) {
                throw new ConfigException(
                        name, List.of("the model has no input tensor \"" + input + "\", only " + inputs()));
            }
            return info;
        } catch (OrtException e) {
            throw new DeviceException("read the inputs of " + name, e);
        }
    }

    /**
     * Runs the graph on one float32 input. A direct buffer in native order is read where it lies.
     *
     * @param shape dimensions of {@code values}
     * @param output name of the output wanted
     */
    public Output run(String input, FloatBuffer values, long[] shape, String output) {
        checkOpen();
        try (OnnxTensor tensor = OnnxTensor.createTensor(environment, values, shape)) {
            return run(Map.of(input, tensor), output);
        } catch (OrtException e) {
            throw failed(shape, e);
        }
    }

    /**
     * Runs the graph on one float16 input.
     *
     * @param values direct, native order
     */
    public Output runHalf(String input, ByteBuffer values, long[] shape, String output) {
        checkOpen();
        try (OnnxTensor tensor = OnnxTensor.createTensor(environment, values, shape, OnnxJavaType.FLOAT16)) {
            return run(Map.of(input, tensor), output);
        } catch (OrtException e) {
            throw failed(shape, e);
        }
    }

    /**
     * Runs the graph on inputs of whole numbers, given as int64 and narrowed where the graph takes int32.
     *
     * @param inputs values by input name, each {@code shape[0] * shape[1]} long
     */
    public Output runTokens(Map<String, long[]> inputs, long[] shape, String output) {
        checkOpen();
        Map<String, OnnxTensor> tensors = new HashMap<>();
        try {
            for (Map.Entry<String, long[]> entry : inputs.entrySet()) {
                tensors.put(entry.getKey(), tokens(entry.getKey(), entry.getValue(), shape));
            }
            return run(tensors, output);
        } catch (OrtException e) {
            throw failed(shape, e);
        } finally {
            tensors.values().forEach(OnnxTensor::close);
        }
    }

    private OnnxTensor tokens(String input, long[] values, long[] shape) throws OrtException {
        if (info(input).type == OnnxJavaType.INT32) {
            IntBuffer narrow = ByteBuffer.allocateDirect(4 * values.length)
                    .order(ByteOrder.nativeOrder())
                    .asIntBuffer();
            for (int i = 0; i < values.length; i++) {
                narrow.put(i, (int) values[i]);
            }
            return OnnxTensor.createTensor(environment, narrow, shape);
        }
        return OnnxTensor.createTensor(environment, LongBuffer.wrap(values), shape);
    }

    private Output run(Map<String, ? extends OnnxTensorLike> inputs, String output) throws OrtException {
        try (OrtSession.Result result = session.run(inputs, java.util.Set.of(output))) {
            OnnxValue value = result.get(0);
            if (!(value instanceof OnnxTensor tensor)) {
                throw new ConfigException(name, List.of("the output \"" + output + "\" is no tensor"));
            }
            @Nullable FloatBuffer floats = tensor.getFloatBuffer();
            if (floats == null) {
                throw new ConfigException(
                        name, List.of("the output \"" + output + "\" is " + tensor.getInfo().type + ", not float"));
            }
            var values = new float[floats.remaining()];
            floats.get(values);
            return new Output(values, tensor.getInfo().getShape());
        }
    }

    private DeviceException failed(long[] shape, OrtException e) {
        return new DeviceException("run " + name + " on an input of " + java.util.Arrays.toString(shape), e);
    }

    private void checkOpen() {
        if (closed.get()) {
            throw new IllegalStateException(name + " is closed");
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            try {
                session.close();
            } catch (OrtException e) {
                throw new DeviceException("close " + name, e);
            }
        }
    }
}
