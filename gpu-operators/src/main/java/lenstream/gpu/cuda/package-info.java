/**
 * One CUDA device: its memory, streams, events and kernels. Entry points: {@link lenstream.gpu.cuda.Natives} and {@link
 * lenstream.gpu.cuda.Device}.
 */
@NullMarked
package lenstream.gpu.cuda;

import org.jspecify.annotations.NullMarked;
