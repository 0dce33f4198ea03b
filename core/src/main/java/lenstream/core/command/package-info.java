/** What people and other programs ask of the running jobs. Entry points: {@link Command}, {@link CommandLog}. */
@NullMarked
package lenstream.core.command;

import org.jspecify.annotations.NullMarked;
