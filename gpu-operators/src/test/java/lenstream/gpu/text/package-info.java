@NullMarked
package lenstream.gpu.text;

import org.jspecify.annotations.NullMarked;
