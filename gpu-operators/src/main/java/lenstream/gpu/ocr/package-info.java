/** Reads words in pictures. Entry point: {@link lenstream.gpu.ocr.TextReader}. */
@NullMarked
package lenstream.gpu.ocr;

import org.jspecify.annotations.NullMarked;
