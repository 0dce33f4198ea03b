/** Turns pixels into the input of an image tower, byte for byte as Pillow does. Entry point: {@link lenstream.gpu.preprocess.Preprocessor}. */
@NullMarked
package lenstream.gpu.preprocess;

import org.jspecify.annotations.NullMarked;
