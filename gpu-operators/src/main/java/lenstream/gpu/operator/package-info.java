/** The Flink operator that embeds images in batches: a thin adapter around the pipeline. Entry point: {@link lenstream.gpu.operator.EmbedOperatorFactory}. */
@NullMarked
package lenstream.gpu.operator;

import org.jspecify.annotations.NullMarked;
