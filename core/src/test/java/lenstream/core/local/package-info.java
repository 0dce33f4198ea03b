@NullMarked
package lenstream.core.local;

import org.jspecify.annotations.NullMarked;
