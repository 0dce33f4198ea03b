@NullMarked
package lenstream.gpu.lane;

import org.jspecify.annotations.NullMarked;
