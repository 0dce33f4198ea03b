/** Runs the container images as they are, without a container daemon. */
@NullMarked
package lenstream.image;

import org.jspecify.annotations.NullMarked;
