package lenstream.gpu.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A {@code tokenizer.json} by Hugging Face's library. Its native part comes out of the jar, into {@code DJL_CACHE_DIR} if
 * that is set, else into a folder of this user below the temporary one; nothing is downloaded.
 *
 * <p>Thread-safe: the native tokenizer is immutable.
 */
final class HuggingFaceJson implements Tokenizer {
    private final byte[] json;
    private final Map<Integer, HuggingFaceTokenizer> byLength = new ConcurrentHashMap<>();

    HuggingFaceJson(byte[] json, int maxTokens) throws IOException {
        this.json = json;
        NativeCache.prepare();
        byLength.put(maxTokens, open(maxTokens));
    }

    private HuggingFaceTokenizer open(int maxTokens) throws IOException {
        return HuggingFaceTokenizer.newInstance(
                new ByteArrayInputStream(json),
                Map.of(
                        "addSpecialTokens", "true",
                        "truncation", "true",
                        "padding", "false",
                        "maxLength", Integer.toString(maxTokens),
                        "modelMaxLength", Integer.toString(maxTokens)));
    }

    @Override
    public long[] ids(String text, int maxTokens) {
        HuggingFaceTokenizer tokenizer = byLength.get(maxTokens);
        if (tokenizer == null) {
            throw new IllegalArgumentException("opened for other lengths than " + maxTokens + ": " + byLength.keySet());
        }
        return tokenizer.encode(text).getIds();
    }

    @Override
    public void close() {
        byLength.values().forEach(HuggingFaceTokenizer::close);
        byLength.clear();
    }
}
