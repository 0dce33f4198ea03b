/** The model bundle ({@code encoder.json} beside its files) and the fingerprint of its embedding space. */
@NullMarked
package lenstream.core.model;

import org.jspecify.annotations.NullMarked;
