/** Tells the webhooks of alerts. Entry point: {@link lenstream.search.alert.AlertDelivery}. */
@NullMarked
package lenstream.search.alert;

import org.jspecify.annotations.NullMarked;
