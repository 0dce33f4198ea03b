@NullMarked
package lenstream.gpu.features;

import org.jspecify.annotations.NullMarked;
