@NullMarked
package lenstream.gpu.lifetime;

import org.jspecify.annotations.NullMarked;
