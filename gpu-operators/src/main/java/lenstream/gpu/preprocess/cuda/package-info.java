/**
 * Resizes, crops and normalises on the device, a ragged batch in three launches. Entry point: {@link
 * lenstream.gpu.preprocess.cuda.CudaPreprocessor}.
 */
@NullMarked
package lenstream.gpu.preprocess.cuda;

import org.jspecify.annotations.NullMarked;
