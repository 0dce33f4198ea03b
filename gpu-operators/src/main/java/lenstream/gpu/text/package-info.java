/** From texts to embeddings: tokenizers and the text tower. Entry point: {@link lenstream.gpu.text.TextEmbedder}. */
@NullMarked
package lenstream.gpu.text;

import org.jspecify.annotations.NullMarked;
