/** What pixels show at first sight: perceptual hash and colours. Entry point: {@link lenstream.gpu.features.PixelAnalysis}. */
@NullMarked
package lenstream.gpu.features;

import org.jspecify.annotations.NullMarked;
