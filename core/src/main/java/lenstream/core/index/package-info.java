/** The one index layout that the writer and the reader share: names, mapping, field names, score conversion. */
@NullMarked
package lenstream.core.index;

import org.jspecify.annotations.NullMarked;
