@NullMarked
package lenstream.connector.store;

import org.jspecify.annotations.NullMarked;
