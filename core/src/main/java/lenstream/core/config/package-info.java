/** One YAML or JSON file bound to one tree of records; every problem is reported at once. */
@NullMarked
package lenstream.core.config;

import org.jspecify.annotations.NullMarked;
