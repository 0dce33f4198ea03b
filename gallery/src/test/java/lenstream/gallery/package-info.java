@NullMarked
package lenstream.gallery;

import org.jspecify.annotations.NullMarked;
