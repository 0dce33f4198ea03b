/** Tests of the tower on a device that need none. */
@NullMarked
package lenstream.gpu.embed.trt;

import org.jspecify.annotations.NullMarked;
