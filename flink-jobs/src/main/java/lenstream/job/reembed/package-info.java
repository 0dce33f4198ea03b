/** The move from one encoder to another, blue/green. Entry point: {@link lenstream.job.reembed.Reembedding}. */
@NullMarked
package lenstream.job.reembed;

import org.jspecify.annotations.NullMarked;
