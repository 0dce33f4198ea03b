/** What must not be found, now and later. Entry point: {@link Takedowns}. */
@NullMarked
package lenstream.core.takedown;

import org.jspecify.annotations.NullMarked;
