@NullMarked
package lenstream.gpu.operator;

import org.jspecify.annotations.NullMarked;
