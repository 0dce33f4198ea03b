"""Writes what Pillow 12.0.0 makes of pictures that the test can make by itself.

Run: python make_preprocess.py   (needs pillow==12.0.0 and numpy)

preprocess/index.tsv: mode, interpolation, longer side, crop rounding, size, input width, input height, seed, SHA-256 of the
size x size RGB bytes. Input pixels: a linear congruential generator, high byte of each state (see noise()).
"""
import hashlib
import os

import numpy
import PIL
from PIL import Image

assert PIL.__version__ == "12.0.0", PIL.__version__
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "preprocess")
os.makedirs(HERE, exist_ok=True)
FILTERS = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR, "nearest": Image.NEAREST}


def noise(width, height, seed):
    """32-bit generator x = 1664525 x + 1013904223; each sample is its high byte; every other block of 8 rows is smooth."""
    n = width * height * 3
    a, c, m = 1664525, 1013904223, 1 << 32
    out = numpy.empty(n, dtype=numpy.uint8)
    x = seed
    for i in range(n):
        x = (a * x + c) % m
        out[i] = x >> 24
    samples = out.reshape(height, width, 3)
    y, x = numpy.mgrid[0:height, 0:width]
    smooth = ((x * 3 + y * 2) & 0xFF).astype(numpy.uint8)
    rows = (numpy.arange(height) // 8) % 2 == 1
    samples[rows] = smooth[rows][:, :, None]
    return Image.fromarray(samples)


def half_even(value):
    return round(value)


def preprocess(image, mode, interpolation, longer, rounding, size):
    width, height = image.size
    scale = (lambda a, b: size * a // b) if longer == "floor" else (lambda a, b: round(size * a / b))
    centre = (lambda e: half_even(e / 2)) if rounding == "half_even" else (lambda e: e // 2)
    if mode == "squash":
        return image.resize((size, size), FILTERS[interpolation])
    if mode == "shortest":
        w, h = (size, scale(height, width)) if width <= height else (scale(width, height), size)
        resized = image if (w, h) == image.size else image.resize((w, h), FILTERS[interpolation])
        left, top = centre(w - size), centre(h - size)
        return resized.crop((left, top, left + size, top + size))
    w, h = (size, max(1, scale(height, width))) if width >= height else (max(1, scale(width, height)), size)
    resized = image if (w, h) == image.size else image.resize((w, h), FILTERS[interpolation])
    out = Image.new("RGB", (size, size))
    out.paste(resized, (centre(size - w), centre(size - h)))
    return out


SIZES = [
    (1, 1), (5, 7), (37, 37), (31, 64), (64, 31), (65, 31), (67, 31), (69, 31), (71, 31), (100, 250), (250, 100), (333, 101),
    (101, 333), (640, 480), (480, 640), (1203, 811), (700, 31), (31, 700), (32, 32), (20, 11), (11, 20),
]
lines = [f"# Pillow {PIL.__version__}: mode, interpolation, longer side, crop rounding, size, width, height, seed, sha256"]
seed = 1
for width, height in SIZES:
    image = None
    for mode in ("shortest", "squash", "longest"):
        for interpolation in ("bicubic", "bilinear", "nearest"):
            for longer, rounding in (("floor", "half_even"), ("round", "floor")):
                if mode == "squash" and longer == "round":
                    continue
                if image is None:
                    seed += 1
                    image = noise(width, height, seed)
                size = 31 if mode != "squash" else 32
                out = preprocess(image, mode, interpolation, longer, rounding, size)
                assert out.size == (size, size)
                digest = hashlib.sha256(out.tobytes()).hexdigest()
                lines.append("\t".join(map(str, (mode, interpolation, longer, rounding, size, width, height, seed, digest))))
with open(os.path.join(HERE, "index.tsv"), "w") as f:
    f.write("\n".join(lines) + "\n")
