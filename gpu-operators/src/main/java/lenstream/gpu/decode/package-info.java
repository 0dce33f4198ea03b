/** Decodes encoded images to 8-bit RGB pixels, and sorts out what cannot be decoded. Entry point: {@link lenstream.gpu.decode.ImageDecoder}. */
@NullMarked
package lenstream.gpu.decode;

import org.jspecify.annotations.NullMarked;
