"""Runs Triton's perf_analyzer against a running server. Arguments: folder to work in, address over HTTP, address over gRPC, model.

The package perf-analyzer is an empty shell; wheels of tritonclient up to 2.59 hold the program, and 2.47 is the last one that runs on
glibc 2.36. It needs libcudart, from NVIDIA's package though no GPU is used, and libb64 (Debian: libb64-0d); exit code 77 if that
is missing.
"""

import glob
import json
import os
import pathlib
import subprocess
import sys
import zipfile

folder, http, grpc, model = pathlib.Path(sys.argv[1]), sys.argv[2].split("//")[1].rstrip("/"), sys.argv[3], sys.argv[4]
pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
subprocess.run(pip + ["download", "--no-deps", "-d", str(folder), "tritonclient==2.47.0"], check=True)
subprocess.run(pip + ["install", "--no-deps", "--target", str(folder / "cuda"), "nvidia-cuda-runtime-cu12==12.9.79"], check=True)
with zipfile.ZipFile(next(folder.glob("tritonclient-*.whl"))) as wheel:
    program = pathlib.Path(wheel.extract(next(n for n in wheel.namelist() if n.endswith("/bin/perf_analyzer")), folder))
program.chmod(0o755)
libraries = glob.glob(str(folder / "cuda/nvidia/cuda_runtime/lib"))[0]
environment = dict(os.environ, LD_LIBRARY_PATH=libraries + ":" + os.environ.get("LD_LIBRARY_PATH", ""))
missing = [line for line in subprocess.run(["ldd", program], env=environment, capture_output=True, text=True).stdout.splitlines()
           if "not found" in line]
if missing:
    print("perf_analyzer lacks", *missing)
    sys.exit(77)
data = folder / "texts.json"
data.write_text(json.dumps({"data": [{"text": ["a red flower"]}, {"text": ["two frogs"]}, {"text": ["a boat at night"]}]}))
for protocol, address in (("http", http), ("grpc", grpc)):
    run = subprocess.run(
        [program, "-m", model, "-i", protocol, "-u", address, "--input-data", data, "--shape", "text:1",
         "--concurrency-range", "2", "--measurement-interval", "500", "--stability-percentage", "999"],
        env=environment, capture_output=True, text=True, timeout=60)
    print(run.stdout, run.stderr)
    assert run.returncode == 0 and "throughput:" in run.stdout, protocol
    print("perf_analyzer " + protocol + ": ok")
