package lenstream.gpu.decode;

import com.twelvemonkeys.imageio.plugins.tiff.TIFFImageReaderSpi;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentSampleModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * TIFF, BMP and four-component JPEG by image readers on the JVM: rare enough that memory safety counts for more than
 * speed. Readers are made by name, not looked up, since a plug-in registry does not see the class loader of a Flink job.
 */
final class PlainJava {
    private PlainJava() {}

    static void decode(ByteBuffer bytes, ImageHeader header, Ground ground, byte[] rgb) throws UndecodableException {
        var copy = new byte[bytes.limit()];
        bytes.get(0, copy);
        ImageReader reader = null;
        try (var input = new MemoryCacheImageInputStream(new ByteArrayInputStream(copy))) {
            reader = reader(header.format());
            reader.setInput(input, true, true);
            if (reader.getWidth(0) != header.width() || reader.getHeight(0) != header.height()) {
                throw UndecodableException.corrupt(header.format() + ": its header gives two different sizes");
            }
            switch (header.variant()) {
                case ORDINARY -> read(reader, header, ground, rgb);
                case CMYK -> inkRaster(reader.readRaster(0, null), 255, rgb);
                case YCCK -> ycck(reader.readRaster(0, null), rgb);
            }
        } catch (EOFException e) {
            throw UndecodableException.truncated(header.format() + ": the file ends within its pixels");
        } catch (IOException | RuntimeException e) {
            // the readers answer hostile input with exceptions of every kind; each means that this image is bad
            throw UndecodableException.corrupt(header.format() + ": the decoder says: " + e);
        } finally {
            if (reader != null) {
                reader.dispose();
            }
        }
    }

    private static ImageReader reader(Format format) throws IOException {
        return switch (format) {
            case TIFF -> new TIFFImageReaderSpi().createReaderInstance(null);
            default -> {
                Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(format.name());
                while (readers.hasNext()) {
                    ImageReader reader = readers.next();
                    if (reader.getClass().getName().startsWith("com.sun.imageio.")) {
                        yield reader;
                    }
                }
                throw new IOException("this Java runtime has no reader for " + format);
            }
        };
    }

    private static void read(ImageReader reader, ImageHeader header, Ground ground, byte[] rgb)
            throws IOException, UndecodableException {
        ImageTypeSpecifier type = reader.getRawImageType(0);
        int bands = type == null ? 3 : type.getNumBands();
        if (header.format() == Format.TIFF
                && bands == 4
                && type != null
                && !type.getColorModel().hasAlpha()) {
            inkRaster(reader.readRaster(0, null), 0, rgb);
            return;
        }
        BufferedImage image = reader.read(0);
        ColorModel model = image.getColorModel();
        Raster raster = image.getRaster();
        boolean indexed = model instanceof IndexColorModel;
        boolean bytesOrShorts =
                raster.getTransferType() == DataBuffer.TYPE_BYTE || raster.getTransferType() == DataBuffer.TYPE_USHORT;
        if (!indexed && bytesOrShorts && raster.getSampleModel() instanceof ComponentSampleModel) {
            samples(raster, model, ground, rgb);
            return;
        }
        int width = image.getWidth();
        var row = new int[width];
        for (int y = 0; y < image.getHeight(); y++) {
            image.getRGB(0, y, width, 1, row, 0, width);
            int to = y * width * 3;
            for (int argb : row) {
                int alpha = argb >>> 24;
                rgb[to++] = ground.over(argb >> 16 & 0xFF, alpha);
                rgb[to++] = ground.over(argb >> 8 & 0xFF, alpha);
                rgb[to++] = ground.over(argb & 0xFF, alpha);
            }
        }
    }

    /** Gray, gray with alpha, RGB, RGB with alpha as they are stored: Java's own gray conversion is not linear. */
    private static void samples(Raster raster, ColorModel model, Ground ground, byte[] rgb) {
        int width = raster.getWidth();
        int bands = raster.getNumBands();
        int shift = raster.getTransferType() == DataBuffer.TYPE_USHORT ? 8 : 0;
        boolean alpha = model.hasAlpha();
        boolean gray = bands < 3;
        var row = new int[width * bands];
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            int to = y * width * 3;
            for (int from = 0; from < row.length; from += bands) {
                int a = alpha ? row[from + bands - 1] >> shift : 255;
                rgb[to++] = ground.over(row[from] >> shift, a);
                rgb[to++] = ground.over(row[from + (gray ? 0 : 1)] >> shift, a);
                rgb[to++] = ground.over(row[from + (gray ? 0 : 2)] >> shift, a);
            }
        }
    }

    /**
     * Cyan, magenta, yellow, black: {@code (255 - c)(255 - k) / 255}.
     *
     * @param inverted 255 if stored inverted, as in JPEG, else 0
     */
    private static void inkRaster(Raster raster, int inverted, byte[] rgb) {
        int width = raster.getWidth();
        int shift = raster.getTransferType() == DataBuffer.TYPE_USHORT ? 8 : 0;
        var row = new int[width * 4];
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            int to = y * width * 3;
            for (int from = 0; from < row.length; from += 4) {
                int light = 255 - (inverted ^ row[from + 3] >> shift);
                rgb[to++] = ink(inverted ^ row[from] >> shift, light);
                rgb[to++] = ink(inverted ^ row[from + 1] >> shift, light);
                rgb[to++] = ink(inverted ^ row[from + 2] >> shift, light);
            }
        }
    }

    /** Luma and chroma to inks with libjpeg's 16-bit fixed point ({@code jdcolor.c}), black inverted. */
    private static void ycck(Raster raster, byte[] rgb) {
        int width = raster.getWidth();
        var row = new int[width * 4];
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            int to = y * width * 3;
            for (int from = 0; from < row.length; from += 4) {
                int luma = row[from];
                int cb = row[from + 1] - 128;
                int cr = row[from + 2] - 128;
                int light = row[from + 3];
                rgb[to++] = ink(Math.clamp(luma + (91_881 * cr + 32_768 >> 16), 0, 255), light);
                rgb[to++] = ink(Math.clamp(luma + (-22_554 * cb - 46_802 * cr + 32_768 >> 16), 0, 255), light);
                rgb[to++] = ink(Math.clamp(luma + (116_130 * cb + 32_768 >> 16), 0, 255), light);
            }
        }
    }

    /** Rounds as Pillow's {@code MULDIV255} does in {@code libImaging/Convert.c}. */
    private static byte ink(int amount, int light) {
        int product = light * amount + 128;
        return (byte) Math.clamp(light - (((product >> 8) + product) >> 8), 0, 255);
    }
}
