/** The programs that run on Flink: topologies, their mains and their runner. Entry point: {@link lenstream.job.ImageIndexJob}. */
@NullMarked
package lenstream.job;

import org.jspecify.annotations.NullMarked;
