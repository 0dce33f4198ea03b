package lenstream.bench;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Random;
import javax.imageio.ImageIO;

/** Pictures to measure with: smooth shapes with some noise, so that their JPEGs are about as large as photographs'. */
final class Samples {
    /** The checkout. */
    static final Path ROOT = Path.of(Objects.requireNonNullElse(System.getProperty("lenstream.root"), "."));

    static final Path BUNDLE = ROOT.resolve("models/lensmini");

    private Samples() {}

    static BufferedImage picture(int width, int height) {
        var image = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
        var random = new Random(1);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int noise = random.nextInt(24);
                int red = (int) (100 + 90 * Math.sin(x / 31.0 + y / 57.0)) + noise;
                int green = 200 * x / width + noise;
                int blue = (int) (100 + 90 * Math.cos((x - y) / 43.0)) + noise;
                image.setRGB(x, y, clamp(red) << 16 | clamp(green) << 8 | clamp(blue));
            }
        }
        return image;
    }

    static byte[] encoded(int width, int height, String format) throws IOException {
        var out = new ByteArrayOutputStream();
        if (!ImageIO.write(picture(width, height), format, out)) {
            throw new IOException("this Java runtime cannot write " + format);
        }
        return out.toByteArray();
    }

    static byte[] rgb(int width, int height) {
        BufferedImage image = picture(width, height);
        var rgb = new byte[width * height * 3];
        for (int i = 0; i < width * height; i++) {
            int pixel = image.getRGB(i % width, i / width);
            rgb[3 * i] = (byte) (pixel >> 16);
            rgb[3 * i + 1] = (byte) (pixel >> 8);
            rgb[3 * i + 2] = (byte) pixel;
        }
        return rgb;
    }

    private static int clamp(int value) {
        return Math.max(0, Math.min(255, value));
    }
}
