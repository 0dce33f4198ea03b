/**
 * Benchmarks, one class a question; each says how it is run. Programs that compare two sides use
 * {@link lenstream.bench.Alternation}, the others JMH.
 */
@NullMarked
package lenstream.bench;

import org.jspecify.annotations.NullMarked;
