package lenstream.gpu.embed.onnx;

import com.google.errorprone.annotations.MustBeClosed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import lenstream.core.config.ConfigException;
import lenstream.core.model.Encoder;
import lenstream.core.model.ImageTower;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.embed.Embedding;
import lenstream.gpu.embed.ImageEmbedder;
import lenstream.gpu.preprocess.HostTensor;

/**
 * The image tower of a model bundle on ONNX Runtime's CPU provider. Float32 inputs are read where they lie; a float16
 * graph gets a converted copy. Owns its model.
 *
 * <p>Thread-safe.
 */
public final class OnnxImageEmbedder implements ImageEmbedder {
    private final OnnxModel model;
    private final Encoder encoder;
    private final String output;
    private final boolean half;
    private final boolean oneByOne;

    private OnnxImageEmbedder(OnnxModel model, Encoder encoder, String output, boolean half, boolean oneByOne) {
        this.model = model;
        this.encoder = encoder;
        this.output = output;
        this.half = half;
        this.oneByOne = oneByOne;
    }

    /**
     * Loads the tower and checks that its tensors are what the bundle says.
     *
     * @param threads intra-op threads, the calling one included
     * @throws ConfigException if the graph cannot be loaded or has other tensors
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static OnnxImageEmbedder open(ModelBundle bundle, int threads) {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(bundle.imageModel());
        } catch (IOException e) {
            throw new UncheckedIOException("read " + bundle.imageModel(), e);
        }
        OnnxModel model = OnnxModel.open(bundle.imageModel().getFileName().toString(), bytes, threads);
        try {
            return open(bundle, model);
        } catch (Throwable failure) {
            model.close();
            throw failure;
        }
    }

    @MustBeClosed
    private static OnnxImageEmbedder open(ModelBundle bundle, OnnxModel model) {
        ImageTower tower = bundle.encoder().image();
        String source = bundle.directory().resolve("encoder.json").toString();
        String input = tower.input().name();
        if (!model.inputs().contains(input)) {
            throw new ConfigException(
                    source,
                    List.of("image.input.name: the model has no input \"" + input + "\", only " + model.inputs()));
        }
        String output = tower.output().name();
        if (output == null) {
            int index = tower.output().outputIndex();
            if (index < 0 || index >= model.outputs().size()) {
                throw new ConfigException(
                        source,
                        List.of("image.output.output_index: the model has no output " + index + ", only "
                                + model.outputs()));
            }
            output = model.outputs().get(index);
        } else if (!model.outputs().contains(output)) {
            throw new ConfigException(
                    source,
                    List.of("image.output.name: the model has no output \"" + output + "\", only " + model.outputs()));
        }
        boolean half = model.isHalf(input);
        if (half != tower.input().type().equals("float16")) {
            throw new ConfigException(
                    source, List.of("image.input.type: the model takes " + (half ? "float16" : "float32")));
        }
        OptionalLong fixed = model.fixedBatch(input);
        if (fixed.isPresent() && fixed.getAsLong() != 1) {
            throw new ConfigException(
                    source,
                    List.of("image.input: the model's batch is fixed at " + fixed.getAsLong()
                            + "; export it with a free one"));
        }
        return new OnnxImageEmbedder(model, bundle.encoder(), output, half, fixed.isPresent());
    }

    @Override
    public int dim() {
        return encoder.dim();
    }

    @Override
    public List<Embedding> embed(HostTensor tensor, int rows) {
        var out = new ArrayList<Embedding>(rows);
        if (oneByOne) {
            for (int row = 0; row < rows; row++) {
                run(tensor.rowView(row), 1, tensor.size(), out);
            }
        } else if (rows > 0) {
            run(tensor.view(rows), rows, tensor.size(), out);
        }
        return out;
    }

    private void run(FloatBuffer values, int rows, int size, List<Embedding> out) {
        long[] shape = {rows, 3, size, size};
        String input = encoder.image().input().name();
        OnnxModel.Output result =
                half ? model.runHalf(input, toHalf(values), shape, output) : model.run(input, values, shape, output);
        int dim = encoder.dim();
        if (result.values().length != rows * dim) {
            throw new ConfigException(
                    encoder.name(),
                    List.of("dim: the output \"" + output + "\" of " + rows + " images has " + result.values().length
                            + " values, not " + rows + " x " + dim));
        }
        for (int row = 0; row < rows; row++) {
            out.add(Embedding.of(result.values(), row * dim, dim, encoder.normalised()));
        }
    }

    private static ByteBuffer toHalf(FloatBuffer values) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(2 * values.remaining()).order(ByteOrder.nativeOrder());
        ShortBuffer halves = bytes.asShortBuffer();
        for (int i = 0; i < values.remaining(); i++) {
            halves.put(i, Float.floatToFloat16(values.get(i)));
        }
        return bytes;
    }

    @Override
    public void close() {
        model.close();
    }
}
