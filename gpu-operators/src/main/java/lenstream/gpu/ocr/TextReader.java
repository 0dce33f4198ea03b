package lenstream.gpu.ocr;

import com.google.errorprone.annotations.MustBeClosed;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import lenstream.core.image.TextRegion;
import lenstream.core.model.OcrBundle;
import lenstream.core.model.OcrModel;
import lenstream.core.model.Preprocessing.Interpolation;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.lifetime.Closer;
import lenstream.gpu.preprocess.Resizer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the words in a picture on the CPU: finds lines, turns them upright, reads them. A picture without words costs the
 * finding alone.
 *
 * <p>Confined to one thread; owns three networks, some input memory of up to 14 MiB, and for the time of a call the picture once more.
 * Throws {@link lenstream.gpu.embed.DeviceException} if ONNX Runtime failed; no picture makes it throw anything else.
 */
public final class TextReader implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TextReader.class);

    /** Longest side of the picture out of which lines are cut: print in a larger one is larger, too. */
    private static final int LARGEST = 2_000;

    /** What a line of a single character needs to be believed: round and crossed things of all kinds look like one. */
    private static final double LONE_CONFIDENCE = 0.9;

    private final OcrLimits limits;
    private final Closer closer;
    private final LineFinder finder;
    private final @Nullable LineTurner turner;
    private final LineReader reader;
    private final Resizer resizer = new Resizer();
    private final AtomicBoolean closed = new AtomicBoolean();

    private TextReader(
            OcrLimits limits, Closer closer, LineFinder finder, @Nullable LineTurner turner, LineReader reader) {
        this.limits = limits;
        this.closer = closer;
        this.finder = finder;
        this.turner = turner;
        this.reader = reader;
    }

    /**
     * Opens a reader.
     *
     * @param threads of its arithmetic, the calling one included
     * @throws lenstream.core.config.ConfigException if a network cannot be loaded
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public static TextReader open(OcrBundle bundle, OcrLimits limits, int threads) {
        Picture.load();
        var closer = new Closer();
        try {
            LineFinder finder = closer.register(LineFinder.open(bundle, threads));
            OcrModel.Direction direction = bundle.model().direction();
            LineTurner turner = direction == null ? null : closer.register(LineTurner.open(direction, bundle, threads));
            LineReader reader = closer.register(LineReader.open(bundle, threads));
            LOG.info(
                    "event=ocr_open model={} version={} threads={} max_side={}",
                    bundle.model().name(),
                    bundle.model().version(),
                    threads,
                    limits.maxSide());
            return new TextReader(limits, closer, finder, turner, reader);
        } catch (Throwable failure) {
            throw closer.closeAfter(failure);
        }
    }

    /** The words of a picture, with boxes in its pixels. Borrows it. */
    public Reading read(Pixels pixels) {
        return read(pixels.rgbView(), pixels.width(), pixels.height());
    }

    /** @param rgb 8-bit RGB, interleaved, rows without padding; the array may be longer; borrowed */
    Reading read(byte[] rgb, int width, int height) {
        if (closed.get()) {
            throw new IllegalStateException("the text reader is closed");
        }
        long end = System.nanoTime() + limits.maxTime().toNanos();
        try (Picture picture = picture(rgb, width, height)) {
            List<Quad> found = finder.find(picture, limits.maxSide());
            boolean complete = found.size() <= limits.maxLines();
            if (!complete) {
                found = found.stream()
                        .sorted(Comparator.comparingDouble(Quad::score).reversed())
                        .limit(limits.maxLines())
                        .toList();
            }
            List<CutLine> ordered = ReadingOrder.of(cut(picture, found));
            var lines = new TextRegion[ordered.size()];
            complete &= read(ordered, (double) width / picture.width(), (double) height / picture.height(), lines, end);
            return shortened(lines, complete);
        }
    }

    @MustBeClosed
    private Picture picture(byte[] rgb, int width, int height) {
        int longer = Math.max(width, height);
        if (longer <= LARGEST) {
            return Picture.of(rgb, width, height);
        }
        int smallWidth = (int) Math.max(1, (long) width * LARGEST / longer);
        int smallHeight = (int) Math.max(1, (long) height * LARGEST / longer);
        var small = new byte[3 * smallWidth * smallHeight];
        resizer.resize(
                rgb,
                width,
                height,
                smallWidth,
                smallHeight,
                Interpolation.BILINEAR,
                0,
                0,
                smallWidth,
                smallHeight,
                small);
        return Picture.of(small, smallWidth, smallHeight);
    }

    /** Reads lines into {@code out}, where those stay null that have no words; whether there was time for all. */
    private boolean read(List<CutLine> lines, double scaleX, double scaleY, @Nullable TextRegion[] out, long end) {
        List<Integer> byWidth = IntStream.range(0, lines.size())
                .boxed()
                .sorted(Comparator.comparingInt(i -> lines.get(i).strip().width()))
                .toList();
        List<Strip> sorted = byWidth.stream().map(i -> lines.get(i).strip()).toList();
        for (int from = 0; from < sorted.size(); ) {
            if (System.nanoTime() > end) {
                return false;
            }
            List<Strip> rest = sorted.subList(from, sorted.size());
            for (LineReader.Line line : reader.read(rest.subList(0, reader.batch(rest)))) {
                int place = byWidth.get(from++);
                out[place] = region(line, lines.get(place).quad(), scaleX, scaleY);
            }
        }
        return true;
    }

    private List<CutLine> cut(Picture picture, List<Quad> quads) {
        List<Strip> strips = strips(picture, quads, reader.height());
        LineTurner turns = turner;
        List<Boolean> onHead = turns == null
                ? Collections.nCopies(quads.size(), false)
                : turns.onHead(turns.height() == reader.height() ? strips : strips(picture, quads, turns.height()));
        return IntStream.range(0, quads.size())
                .mapToObj(i -> new CutLine(
                        quads.get(i), onHead.get(i) ? strips.get(i).turned() : strips.get(i), onHead.get(i)))
                .toList();
    }

    private static List<Strip> strips(Picture picture, List<Quad> quads, int height) {
        return quads.stream().map(quad -> picture.line(quad, height)).toList();
    }

    private @Nullable TextRegion region(LineReader.Line line, Quad quad, double scaleX, double scaleY) {
        String text = Normalizer.normalize(line.text().strip(), Normalizer.Form.NFC);
        double needed = text.codePointCount(0, text.length()) == 1
                ? Math.max(limits.minConfidence(), LONE_CONFIDENCE)
                : limits.minConfidence();
        if (line.confidence() < needed || text.codePoints().noneMatch(Character::isLetterOrDigit)) {
            return null;
        }
        int x = (int) Math.floor(quad.left() * scaleX);
        int y = (int) Math.floor(quad.top() * scaleY);
        return new TextRegion(
                text,
                (float) line.confidence(),
                x,
                y,
                Math.max(1, (int) Math.ceil(quad.right() * scaleX) - x),
                Math.max(1, (int) Math.ceil(quad.bottom() * scaleY) - y));
    }

    private Reading shortened(@Nullable TextRegion[] lines, boolean readToTheEnd) {
        var words = new ArrayList<TextRegion>();
        int characters = 0;
        boolean complete = readToTheEnd;
        for (TextRegion line : lines) {
            if (line == null) {
                continue;
            }
            characters += line.text().length();
            if (characters > limits.maxCharacters()) {
                complete = false;
                break;
            }
            words.add(line);
        }
        return new Reading(words, complete);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            closer.close();
        }
    }
}
