/**
 * How well an encoder finds: labelled images, figures of retrieval ({@link lenstream.search.quality.Evaluation}), and the
 * calibration that is fitted to them ({@link lenstream.search.quality.CalibrationFit}).
 */
@NullMarked
package lenstream.search.quality;

import org.jspecify.annotations.NullMarked;
