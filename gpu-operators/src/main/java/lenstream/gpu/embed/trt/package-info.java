/**
 * Image towers on the device by ONNX Runtime's TensorRT and CUDA providers. Entry point: {@link
 * lenstream.gpu.embed.trt.DeviceEmbedder}.
 */
@NullMarked
package lenstream.gpu.embed.trt;

import org.jspecify.annotations.NullMarked;
