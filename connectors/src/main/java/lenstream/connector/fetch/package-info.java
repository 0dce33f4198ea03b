/** Polite, restartable fetching of images, one queue a host. Entry point: {@link VisitOperatorFactory}. */
@NullMarked
package lenstream.connector.fetch;

import org.jspecify.annotations.NullMarked;
