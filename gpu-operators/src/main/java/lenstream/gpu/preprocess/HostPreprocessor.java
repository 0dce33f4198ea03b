package lenstream.gpu.preprocess;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.concurrent.ConcurrentLinkedQueue;
import lenstream.core.model.Preprocessing;
import lenstream.core.model.Preprocessing.ChannelOrder;
import lenstream.gpu.decode.Pixels;

/**
 * Preprocesses on the CPU, equal in every byte to Pillow 12.0 up to the normalisation, which is exact in float32.
 *
 * <p>Thread-safe; each thread at work has its own scratch space, kept for reuse.
 */
public final class HostPreprocessor implements Preprocessor {
    private final Preprocessing rules;
    private final float[][] levels;
    private final ConcurrentLinkedQueue<Scratch> idle = new ConcurrentLinkedQueue<>();

    private static final class Scratch {
        final Resizer resizer = new Resizer();
        final byte[] square;
        final float[] plane;

        Scratch(int size) {
            square = new byte[size * size * 3];
            plane = new float[size * size];
        }
    }

    public HostPreprocessor(Preprocessing rules) {
        this.rules = rules;
        this.levels = new float[3][256];
        for (int channel = 0; channel < 3; channel++) {
            float mean = rules.mean().get(channel).floatValue();
            float std = rules.std().get(channel).floatValue();
            for (int value = 0; value < 256; value++) {
                levels[channel][value] = ((float) (value * rules.scale()) - mean) / std;
            }
        }
    }

    @Override
    public int size() {
        return rules.size();
    }

    @Override
    public void apply(Pixels pixels, HostTensor target, int row) {
        Scratch scratch = idle.poll();
        if (scratch == null) {
            scratch = new Scratch(rules.size());
        }
        byte[] square = scratch.square;
        resize(pixels, scratch.resizer, square);
        FloatBuffer out = target.rowView(row);
        int area = square.length / 3;
        float[] plane = scratch.plane;
        for (int channel = 0; channel < 3; channel++) {
            int from = rules.channelOrder() == ChannelOrder.RGB ? channel : 2 - channel;
            float[] level = levels[channel];
            for (int i = 0; i < area; i++) {
                plane[i] = level[square[3 * i + from] & 0xFF];
            }
            out.put(channel * area, plane, 0, area);
        }
        idle.offer(scratch);
    }

    /** The bytes after resizing and cropping: {@code size * size} pixels of RGB. */
    byte[] resized(Pixels pixels) {
        var square = new byte[rules.size() * rules.size() * 3];
        resize(pixels, new Resizer(), square);
        return square;
    }

    private void resize(Pixels pixels, Resizer resizer, byte[] square) {
        int size = rules.size();
        Geometry geometry = Geometry.of(rules, pixels.width(), pixels.height());
        boolean padded = geometry.width() != size || geometry.height() != size;
        byte[] window = padded ? new byte[geometry.width() * geometry.height() * 3] : square;
        resizer.resize(
                pixels.rgbView(),
                pixels.width(),
                pixels.height(),
                geometry.resizedWidth(),
                geometry.resizedHeight(),
                rules.interpolation(),
                geometry.left(),
                geometry.top(),
                geometry.width(),
                geometry.height(),
                window);
        if (padded) {
            Arrays.fill(square, (byte) 0);
            for (int y = 0; y < geometry.height(); y++) {
                System.arraycopy(
                        window,
                        y * geometry.width() * 3,
                        square,
                        ((geometry.padTop() + y) * size + geometry.padLeft()) * 3,
                        geometry.width() * 3);
            }
        }
    }

    /** Holds nothing but arrays for reuse; there is nothing to release. */
    @Override
    public void close() {
        idle.clear();
    }
}
