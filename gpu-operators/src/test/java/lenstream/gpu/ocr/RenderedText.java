package lenstream.gpu.ocr;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;

/** Lines of known words on a picture, drawn by Java2D. */
record RenderedText(byte[] rgb, int width, int height) {
    /** @param degrees clockwise by which the whole picture is turned: 0, 90, 180 or 270 */
    static RenderedText of(String text, String font, int style, int size, Color ink, Color paper, int degrees) {
        String[] lines = text.split("\n");
        int width = 0;
        var probe = new BufferedImage(1, 1, BufferedImage.TYPE_3BYTE_BGR).createGraphics();
        probe.setFont(new Font(font, style, size));
        for (String line : lines) {
            width = Math.max(width, probe.getFontMetrics().stringWidth(line));
        }
        int pitch = size * 8 / 5;
        var picture = new BufferedImage(width + 60, lines.length * pitch + 40, BufferedImage.TYPE_3BYTE_BGR);
        Graphics2D graphics = picture.createGraphics();
        graphics.setColor(paper);
        graphics.fillRect(0, 0, picture.getWidth(), picture.getHeight());
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setColor(ink);
        graphics.setFont(new Font(font, style, size));
        for (int i = 0; i < lines.length; i++) {
            graphics.drawString(lines[i], 30, 20 + pitch * i + size);
        }
        graphics.dispose();
        return of(turned(picture, degrees));
    }

    static RenderedText of(BufferedImage picture) {
        int width = picture.getWidth();
        int height = picture.getHeight();
        int[] pixels = picture.getRGB(0, 0, width, height, null, 0, width);
        var rgb = new byte[3 * pixels.length];
        for (int i = 0; i < pixels.length; i++) {
            rgb[3 * i] = (byte) (pixels[i] >> 16);
            rgb[3 * i + 1] = (byte) (pixels[i] >> 8);
            rgb[3 * i + 2] = (byte) pixels[i];
        }
        return new RenderedText(rgb, width, height);
    }

    private static BufferedImage turned(BufferedImage picture, int degrees) {
        if (degrees == 0) {
            return picture;
        }
        boolean upright = degrees % 180 == 0;
        int width = upright ? picture.getWidth() : picture.getHeight();
        int height = upright ? picture.getHeight() : picture.getWidth();
        var out = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
        Graphics2D graphics = out.createGraphics();
        var turn = AffineTransform.getTranslateInstance(width / 2.0, height / 2.0);
        turn.quadrantRotate(degrees / 90);
        turn.translate(-picture.getWidth() / 2.0, -picture.getHeight() / 2.0);
        graphics.drawImage(picture, turn, null);
        graphics.dispose();
        return out;
    }
}
