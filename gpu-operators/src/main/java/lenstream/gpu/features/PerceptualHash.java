package lenstream.gpu.features;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The DCT hash (pHash): luma averaged to 32 x 32 cells, its discrete cosine transform, and one bit for each of the 8 x 8
 * lowest frequencies that says whether the coefficient exceeds their median. Source: Zauner, "Implementation and
 * Benchmarking of Perceptual Image Hash Functions", 2010, section 3.2.
 *
 * <p>Chosen by measurement on the gallery (PERFORMANCE.md): difference and mean hashes put distinct photographs within
 * the distance that copies need; the DCT hash with and without the lowest row and column, over 32 or 64 cells, behave
 * alike, and this one keeps more copies within reach.
 */
final class PerceptualHash {
    /** Sides of the averaged picture and of the block of frequencies. */
    private static final int CELLS = 32;

    private static final int FREQUENCIES = 8;

    /** Below this standard deviation of the cells (of 255 levels) there is nothing to tell pictures apart by. */
    private static final double LEAST_CONTRAST = 2;

    /** Luma of BT.601. */
    private static final float RED = 0.299f;

    private static final float GREEN = 0.587f;
    private static final float BLUE = 0.114f;

    /** Row {@code u}: the cosine of frequency {@code u} at each cell, orthonormal. */
    private static final float[][] COSINES = cosines();

    private PerceptualHash() {}

    static @Nullable Long of(byte[] rgb, int width, int height) {
        float[] cells = cells(rgb, width, height);
        if (contrast(cells) < LEAST_CONTRAST) {
            return null;
        }
        float[] block = lowFrequencies(cells);
        float[] sorted = block.clone();
        Arrays.sort(sorted);
        float median = (sorted[31] + sorted[32]) / 2;
        long hash = 0;
        for (int i = 0; i < block.length; i++) {
            if (block[i] > median) {
                hash |= 1L << i;
            }
        }
        return hash;
    }

    /** Mean luma of each cell; a pixel that lies in two cells counts for both by its share. */
    private static float[] cells(byte[] rgb, int width, int height) {
        var cells = new float[CELLS * CELLS];
        var line = new float[width];
        float[] across = new float[CELLS];
        for (int y = 0; y < height; y++) {
            int at = y * width * 3;
            for (int x = 0; x < width; x++, at += 3) {
                line[x] = RED * (rgb[at] & 0xFF) + GREEN * (rgb[at + 1] & 0xFF) + BLUE * (rgb[at + 2] & 0xFF);
            }
            average(line, across);
            double top = (double) y * CELLS / height;
            double bottom = (double) (y + 1) * CELLS / height;
            for (int row = (int) top; row < CELLS && row < bottom; row++) {
                float share = (float) (Math.min(bottom, row + 1) - Math.max(top, row));
                for (int x = 0; x < CELLS; x++) {
                    cells[row * CELLS + x] += share * across[x];
                }
            }
        }
        return cells;
    }

    /** Means of {@code CELLS} equal parts of a line. */
    private static void average(float[] line, float[] means) {
        double width = (double) line.length / CELLS;
        for (int i = 0; i < CELLS; i++) {
            double from = i * width;
            double to = (i + 1) * width;
            int first = (int) from;
            int last = Math.min(line.length - 1, (int) to);
            if (first == last) {
                means[i] = line[first];
                continue;
            }
            float sum = (float) (first + 1 - from) * line[first] + (float) (to - last) * line[last];
            for (int x = first + 1; x < last; x++) {
                sum += line[x];
            }
            means[i] = (float) (sum / width);
        }
    }

    private static double contrast(float[] cells) {
        double sum = 0;
        double squares = 0;
        for (float cell : cells) {
            sum += cell;
            squares += (double) cell * cell;
        }
        double mean = sum / cells.length;
        return Math.sqrt(Math.max(0, squares / cells.length - mean * mean));
    }

    /** The lowest 8 x 8 frequencies, row {@code v} by row. */
    private static float[] lowFrequencies(float[] cells) {
        var rows = new float[CELLS * FREQUENCIES];
        for (int y = 0; y < CELLS; y++) {
            for (int u = 0; u < FREQUENCIES; u++) {
                float sum = 0;
                for (int x = 0; x < CELLS; x++) {
                    sum += COSINES[u][x] * cells[y * CELLS + x];
                }
                rows[y * FREQUENCIES + u] = sum;
            }
        }
        var block = new float[FREQUENCIES * FREQUENCIES];
        for (int v = 0; v < FREQUENCIES; v++) {
            for (int y = 0; y < CELLS; y++) {
                float cosine = COSINES[v][y];
                for (int u = 0; u < FREQUENCIES; u++) {
                    block[v * FREQUENCIES + u] += cosine * rows[y * FREQUENCIES + u];
                }
            }
        }
        return block;
    }

    private static float[][] cosines() {
        var table = new float[FREQUENCIES][CELLS];
        for (int u = 0; u < FREQUENCIES; u++) {
            double scale = Math.sqrt((u == 0 ? 1.0 : 2.0) / CELLS);
            for (int x = 0; x < CELLS; x++) {
                table[u][x] = (float) (scale * Math.cos(Math.PI * u * (2 * x + 1) / (2 * CELLS)));
            }
        }
        return table;
    }
}
