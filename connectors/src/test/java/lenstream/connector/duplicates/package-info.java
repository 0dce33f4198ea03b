@NullMarked
package lenstream.connector.duplicates;

import org.jspecify.annotations.NullMarked;
