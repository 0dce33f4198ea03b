/** Measures near-duplicates from inside their package. */
@NullMarked
package lenstream.connector.duplicates;

import org.jspecify.annotations.NullMarked;
