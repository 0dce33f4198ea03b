/** From tensors to embeddings. Entry point: {@link lenstream.gpu.embed.ImageEmbedder}. */
@NullMarked
package lenstream.gpu.embed;

import org.jspecify.annotations.NullMarked;
