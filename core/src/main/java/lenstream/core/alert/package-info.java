/**
 * Saved queries that every new image is compared with. Entry points: {@link AlertRules} for a job, {@link AlertRegister}
 * for who keeps them.
 */
@NullMarked
package lenstream.core.alert;

import org.jspecify.annotations.NullMarked;
