/** Who closes what: {@link lenstream.gpu.lifetime.Closer}. */
@NullMarked
package lenstream.gpu.lifetime;

import org.jspecify.annotations.NullMarked;
