package lenstream.gpu.decode;

import java.util.List;

/**
 * Decodes encoded images to 8-bit RGB pixels: the format is sniffed from the bytes, the EXIF orientation applied, alpha
 * composited on white, 16-bit samples cut to their high byte, palettes and gray expanded, CMYK multiplied out, and of
 * an animation the first frame taken. Limits are enforced on the header, before anything is allocated.
 *
 * <p>A bad image is an outcome, never an exception, and never harms its neighbours. Implementations say which threads
 * may call them.
 */
public interface ImageDecoder extends AutoCloseable {

    /**
     * Decodes every row of the batch, which is borrowed.
     *
     * @return one outcome a row, in the same order; the caller owns the pixels in it
     */
    List<Decoded> decode(EncodedBatch batch);

    @Override
    void close();
}
