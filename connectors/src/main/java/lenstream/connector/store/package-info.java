/** The image store: what was fetched, kept for other encoders. Entry point: {@link lenstream.connector.store.ImageStore}. */
@NullMarked
package lenstream.connector.store;

import org.jspecify.annotations.NullMarked;
