"""Makes a folder for --ocr-model of the networks in a wheel of RapidOCR (Apache-2.0), which know 50 languages of Latin letters, Chinese and Japanese.

python3 -m venv v && v/bin/pip install --no-deps rapidocr==3.10.0 && v/bin/pip install onnx && v/bin/python make_ocr_bundle.py FOLDER
"""
import hashlib
import importlib.util
import json
import pathlib
import shutil
import sys

import onnx

target = pathlib.Path(sys.argv[1])
target.mkdir(parents=True, exist_ok=True)
models = pathlib.Path(importlib.util.find_spec("rapidocr").origin).parent / "models"


def taken(pattern):
    (source,) = models.glob(pattern)
    shutil.copy(source, target / source.name)
    return described(source.name)


def described(name):
    return {"file": name, "sha256": hashlib.sha256((target / name).read_bytes()).hexdigest()}


detection, direction, recognition = taken("PP-OCR*_det_*.onnx"), taken("*_cls_*.onnx"), taken("PP-OCR*_rec_*.onnx")
metadata = {entry.key: entry.value for entry in onnx.load(target / recognition["file"]).metadata_props}
(target / "characters.txt").write_text("\n".join(metadata["character"].splitlines()), encoding="utf-8")
characters = described("characters.txt")
recognition |= {"characters": characters["file"], "characters_sha256": characters["sha256"]}
(target / "ocr.json").write_text(json.dumps({
    "name": "ppocr-small", "version": "6", "license": "Apache-2.0, copyright PaddlePaddle Authors",
    "detection": detection, "direction": direction, "recognition": recognition}, indent=2) + "\n")
