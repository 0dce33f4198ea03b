package lenstream.gpu.text;

/** Turns a text into token ids, special tokens included. Implementations are thread-safe. */
sealed interface Tokenizer extends AutoCloseable permits ClipTokenizer, HuggingFaceJson, SentencePiece {

    /** At most {@code maxTokens} ids; the tokens that end a text are kept when it is truncated. */
    long[] ids(String text, int maxTokens);

    @Override
    void close();
}
