package lenstream.gpu.embed.trt;

import static org.bytedeco.onnxruntime.global.onnxruntime.GetApi;
import static org.bytedeco.onnxruntime.global.onnxruntime.ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
import static org.bytedeco.onnxruntime.global.onnxruntime.ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;
import static org.bytedeco.onnxruntime.global.onnxruntime.OrtDeviceAllocator;
import static org.bytedeco.onnxruntime.global.onnxruntime.OrtMemTypeDefault;

import com.google.errorprone.annotations.MustBeClosed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import lenstream.core.model.ImageTower;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.cuda.Cuda;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.Graph;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.embed.DeviceException;
import lenstream.gpu.embed.DeviceLost;
import lenstream.gpu.embed.OutOfDeviceMemory;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.onnxruntime.IoBinding;
import org.bytedeco.onnxruntime.MemoryInfo;
import org.bytedeco.onnxruntime.OrtApi;
import org.bytedeco.onnxruntime.OrtCUDAProviderOptionsV2;
import org.bytedeco.onnxruntime.OrtStatus;
import org.bytedeco.onnxruntime.OrtTensorRTProviderOptionsV2;
import org.bytedeco.onnxruntime.RunOptions;
import org.bytedeco.onnxruntime.Session;
import org.bytedeco.onnxruntime.SessionOptions;
import org.bytedeco.onnxruntime.Value;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The image tower of a bundle on a device: ONNX Runtime with the TensorRT provider, or the CUDA provider where TensorRT is
 * missing or fails, on a stream of the caller. Inputs and outputs stay in device memory, bound by {@link #bind}; {@link
 * EmbedBinding#run} only queues.
 *
 * <p>Confined to the thread of its stream. Its bindings are closed before it.
 */
public final class DeviceEmbedder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceEmbedder.class);

    /**
     * Rows of the smaller sessions of the CUDA provider. ONNX Runtime's convolutions keep cuDNN's plan of their last shape only:
     * one session that sees 1 row, then 2, then 1 plans all its convolutions anew each time, which takes a model of many of them
     * 0.2 s. So each session sees one number of rows, and fewer are run as that many. A factor of four apart wastes little: up to
     * some tens of rows a device hardly takes longer.
     */
    private static final int[] FEW_ROWS = {8, 32};

    /** By the rows that they take, ascending; TensorRT's is one for all. */
    private final List<Sized> sessions;

    private final MemoryInfo memory;
    private final RunOptions runOptions;
    private final ImageTower tower;
    private final String output;
    private final int dim;
    private final Provider provider;
    private final OrtEnvironment environment;
    private final Stream stream;

    /** Cleared when the first recording fails: what is not recorded is queued kernel by kernel. */
    private boolean recording;

    private boolean closed;

    /** A session that takes up to so many rows. */
    private record Sized(int rows, Session session) {}

    private DeviceEmbedder(
            OrtEnvironment environment,
            List<Sized> sessions,
            Device device,
            Stream stream,
            ImageTower tower,
            int dim,
            Provider provider,
            boolean recording) {
        this.environment = environment;
        this.stream = stream;
        this.recording = recording;
        this.sessions = List.copyOf(sessions);
        this.memory = new MemoryInfo("Cuda", OrtDeviceAllocator, device.index(), OrtMemTypeDefault);
        this.runOptions = new RunOptions();
        // without it every run would wait for the device
        runOptions.AddConfigEntry("disable_synchronize_execution_providers", "1");
        this.tower = tower;
        this.output = outputName(sessions.getFirst().session(), tower);
        this.dim = dim;
        this.provider = provider;
    }

    private static String outputName(Session session, ImageTower tower) {
        String name = tower.output().name();
        if (name != null) {
            return name;
        }
        return session.GetOutputNames().get(tower.output().outputIndex()).getString();
    }

    /**
     * Opens the tower with the first provider that works. Building a TensorRT engine takes minutes, once: it is kept in the
     * cache folder.
     *
     * @throws DeviceException if no provider of the device works
     */
    @MustBeClosed
    public static DeviceEmbedder open(ModelBundle bundle, Device device, Stream stream, EmbedderConfig config) {
        DeviceException failure = null;
        for (Provider provider : Provider.values()) {
            if (provider.compareTo(config.firstProvider()) < 0) {
                continue;
            }
            try {
                return withFreshCache(bundle, device, stream, config, provider);
            } catch (DeviceException e) {
                LOG.warn("event=provider_failed provider={} reason=\"{}\"", provider.onnxName(), e.getMessage());
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        throw failure == null
                ? new DeviceException("no provider to open " + bundle.imageModel() + " with", null)
                : failure;
    }

    /** What is cached does not load: it was written by another TensorRT, say. */
    private static final class StaleCache extends Exception {
        private static final long serialVersionUID = 1;

        private final transient DeviceException failure;

        StaleCache(DeviceException failure) {
            super(failure);
            this.failure = failure;
        }
    }

    /** Builds anew, once, if what is cached does not load. */
    @MustBeClosed
    private static DeviceEmbedder withFreshCache(
            ModelBundle bundle, Device device, Stream stream, EmbedderConfig config, Provider provider) {
        try {
            return open(bundle, device, stream, config, provider);
        } catch (StaleCache stale) {
            LOG.warn("event=engine_cache_refused action=\"build anew\" reason=\"{}\"", stale.getMessage());
            try {
                return open(bundle, device, stream, config, provider);
            } catch (StaleCache again) {
                throw again.failure;
            }
        }
    }

    @MustBeClosed
    private static DeviceEmbedder open(
            ModelBundle bundle, Device device, Stream stream, EmbedderConfig config, Provider provider)
            throws StaleCache {
        long start = System.nanoTime();
        OrtApi api = api();
        OrtEnvironment environment = OrtEnvironment.get(); // first: providers log through it
        try (EngineCache cache = provider == Provider.TENSORRT
                        ? EngineCache.open(config, bundle.fingerprint(), device, versions())
                        : null;
                var progress = new Progress(LOG, "event=model_opening provider=" + provider.onnxName());
                var options = new SessionOptions()) {
            if (cache != null) {
                LOG.info(
                        "event=engine_cache device=\"{}\" engine_cached={} folder={}{}",
                        device.name(),
                        cache.isWarm(),
                        cache.folder(),
                        cache.isWarm() ? "" : " note=\"building the engine takes minutes, once\"");
            }
            ImageTower tower = bundle.encoder().image();
            if (cache != null) {
                appendTensorRt(
                        api,
                        options,
                        stream,
                        device,
                        config,
                        cache,
                        tower,
                        bundle.encoder().image().preprocessing().size());
            }
            appendCuda(api, options, stream, device);
            var embedder = new DeviceEmbedder(
                    environment,
                    sessions(environment, options, bundle, cache, config),
                    device,
                    stream,
                    tower,
                    bundle.encoder().dim(),
                    provider,
                    // only where the whole model is one engine: other providers take memory from an arena as they go
                    config.graphs() && cache != null && cache.hasCompiledModel());
            try {
                embedder.plan(device);
            } catch (RuntimeException e) {
                embedder.close();
                throw e;
            }
            LOG.info(
                    "event=model_loaded model={} provider={} half={} max_batch={} seconds={}",
                    bundle.imageModel().getFileName(),
                    provider.onnxName(),
                    config.half(),
                    config.maxBatch(),
                    Duration.ofNanos(System.nanoTime() - start).toMillis() / 1000.0);
            return embedder;
        }
    }

    private static List<Sized> sessions(
            OrtEnvironment environment,
            SessionOptions options,
            ModelBundle bundle,
            @Nullable EngineCache cache,
            EmbedderConfig config)
            throws StaleCache {
        int most = config.maxBatch();
        if (cache != null) {
            return List.of(new Sized(most, session(environment, options, bundle, cache)));
        }
        var sessions = new ArrayList<Sized>();
        try {
            for (int rows : IntStream.concat(IntStream.of(FEW_ROWS).filter(few -> few < most), IntStream.of(most))
                    .toArray()) {
                sessions.add(new Sized(rows, environment.session(bundle.imageModel(), options)));
            }
            return sessions;
        } catch (RuntimeException e) { // JavaCPP's form of Ort::Exception
            sessions.forEach(sized -> environment.close(sized.session()));
            throw new DeviceException(
                    "open " + bundle.imageModel() + " with " + Provider.CUDA.onnxName() + ": " + e.getMessage(), e);
        }
    }

    /** From the cache's compiled model, if there is one; else from the bundle's. */
    private static Session session(
            OrtEnvironment environment, SessionOptions options, ModelBundle bundle, EngineCache cache)
            throws StaleCache {
        boolean warm = cache.isWarm();
        try {
            if (cache.hasCompiledModel()) {
                Session session = environment.session(cache.compiledModel(), options);
                if (cache.names().equals(names(session))) {
                    return session;
                }
                LOG.info("event=compiled_model_unused reason=\"TensorRT takes only a part of the model\"");
                environment.close(session);
                cache.forgetCompiledModel();
            }
            Session session = environment.session(bundle.imageModel(), options);
            cache.keepNames(names(session));
            return session;
        } catch (RuntimeException e) { // JavaCPP's form of Ort::Exception
            var failure = new DeviceException(
                    "open " + bundle.imageModel() + " with " + Provider.TENSORRT.onnxName() + ": " + e.getMessage(), e);
            if (warm) {
                cache.clear();
                throw new StaleCache(failure);
            }
            throw failure;
        }
    }

    /** Names of inputs and outputs. */
    private static List<String> names(Session session) {
        var names = new ArrayList<String>();
        var inputs = session.GetInputNames();
        for (long i = 0; i < inputs.size(); i++) {
            names.add("in " + inputs.get(i).getString());
        }
        var outputs = session.GetOutputNames();
        for (long i = 0; i < outputs.size(); i++) {
            names.add("out " + outputs.get(i).getString());
        }
        return names;
    }

    private static OrtApi api() {
        OrtApi api = GetApi();
        if (api == null || api.isNull()) {
            throw new DeviceException("this ONNX Runtime does not offer the API of its Java classes", null);
        }
        return api;
    }

    private static String versions() {
        return "ort"
                + org.bytedeco.onnxruntime.global.onnxruntime.GetVersionString().getString();
    }

    private static void appendTensorRt(
            OrtApi api,
            SessionOptions options,
            Stream stream,
            Device device,
            EmbedderConfig config,
            EngineCache cache,
            ImageTower tower,
            int size) {
        Map<String, String> settings = new LinkedHashMap<>();
        String shape = tower.input().name() + ":%dx3x" + size + "x" + size;
        settings.put("device_id", Integer.toString(device.index()));
        settings.put("trt_fp16_enable", config.half() ? "1" : "0");
        settings.put("trt_engine_cache_enable", "1");
        if (!cache.wantsCompiledModel()) {
            settings.put("trt_engine_cache_path", cache.folder().toString());
        } else {
            // ONNX Runtime wants the engine beside the compiled model that names it, by a path from there
            settings.put("trt_dump_ep_context_model", "1");
            settings.put("trt_ep_context_file_path", cache.compiledModel().toString());
            settings.put("trt_engine_cache_path", ".");
        }
        settings.put("trt_timing_cache_enable", "1");
        settings.put("trt_timing_cache_path", cache.folder().toString());
        settings.put("trt_builder_optimization_level", Integer.toString(config.builderLevel()));
        settings.put("trt_profile_min_shapes", shape.formatted(1));
        settings.put("trt_profile_opt_shapes", shape.formatted(config.maxBatch()));
        settings.put("trt_profile_max_shapes", shape.formatted(config.maxBatch()));
        var tensorRt = new OrtTensorRTProviderOptionsV2();
        check(api, api.CreateTensorRTProviderOptions(tensorRt), "make TensorRT's options");
        try (var keys = new PointerPointer<BytePointer>(settings.keySet().toArray(new String[0]));
                var values = new PointerPointer<BytePointer>(settings.values().toArray(new String[0]))) {
            check(
                    api,
                    api.UpdateTensorRTProviderOptions(tensorRt, keys, values, settings.size()),
                    "set TensorRT's options");
        }
        check(
                api,
                api.UpdateTensorRTProviderOptionsWithValue(
                        tensorRt, new BytePointer("user_compute_stream"), stream.handleView()),
                "give TensorRT a stream");
        try {
            options.AppendExecutionProvider_TensorRT_V2(tensorRt);
        } catch (RuntimeException e) {
            throw new DeviceException("load ONNX Runtime's TensorRT provider: " + e.getMessage(), e);
        } finally {
            api.ReleaseTensorRTProviderOptions().call(tensorRt);
        }
    }

    private static void appendCuda(OrtApi api, SessionOptions options, Stream stream, Device device) {
        var cuda = new OrtCUDAProviderOptionsV2();
        check(api, api.CreateCUDAProviderOptions(cuda), "make CUDA's options");
        // cuDNN's heuristics instead of trying every algorithm, which takes seconds for each new number of rows
        try (var keys = new PointerPointer<BytePointer>("device_id", "cudnn_conv_algo_search");
                var values = new PointerPointer<BytePointer>(Integer.toString(device.index()), "HEURISTIC")) {
            check(api, api.UpdateCUDAProviderOptions(cuda, keys, values, 2), "set CUDA's options");
        }
        check(
                api,
                api.UpdateCUDAProviderOptionsWithValue(
                        cuda, new BytePointer("user_compute_stream"), stream.handleView()),
                "give CUDA a stream");
        try {
            options.AppendExecutionProvider_CUDA_V2(cuda);
        } catch (RuntimeException e) {
            throw new DeviceException("load ONNX Runtime's CUDA provider: " + e.getMessage(), e);
        } finally {
            api.ReleaseCUDAProviderOptions().call(cuda);
        }
    }

    private static void check(OrtApi api, OrtStatus status, String what) {
        if (status != null && !status.isNull()) {
            String message = api.GetErrorMessage().call(status).getString();
            api.ReleaseStatus(status);
            throw new DeviceException(what + ": " + message, null);
        }
    }

    public Provider provider() {
        return provider;
    }

    /** Length of the embeddings. */
    public int dim() {
        return dim;
    }

    /** Whether outputs are float16. */
    public boolean isHalfOutput() {
        return tower.output().type().equals("float16");
    }

    /** Whether inputs are float16. */
    public boolean isHalfInput() {
        return tower.input().type().equals("float16");
    }

    /** Ties an input and an output in device memory, both borrowed, to this tower. */
    @MustBeClosed
    public EmbedBinding bind(DeviceBuffer input, DeviceBuffer embeddings) {
        return new EmbedBinding(this, input, embeddings);
    }

    /** Lets the sessions that see one number of rows each find their plans before anybody waits for them. */
    private void plan(Device device) {
        if (provider != Provider.CUDA) {
            return;
        }
        int most = sessions.getLast().rows();
        try (DeviceBuffer input = device.allocate("plan", most * inputRowBytes());
                DeviceBuffer embeddings = device.allocate("plan", most * outputRowBytes());
                EmbedBinding binding = bind(input, embeddings)) {
            for (Sized sized : sessions) {
                binding.run(0, sized.rows());
            }
            stream.synchronize();
        }
    }

    int sessions() {
        return sessions.size();
    }

    /** Index of the session for so many rows. */
    int sessionFor(int rows) {
        int index = 0;
        while (index < sessions.size() - 1 && sessions.get(index).rows() < rows) {
            index++;
        }
        return index;
    }

    /** How many rows that session is to run instead of fewer. */
    int rowsOf(int index, int rows) {
        return provider == Provider.CUDA ? Math.max(rows, sessions.get(index).rows()) : rows;
    }

    @MustBeClosed
    IoBinding binding(int index) {
        return new IoBinding(sessions.get(index).session());
    }

    private long inputRowBytes() {
        int size = tower.preprocessing().size();
        return (isHalfInput() ? 2L : 4L) * 3 * size * size;
    }

    private long outputRowBytes() {
        return (isHalfOutput() ? 2L : 4L) * dim;
    }

    /** Rows of the tower's input that a buffer holds. */
    int rowsIn(DeviceBuffer input) {
        return (int) (input.bytes() / inputRowBytes());
    }

    void bindRows(IoBinding binding, DeviceBuffer input, DeviceBuffer embeddings, int from, int rows) {
        int size = tower.preprocessing().size();
        long inputRow = inputRowBytes();
        long outputRow = outputRowBytes();
        try (Value in = tensor(input, inputRow, from, new long[] {rows, 3, size, size}, isHalfInput());
                Value out = tensor(embeddings, outputRow, from, new long[] {rows, dim}, isHalfOutput())) {
            binding.BindInput(tower.input().name(), in); // the binding keeps its own references
            binding.BindOutput(output, out);
        }
    }

    private Value tensor(DeviceBuffer buffer, long rowBytes, int from, long[] shape, boolean half) {
        long bytes = rowBytes * shape[0];
        if (rowBytes * from + bytes > buffer.bytes()) {
            throw new IllegalArgumentException(
                    "rows " + from + " to " + (from + shape[0]) + " end behind " + buffer.bytes() + " bytes");
        }
        return Value.CreateTensor(
                memory.asOrtMemoryInfo(),
                Cuda.at(buffer.address() + rowBytes * from),
                bytes,
                shape,
                shape.length,
                half ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
    }

    void run(int index, IoBinding binding, int rows) {
        try {
            sessions.get(index).session().Run(runOptions, binding);
        } catch (RuntimeException e) { // JavaCPP's form of Ort::Exception
            String message = "embed " + rows + " images with " + provider.onnxName() + ": " + e.getMessage();
            if (message.toLowerCase(Locale.ROOT).contains("out of memory")) {
                throw new OutOfDeviceMemory(message);
            }
            throw new DeviceException(message, e);
        }
    }

    /**
     * Records a run of what is bound; it has to have run before, with the same rows, just now.
     *
     * @return null if runs cannot be recorded
     */
    @MustBeClosed
    @Nullable
    Graph record(int index, IoBinding binding, int rows) {
        if (!recording) {
            return null;
        }
        try {
            return Graph.record(stream, () -> run(index, binding, rows));
        } catch (DeviceLost e) {
            throw e;
        } catch (DeviceException e) {
            recording = false;
            LOG.warn("event=embed_not_recorded rows={} reason=\"{}\"", rows, e.getMessage());
            return null;
        }
    }

    void launch(Graph recorded) {
        recorded.launch(stream);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            runOptions.close();
            memory.close();
            sessions.forEach(sized -> environment.close(sized.session()));
        }
    }
}
