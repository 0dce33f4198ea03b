/** What images say of their own rights. Entry point: {@link OwnRights}. */
@NullMarked
package lenstream.connector.rights;

import org.jspecify.annotations.NullMarked;
