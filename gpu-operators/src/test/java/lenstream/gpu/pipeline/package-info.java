@NullMarked
package lenstream.gpu.pipeline;

import org.jspecify.annotations.NullMarked;
