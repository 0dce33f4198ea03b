/**
 * Services of this machine as own processes: {@link lenstream.core.local.LocalOpenSearch} and
 * {@link lenstream.core.local.LocalFlinkCluster}. Loopback only; every process that is started here ends with its
 * parent unless it was started detached.
 */
@NullMarked
package lenstream.core.local;

import org.jspecify.annotations.NullMarked;
