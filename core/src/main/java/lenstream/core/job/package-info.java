/** What a Flink cluster says of our jobs. Entry point: {@link lenstream.core.job.FlinkRest}. */
@NullMarked
package lenstream.core.job;

import org.jspecify.annotations.NullMarked;
