@NullMarked
package lenstream.gpu.decode;

import org.jspecify.annotations.NullMarked;
