package lenstream.gpu.decode;

import com.google.errorprone.annotations.MustBeClosed;

/**
 * Decoded pixels on the heap: 8-bit RGB, interleaved, rows from top to bottom without padding, after orientation.
 *
 * <p>Whoever receives it owns it and closes it, which hands the array back to the decoder's pool; afterwards the array
 * belongs to somebody else. Confined to one thread at a time.
 */
public final class Pixels implements AutoCloseable {
    private final byte[] rgb;
    private final int width;
    private final int height;
    private final PixelPool pool;
    private final long reserved;
    private boolean closed;

    /** @param reserved what {@link PixelPool#reserve} gave for this picture, given back at the end */
    Pixels(byte[] rgb, int width, int height, PixelPool pool, long reserved) {
        this.reserved = reserved;
        this.rgb = rgb;
        this.width = width;
        this.height = height;
        this.pool = pool;
    }

    /** The samples; {@code 3 * width * height} of them count, the array may be longer. Borrowed until {@link #close()}. */
    public byte[] rgbView() {
        if (closed) {
            throw new IllegalStateException("pixels are closed");
        }
        return rgb;
    }

    public int width() {
        return width;
    }

    public int height() {
        return height;
    }

    /**
     * A copy of a box, cut off at the borders, which the caller owns.
     *
     * @throws IllegalArgumentException if nothing of it lies inside
     */
    @MustBeClosed
    public Pixels crop(int x, int y, int boxWidth, int boxHeight) {
        int endX = (int) Math.min(width, (long) x + boxWidth);
        int endY = (int) Math.min(height, (long) y + boxHeight);
        if (x < 0 || y < 0 || endX <= x || endY <= y) {
            throw new IllegalArgumentException("the region [" + x + ", " + y + ", " + boxWidth + ", " + boxHeight
                    + "] lies outside the image of " + width + " x " + height);
        }
        byte[] source = rgbView();
        int length = (endX - x) * 3;
        byte[] part = pool.take(length * (endY - y));
        for (int row = y; row < endY; row++) {
            System.arraycopy(source, (row * width + x) * 3, part, (row - y) * length, length);
        }
        return new Pixels(part, endX - x, endY - y, pool, 0);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            pool.give(rgb);
            pool.release(reserved);
        }
    }
}
