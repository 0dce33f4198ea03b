/** The command log as a stream. Entry point: {@link CommandSource}. */
@NullMarked
package lenstream.connector.command;

import org.jspecify.annotations.NullMarked;
