/** Compares new images with the alerts. Entry point: {@link lenstream.connector.alert.AlertMatching}. */
@NullMarked
package lenstream.connector.alert;

import org.jspecify.annotations.NullMarked;
