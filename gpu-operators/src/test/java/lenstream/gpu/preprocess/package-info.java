@NullMarked
package lenstream.gpu.preprocess;

import org.jspecify.annotations.NullMarked;
