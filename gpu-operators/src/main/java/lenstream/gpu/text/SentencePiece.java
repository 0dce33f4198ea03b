package lenstream.gpu.text;

import ai.djl.sentencepiece.SpProcessor;
import ai.djl.sentencepiece.SpTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;

/**
 * A SentencePiece model, whose ids are followed by the end token {@code </s>}, as T5 and SigLIP do.
 *
 * <p>Thread-safe: the native model is immutable.
 */
final class SentencePiece implements Tokenizer {
    private final SpTokenizer tokenizer;
    private final SpProcessor processor;
    private final int end;

    SentencePiece(byte[] model) throws IOException {
        NativeCache.prepare();
        tokenizer = new SpTokenizer(new ByteArrayInputStream(model));
        processor = tokenizer.getProcessor();
        end = processor.getId("</s>");
    }

    @Override
    public long[] ids(String text, int maxTokens) {
        int[] pieces = processor.encode(text);
        int kept = Math.min(pieces.length, maxTokens - 1);
        long[] ids = Arrays.stream(pieces, 0, kept).asLongStream().toArray();
        ids = Arrays.copyOf(ids, kept + 1);
        ids[kept] = end;
        return ids;
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
