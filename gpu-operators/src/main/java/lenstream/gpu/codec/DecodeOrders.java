package lenstream.gpu.codec;

import lenstream.gpu.decode.JpegStructure.Sampling;

/**
 * A batch of JPEGs to decode: where their bytes lie in pinned memory, where their pixels go in device memory (8-bit RGB,
 * interleaved, rows without padding, as stored: not turned), and afterwards which ones were decoded. All of them passed {@link
 * lenstream.gpu.decode.JpegStructure}. Reused from batch to batch. Confined.
 */
public final class DecodeOrders {
    private final long[] encoded;
    private final int[] lengths;
    private final long[] pixels;
    private final int[] widths;
    private final int[] heights;
    private final Sampling[] samplings;
    private final boolean[] decoded;
    private int size;

    public DecodeOrders(int capacity) {
        encoded = new long[capacity];
        lengths = new int[capacity];
        pixels = new long[capacity];
        widths = new int[capacity];
        heights = new int[capacity];
        samplings = new Sampling[capacity];
        decoded = new boolean[capacity];
    }

    /** Forgets the last batch. */
    public void clear() {
        size = 0;
    }

    /**
     * Adds an image.
     *
     * @param length of the bytes, the end marker included and nothing behind it
     * @param width as the header says; the decoder has to agree, or the image counts as not decoded
     * @return its number
     */
    public int add(long encodedAddress, int length, long pixelsAddress, int width, int height, Sampling sampling) {
        encoded[size] = encodedAddress;
        lengths[size] = length;
        pixels[size] = pixelsAddress;
        widths[size] = width;
        heights[size] = height;
        samplings[size] = sampling;
        decoded[size] = false;
        return size++;
    }

    public int size() {
        return size;
    }

    public int capacity() {
        return encoded.length;
    }

    /** Whether image {@code number} was decoded. */
    public boolean isDecoded(int number) {
        return decoded[number];
    }

    long encoded(int number) {
        return encoded[number];
    }

    int length(int number) {
        return lengths[number];
    }

    /** Where the pixels of image {@code number} go. */
    public long pixels(int number) {
        return pixels[number];
    }

    int width(int number) {
        return widths[number];
    }

    int height(int number) {
        return heights[number];
    }

    Sampling sampling(int number) {
        return samplings[number];
    }

    void decoded(int number, boolean value) {
        decoded[number] = value;
    }
}
