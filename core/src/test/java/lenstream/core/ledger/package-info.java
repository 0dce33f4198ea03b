@NullMarked
package lenstream.core.ledger;

import org.jspecify.annotations.NullMarked;
