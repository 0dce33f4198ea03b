@NullMarked
package lenstream.connector.source;

import org.jspecify.annotations.NullMarked;
