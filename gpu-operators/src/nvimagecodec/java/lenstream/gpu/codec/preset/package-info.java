/**
 * What JavaCPP is told about nvImageCodec's header. {@link lenstream.gpu.codec.preset.NvImageCodecPreset} is the input of its
 * parser, which writes {@code lenstream.gpu.codec.binding}; see the profile {@code natives} in the module's pom.
 */
@NullMarked
package lenstream.gpu.codec.preset;

import org.jspecify.annotations.NullMarked;
