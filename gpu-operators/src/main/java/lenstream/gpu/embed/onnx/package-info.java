/** Embedding by ONNX Runtime: the only package that sees it. Entry point: {@link lenstream.gpu.embed.onnx.OnnxImageEmbedder}. */
@NullMarked
package lenstream.gpu.embed.onnx;

import org.jspecify.annotations.NullMarked;
