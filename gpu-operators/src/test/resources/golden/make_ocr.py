"""Makes ocr.json: what RapidOCR, PP-OCR's pipeline in Python, reads in some pictures of the gallery.

python3 -m venv v && v/bin/pip install rapidocr_onnxruntime==1.4.4 "opencv-python-headless<5" && v/bin/python make_ocr.py ../../../../../gallery/images > ocr.json

The same networks as infra/extras/src/ocr/ocr.json names; pictures are not enlarged, as ours are not.
"""
import json
import pathlib
import sys

from rapidocr_onnxruntime import RapidOCR

NAMES = ["measuring-tape.jpg", "toolbox.webp", "school-sign.png", "australian-rules-football.jpg",
         "apple-fuji.webp", "koala.jpg", "violin.jpg"]
root = pathlib.Path(sys.argv[1])
reader = RapidOCR(det_limit_side_len=960, det_limit_type="max", text_score=0.6, width_height_ratio=-1, min_side_len=1, min_height=1)
pictures = []
for name in NAMES:
    (file,) = root.rglob(name)
    result, _ = reader(str(file))
    lines = []
    for box, text, score in result or []:
        xs, ys = [p[0] for p in box], [p[1] for p in box]
        lines.append({"text": text, "confidence": round(float(score), 3),
                      "box": [round(min(xs)), round(min(ys)), round(max(xs) - min(xs)), round(max(ys) - min(ys))]})
    pictures.append({"file": file.relative_to(root).as_posix(), "lines": lines})
json.dump({"made_with": "rapidocr_onnxruntime 1.4.4", "pictures": pictures}, sys.stdout, indent=1)
