/** The commands of {@code ./lenstream} and the demo's orchestration. Entry point: {@link lenstream.cli.Lenstream}. */
@NullMarked
package lenstream.cli;

import org.jspecify.annotations.NullMarked;
