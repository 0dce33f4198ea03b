/**
 * JPEG decoders on the device. Entry points: {@link lenstream.gpu.codec.DeviceDecoders}, {@link
 * lenstream.gpu.codec.DeviceDecoder}.
 */
@NullMarked
package lenstream.gpu.codec;

import org.jspecify.annotations.NullMarked;
