"""Makes ../hostile/files: pictures that break careless image code. Run: python make_hostile.py

Needs Pillow (requirements.txt) and cjpeg of libjpeg-turbo for the arithmetic-coded JPEG. All pictures are drawn here: a
house and a sun on a two-coloured ground, 120x80, so that orientation and colours can be seen. ../hostile/expected.tsv
says what must become of each.
"""

import io
import pathlib
import struct
import subprocess
import zlib

from PIL import Image, ImageChops, ImageDraw

FILES = pathlib.Path(__file__).resolve().parent.parent / "hostile/files"


def scene(width=120, height=80, sun="gold"):
    image = Image.new("RGB", (width, height), "skyblue")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 0.6, width, height), fill="forestgreen")
    draw.rectangle((width * 0.15, height * 0.4, width * 0.5, height * 0.8), fill="firebrick")
    draw.polygon([(width * 0.1, height * 0.4), (width * 0.55, height * 0.4), (width * 0.32, height * 0.15)], fill="saddlebrown")
    draw.ellipse((width * 0.7, height * 0.1, width * 0.9, height * 0.4), fill=sun)
    return image


def encoded(image, **options):
    out = io.BytesIO()
    image.save(out, **options)
    return out.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side):
    """A PNG that says it is side x side and would inflate to gigabytes; the data itself is short."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 65536, 9)) + chunk(b"IEND", b"")


def ycck(cmyk):
    """Pillow writes CMYK untransformed and inverted: give it YCbCr of the inks, inverted once more, and declare it (Adobe transform 2)."""
    cyan, magenta, yellow, black = cmyk.split()
    inks = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split()
    jpeg = encoded(Image.merge("CMYK", (*map(ImageChops.invert, inks), black)), format="JPEG", quality=90)
    at = jpeg.index(b"Adobe")
    return jpeg[: at + 11] + b"\x02" + jpeg[at + 12 :]


def sixteen_bit_png(image):
    """RGB, 16 bits a channel: Pillow cannot write it."""
    width, height = image.size
    raw = image.tobytes()
    lines = []
    for y in range(height):
        line = raw[y * width * 3 : (y + 1) * width * 3]
        lines.append(b"\0" + bytes(b for value in line for b in (value, value)))
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"".join(lines), 9)) + chunk(b"IEND", b"")


def main():
    FILES.mkdir(parents=True, exist_ok=True)
    picture = scene()
    cmyk = picture.convert("CMYK")
    frames = [scene(sun=colour) for colour in ("gold", "orange", "red")]
    ppm = encoded(picture, format="PPM")
    gray_alpha = picture.convert("L")
    gray_alpha.putalpha(Image.linear_gradient("L").resize(picture.size))
    large = encoded(scene(1200, 800), format="JPEG", quality=90)
    made = {
        "truncated.jpg": large[: len(large) // 3],
        "page.jpg": b"<!doctype html><html><head><title>Not found</title></head><body><p>Not here.</p></body></html>\n",
        "empty.jpg": b"",
        "garbage.jpg": b"\xff\xd8\xff" + bytes((i * 37 + 11) % 256 for i in range(2000)),
        "bomb.png": bomb(60_000),
        "cmyk.jpg": encoded(cmyk, format="JPEG", quality=90),
        "ycck.jpg": ycck(cmyk),
        "progressive.jpg": encoded(picture, format="JPEG", quality=90, progressive=True),
        "arithmetic.jpg": subprocess.run(["cjpeg", "-quality", "90", "-arithmetic"], input=ppm, capture_output=True, check=True).stdout,
        "gray.jpg": encoded(picture.convert("L"), format="JPEG", quality=90),
        "sixteen-bit.png": sixteen_bit_png(picture),
        "palette.png": encoded(picture.quantize(16), format="PNG"),
        "one-bit.png": encoded(picture.convert("1"), format="PNG"),
        "gray-alpha.png": encoded(gray_alpha, format="PNG"),
        "bad-checksum.png": (png := encoded(picture, format="PNG"))[:60] + bytes([png[60] ^ 0xFF]) + png[61:],
        "animated.gif": encoded(frames[0], format="GIF", save_all=True, append_images=frames[1:], duration=200, loop=0),
        "animated.webp": encoded(frames[0], format="WEBP", save_all=True, append_images=frames[1:], duration=200, quality=80),
        "still.avif": encoded(picture, format="AVIF", quality=80),
        "drawing.svg": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80">'
        b'<rect width="120" height="80" fill="skyblue"/><circle cx="96" cy="20" r="12" fill="gold"/></svg>\n',
        "one-pixel.png": encoded(Image.new("RGB", (1, 1), "red"), format="PNG"),
        "thread.png": encoded(scene(1, 3000), format="PNG"),
    }
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        made[f"orientation-{orientation}.jpg"] = encoded(picture, format="JPEG", quality=90, exif=exif)
    for name, content in made.items():
        (FILES / name).write_bytes(content)
    print(len(made), "files,", sum(map(len, made.values())), "bytes")


if __name__ == "__main__":
    main()
