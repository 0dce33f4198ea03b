/**
 * What the job decided about each URL, and how long it took until an image could be found: written by the job, read by
 * {@code explain} and {@code status}. Entry points: {@link lenstream.core.ledger.Ledger}, {@link
 * lenstream.core.ledger.Freshness}.
 */
@NullMarked
package lenstream.core.ledger;

import org.jspecify.annotations.NullMarked;
