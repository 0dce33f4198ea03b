package lenstream.gpu.ocr;

import java.nio.FloatBuffer;
import java.util.List;

/**
 * A small picture on its way into a network.
 *
 * @param bgr 8-bit, interleaved, rows without padding; never written after construction
 */
record Strip(byte[] bgr, int width, int height) {
    private static final int CHANNELS = 3;

    /**
     * Writes {@code (x/255 - mean) / std} in planes of blue, green and red; right of the picture stay zeros.
     *
     * @param values of which {@code 3 * height * rowLength} from {@code start} on are written
     * @param rowLength at least the width
     */
    void write(FloatBuffer values, int start, int rowLength, List<Double> mean, List<Double> std) {
        for (int channel = 0; channel < CHANNELS; channel++) {
            var table = new float[256];
            for (int i = 0; i < table.length; i++) {
                table[i] = (float) ((i / 255.0 - mean.get(channel)) / std.get(channel));
            }
            int to = start + channel * height * rowLength;
            int from = channel;
            for (int y = 0; y < height; y++, to += rowLength) {
                for (int x = 0; x < width; x++, from += CHANNELS) {
                    values.put(to + x, table[bgr[from] & 0xFF]);
                }
                for (int x = width; x < rowLength; x++) {
                    values.put(to + x, 0);
                }
            }
        }
    }

    /** The same on its head. */
    Strip turned() {
        var out = new byte[bgr.length];
        for (int from = 0, to = bgr.length - CHANNELS; from < bgr.length; from += CHANNELS, to -= CHANNELS) {
            System.arraycopy(bgr, from, out, to, CHANNELS);
        }
        return new Strip(out, width, height);
    }

    /** The same with fewer columns, each the mean of those that it stands for. */
    Strip narrowed(int columns) {
        if (columns >= width) {
            return this;
        }
        var out = new byte[columns * height * CHANNELS];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < columns; x++) {
                int begin = x * width / columns;
                int end = Math.max(begin + 1, (x + 1) * width / columns);
                for (int channel = 0; channel < CHANNELS; channel++) {
                    int sum = 0;
                    for (int column = begin; column < end; column++) {
                        sum += bgr[(y * width + column) * CHANNELS + channel] & 0xFF;
                    }
                    out[(y * columns + x) * CHANNELS + channel] = (byte) (sum / (end - begin));
                }
            }
        }
        return new Strip(out, columns, height);
    }
}
