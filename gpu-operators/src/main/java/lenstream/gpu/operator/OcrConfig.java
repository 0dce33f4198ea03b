package lenstream.gpu.operator;

import java.io.Serializable;
import java.nio.file.Path;
import lenstream.core.config.Check;
import lenstream.gpu.ocr.OcrLimits;

/**
 * How words in pictures are read.
 *
 * @param bundle folder of the model, see {@link lenstream.core.model.OcrBundle}; the same on every machine
 * @param limits of one picture
 * @param readers pictures that are read at once, each by a subtask of its own
 * @param threads of one reader's arithmetic
 */
public record OcrConfig(String bundle, OcrLimits limits, int readers, int threads) implements Serializable {
    public OcrConfig {
        Check.notBlank("model", bundle);
        Check.range("readers", readers, 1, 128);
        Check.range("threads", threads, 1, 256);
    }

    /** The usual limits and one thread a reader: that many readers keep as many processors busy. */
    public static OcrConfig of(Path bundle, int readers) {
        return new OcrConfig(bundle.toAbsolutePath().toString(), OcrLimits.defaults(), readers, 1);
    }
}
