/** The guarded HTTP client, the address guard and URL canonicalisation: the only way to the network. */
@NullMarked
package lenstream.core.web;

import org.jspecify.annotations.NullMarked;
