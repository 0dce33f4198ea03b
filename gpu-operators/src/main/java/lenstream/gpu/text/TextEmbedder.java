package lenstream.gpu.text;

import java.util.List;

/** Turns texts into embeddings of the same space as the images. Implementations are thread-safe. */
public interface TextEmbedder extends AutoCloseable {

    /** Length of the embeddings. */
    int dim();

    /**
     * Embeds texts, each truncated to what the tower takes.
     *
     * @return one vector a text, of unit length if the encoder says so
     * @throws IllegalArgumentException if a text is blank
     */
    List<float[]> embed(List<String> texts);

    /** Embeds one text; see {@link #embed(List)}. */
    default float[] embed(String text) {
        return embed(List.of(text)).get(0);
    }

    /** How many tokens the tower sees of a text, special tokens included. */
    int tokens(String text);

    @Override
    void close();
}
