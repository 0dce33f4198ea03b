/** Decode, preprocess and embed, composed. Entry point: {@link lenstream.gpu.pipeline.EmbeddingPipeline}. */
@NullMarked
package lenstream.gpu.pipeline;

import org.jspecify.annotations.NullMarked;
