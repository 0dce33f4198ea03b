#!/bin/bash
# fetch-natives.sh FOLDER: fetches the GPU libraries that LENSTREAM_NATIVES names, from Maven Central and PyPI (1.7 GB):
#   FOLDER/jni  JavaCPP's JNI libraries    FOLDER/ort  ONNX Runtime for CUDA 13, of the very version that the CPU path's classes want
#   FOLDER/trt  TensorRT 10.6    FOLDER/cuda-headers  NVTX, for mvn -Pnatives
# CUDA 13, cuDNN 9 and the driver are the machine's. Needs mvn, pip and unzip. Skips what is there.
set -euo pipefail
folder=$(mkdir -p "${1:?usage: fetch-natives.sh FOLDER}" && cd "$1" && pwd)
loaded=$folder/.fetched
mkdir -p "$loaded" "$folder"/{jni,ort,trt}
property() { sed -n "s/.*<$1>\(.*\)<\/$1>.*/\1/p" "$(dirname "$0")/../pom.xml"; }
jar() { # artifact version classifier
  [ -s "$loaded/$1-$2-$3.jar" ] || mvn -q -B dependency:copy -Dartifact="org.bytedeco:$1:$2:jar:$3" -DoutputDirectory="$loaded"
  echo "$loaded/$1-$2-$3.jar"
}
unzip -qjn "$(jar javacpp "$(property javacpp.version)" linux-x86_64)" '*/libjnijavacpp.so' -d "$folder/jni"
cuda=$(jar cuda "$(property cuda.version)" linux-x86_64)
for library in cudart nvjpeg nvrtc nvml; do unzip -qjn "$cuda" "*/libjni$library.so" -d "$folder/jni"; done
unzip -qjn "$(jar onnxruntime "$(property onnxruntime-javacpp.version)" linux-x86_64-gpu)" '*/libjnionnxruntime.so' -d "$folder/jni"
unzip -qjn "$(jar tensorrt 10.6-1.5.11 linux-x86_64-redist)" '*/libnvinfer.so.10' '*/libnvinfer_builder_resource.so.*' \
  '*/libnvinfer_plugin.so.10' '*/libnvonnxparser.so.10' -d "$folder/trt"
core=$(property onnxruntime.version)
if [ ! -e "$folder/ort/libonnxruntime.so.1" ]; then
  python3 -m pip download -q --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 -d "$loaded" "onnxruntime-gpu==$core"
  unzip -qjo "$loaded"/onnxruntime_gpu-"$core"-*.whl 'onnxruntime/capi/libonnxruntime*.so*' -d "$folder/ort"
  mv "$folder/ort/libonnxruntime.so.$core" "$folder/ort/libonnxruntime.so.1"
fi
if [ ! -e "$folder/cuda-headers/nvtx3" ]; then
  python3 -m pip download -q --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux1_x86_64 -d "$loaded" nvidia-nvtx==13.0.85
  mkdir -p "$folder/cuda-headers"
  unzip -qo "$loaded"/nvidia_nvtx-*.whl 'nvidia/cu13/include/*' -d "$loaded"
  cp -r "$loaded/nvidia/cu13/include/nvtx3" "$folder/cuda-headers/"
fi
echo "LENSTREAM_NATIVES=$folder"
