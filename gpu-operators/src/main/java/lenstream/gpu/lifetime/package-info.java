/** Who closes what: {@link lenstream.gpu.lifetime.Closer}; and native libraries, which stay: {@link lenstream.gpu.lifetime.NativeLoading}. */
@NullMarked
package lenstream.gpu.lifetime;

import org.jspecify.annotations.NullMarked;
