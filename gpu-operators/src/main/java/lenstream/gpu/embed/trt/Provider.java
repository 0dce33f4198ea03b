package lenstream.gpu.embed.trt;

/** Who runs an image tower on the device, in order of preference. */
public enum Provider {
    TENSORRT("TensorrtExecutionProvider"),
    CUDA("CUDAExecutionProvider");

    private final String onnxName;

    Provider(String onnxName) {
        this.onnxName = onnxName;
    }

    /** ONNX Runtime's name. */
    public String onnxName() {
        return onnxName;
    }
}
