package org.bytedeco.opencl.presets;

/** ONNX Runtime's JavaCPP preset names this class as a parent but needs nothing of it: an empty one spares its natives. */
@org.bytedeco.javacpp.annotation.Properties(inherit = org.bytedeco.javacpp.presets.javacpp.class)
public class OpenCL {}
