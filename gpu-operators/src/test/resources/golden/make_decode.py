"""Writes small images of every kind and what Pillow 12.0.0 makes of them.

Run: python make_decode.py   (needs pillow==12.0.0, numpy, and cjpeg of libjpeg-turbo for the arithmetic-coded JPEG)

decode/<name>.<ext>  the encoded image
decode/<name>.rgb    the expected pixels, zlib-compressed 8-bit RGB, rows top to bottom (after orientation, alpha over white)
decode/index.tsv     name, format, width, height, frames, expected pixels file
"""
import io
import os
import shutil
import struct
import subprocess
import zlib

import numpy
import PIL
from PIL import Image, ImageOps, features

assert PIL.__version__ == "12.0.0", PIL.__version__
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "decode")
os.makedirs(HERE, exist_ok=True)
index = []


def picture(width, height, seed=7):
    """A photograph-like picture: smooth gradients, edges, a little noise."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    r = 128 + 100 * numpy.sin(x / 9 + y / 17)
    g = 255 * x / width
    b = 128 + 110 * numpy.cos((x - y) / 13)
    disc = (x - width / 3) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 4) ** 2
    rgb = numpy.stack([r, g, b], -1)
    rgb[disc] = (230, 40, 30)
    rgb += random.normal(0, 4, rgb.shape)
    return Image.fromarray(rgb.clip(0, 255).astype("uint8"))


def alpha(width, height):
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    a = (255 * x / width).astype("uint8")
    a[: height // 4] = 0
    a[-height // 4:] = 255
    return Image.fromarray(a)


def over_white(image):
    if image.mode == "I;16" or image.mode == "I;16B" or image.mode == "I":
        return Image.fromarray((numpy.asarray(image).astype("uint32") >> 8).astype("uint8")).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba).convert("RGB")
    return image.convert("RGB")


def add(name, extension, encoded, expected=None, frames=1):
    with open(os.path.join(HERE, f"{name}.{extension}"), "wb") as f:
        f.write(encoded)
    if expected is None:
        image = Image.open(io.BytesIO(encoded))
        image.load()
        expected = ImageOps.exif_transpose(image)
        expected = over_white(expected)
    with open(os.path.join(HERE, f"{name}.rgb"), "wb") as f:
        f.write(zlib.compress(expected.tobytes(), 9))
    index.append(f"{name}.{extension}\t{expected.width}\t{expected.height}\t{frames}\t{name}.rgb")


def save(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def jpegs():
    p = picture(67, 45)
    for subsampling, label in ((0, "444"), (1, "422"), (2, "420")):
        add(f"jpeg-{label}", "jpg", save(p, "JPEG", quality=85, subsampling=subsampling))
    add("jpeg-411", "jpg", save(p, "JPEG", quality=85, subsampling="4:1:1"))
    add("jpeg-progressive", "jpg", save(p, "JPEG", quality=85, progressive=True))
    add("jpeg-gray", "jpg", save(p.convert("L"), "JPEG", quality=85))
    add("jpeg-restart", "jpg", save(p, "JPEG", quality=85, restart_marker_blocks=2))
    add("jpeg-rgb", "jpg", save(p, "JPEG", quality=85, keep_rgb=True))
    add("jpeg-cmyk", "jpg", save(p.convert("CMYK"), "JPEG", quality=90))
    add("jpeg-ycck", "jpg", ycck(save(p.convert("CMYK"), "JPEG", quality=90)))
    add("jpeg-trailing", "jpg", save(p, "JPEG", quality=85) + b"trailing bytes after the end")
    add("jpeg-tiny", "jpg", save(picture(1, 1), "JPEG"))
    arithmetic = subprocess.run(
        [shutil.which("cjpeg"), "-arithmetic", "-quality", "85"], input=save(p, "PPM"), capture_output=True, check=True)
    add("jpeg-arithmetic", "jpg", arithmetic.stdout)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        add(f"jpeg-exif-{orientation}", "jpg", save(picture(41, 27), "JPEG", quality=85, exif=exif))
    exif = Image.Exif()
    exif[0x0112] = 9
    add("jpeg-exif-invalid", "jpg", save(picture(41, 27), "JPEG", quality=85, exif=exif))


def ycck(cmyk):
    """Relabels a CMYK JPEG as YCCK: the Adobe marker's last byte says 2."""
    at = cmyk.index(b"Adobe")
    return cmyk[: at + 11] + b"\x02" + cmyk[at + 12:]


def pngs():
    p = picture(53, 38)
    a = alpha(53, 38)
    add("png-rgb", "png", save(p, "PNG"))
    rgba = p.copy()
    rgba.putalpha(a)
    add("png-rgba", "png", save(rgba, "PNG"))
    add("png-gray", "png", save(p.convert("L"), "PNG"))
    la = p.convert("LA")
    la.putalpha(a)
    add("png-gray-alpha", "png", save(la, "PNG"))
    add("png-1bit", "png", save(p.convert("1"), "PNG"))
    add("png-palette", "png", save(p.quantize(200), "PNG"))
    add("png-palette-4bit", "png", save(p.quantize(13), "PNG"))
    add("png-palette-2bit", "png", save(p.quantize(4), "PNG", bits=2))
    add("png-palette-transparent", "png", save(p.quantize(64), "PNG", transparency=bytes(range(0, 256, 4))))
    add("png-rgb-transparent", "png", save(p, "PNG", transparency=p.getpixel((3, 4))))
    wide = (numpy.asarray(p.convert("L")).astype("uint16") * 257 + 100).clip(0, 65535).astype("uint16")
    add("png-gray16", "png", save(Image.fromarray(wide), "PNG"))
    add("png-rgb16", "png", raw_png(numpy.asarray(p).astype("uint16") * 251 + 77, 2), expected=over16(numpy.asarray(p).astype("uint16") * 251 + 77))
    rgba16 = numpy.asarray(rgba).astype("uint16") * 251 + 77
    high = Image.fromarray((rgba16 >> 8).astype("uint8"))
    add("png-rgba16", "png", raw_png(rgba16, 6), expected=over_white(high))
    add("png-gray2bit", "png", gray_bits(numpy.asarray(p.convert("L")) >> 6, 2))
    add("png-gray4bit", "png", gray_bits(numpy.asarray(p.convert("L")) >> 4, 4))
    add("png-interlaced", "png", interlaced(numpy.asarray(p)), expected=p)
    exif = Image.Exif()
    exif[0x0112] = 6
    add("png-exif-6", "png", save(picture(41, 27), "PNG", exif=exif))
    second = picture(53, 38, 8)
    add("png-animated", "png", save(p, "PNG", save_all=True, append_images=[second]), frames=2)
    add("png-gamma", "png", with_chunk(save(p, "PNG"), b"gAMA", struct.pack(">I", 100000)), expected=p)


def with_chunk(png, kind, data):
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return png[:33] + chunk + png[33:]


def png_file(width, height, bits, colour, raw, interlace=0):
    out = b"\x89PNG\r\n\x1a\n"
    for kind, data in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)),
        (b"IDAT", zlib.compress(raw)),
        (b"IEND", b""),
    ):
        out += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return out


def raw_png(samples, colour):
    height, width = samples.shape[:2]
    raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return png_file(width, height, 16, colour, raw)


def over16(samples):
    return Image.fromarray((samples >> 8).astype("uint8"))


def gray_bits(samples, bits):
    height, width = samples.shape
    raw = b""
    for row in samples:
        text = "".join(format(v, f"0{bits}b") for v in row)
        text += "0" * (-len(text) % 8)
        raw += b"\0" + int(text, 2).to_bytes(len(text) // 8, "big")
    return png_file(width, height, bits, 0, raw)


def interlaced(samples):
    height, width = samples.shape[:2]
    raw = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for row in samples[y0::dy, x0::dx]:
            if len(row):
                raw += b"\0" + row.tobytes()
    return png_file(width, height, 8, 2, raw, 1)


def others():
    p = picture(53, 38)
    a = alpha(53, 38)
    rgba = p.copy()
    rgba.putalpha(a)
    add("gif", "gif", save(p.quantize(128), "GIF"))
    add("gif-gray", "gif", save(p.convert("L"), "GIF"))
    palette = p.quantize(64)
    add("gif-transparent", "gif", save(palette, "GIF", transparency=3))
    frames = [picture(53, 38, s).quantize(64) for s in (1, 2, 3)]
    add("gif-animated", "gif", save(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0), frames=3)
    add("gif-offset", "gif", gif_with_offset(save(picture(20, 16).quantize(32), "GIF"), 31, 27, 5, 7), frames=1)
    add("webp-lossy", "webp", save(p, "WEBP", quality=80))
    add("webp-lossless", "webp", save(p, "WEBP", lossless=True))
    add("webp-alpha", "webp", save(rgba, "WEBP", quality=80))
    add("webp-lossless-alpha", "webp", save(rgba, "WEBP", lossless=True))
    add("webp-animated", "webp", save(p, "WEBP", save_all=True, append_images=[picture(53, 38, 8), picture(53, 38, 9)], quality=80), frames=3)
    exif = Image.Exif()
    exif[0x0112] = 8
    add("webp-exif-8", "webp", save(picture(41, 27), "WEBP", quality=80, exif=exif))
    add("bmp", "bmp", save(p, "BMP"))
    add("bmp-gray", "bmp", save(p.convert("L"), "BMP"))
    add("bmp-palette", "bmp", save(p.quantize(100), "BMP"))
    add("bmp-1bit", "bmp", save(p.convert("1"), "BMP"))
    add("bmp-rgba", "bmp", save(rgba, "BMP"))
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        add(f"tiff-{compression.replace('tiff_', '').replace('_', '-')}", "tif", save(p, "TIFF", compression=compression))
    add("tiff-jpeg", "tif", save(picture(64, 48), "TIFF", compression="jpeg", quality=85))
    add("tiff-gray", "tif", save(p.convert("L"), "TIFF", compression="tiff_lzw"))
    add("tiff-1bit", "tif", save(p.convert("1"), "TIFF", compression="group4"))
    add("tiff-palette", "tif", save(p.quantize(100), "TIFF", compression="tiff_lzw"))
    add("tiff-rgba", "tif", save(rgba, "TIFF", compression="tiff_lzw"))
    add("tiff-cmyk", "tif", save(p.convert("CMYK"), "TIFF", compression="tiff_lzw"))
    wide = (numpy.asarray(p.convert("L")).astype("uint16") * 257 + 100).clip(0, 65535).astype("uint16")
    add("tiff-gray16", "tif", save(Image.fromarray(wide), "TIFF", compression="tiff_lzw"))
    exif = Image.Exif()
    exif[0x0112] = 5
    add("tiff-exif-5", "tif", save(picture(41, 27), "TIFF", compression="tiff_lzw", exif=exif))
    if features.check("avif"):
        add("avif-420", "avif", save(p, "AVIF", quality=80))
        add("avif-444", "avif", save(p, "AVIF", quality=90, subsampling="4:4:4"))
        add("avif-gray", "avif", save(p.convert("L"), "AVIF", quality=90, subsampling="4:0:0"))
        add("avif-alpha", "avif", save(rgba, "AVIF", quality=85))
        add("avif-animated", "avif", save(p, "AVIF", save_all=True, append_images=[picture(53, 38, 8)], quality=80), frames=2)
        exif = Image.Exif()
        exif[0x0112] = 6
        add("avif-exif-6", "avif", save(picture(41, 27), "AVIF", quality=85, exif=exif))


def jpeg2000s():
    p = picture(53, 38)
    a = alpha(53, 38)
    rgba = p.copy()
    rgba.putalpha(a)
    la = p.convert("LA")
    la.putalpha(a)
    add("jp2-lossless", "jp2", save(p, "JPEG2000", irreversible=False))
    add("jp2-lossy", "jp2", save(p, "JPEG2000", irreversible=True, quality_mode="rates", quality_layers=[8]))
    add("jp2-layers", "jp2", save(p, "JPEG2000", irreversible=False, quality_mode="rates", quality_layers=[16, 4, 1], progression="RPCL"))
    add("jp2-tiles", "jp2", save(p, "JPEG2000", irreversible=False, tile_size=(16, 16), num_resolutions=3))
    add("jp2-gray", "jp2", save(p.convert("L"), "JPEG2000", irreversible=False))
    add("jp2-gray-alpha", "jp2", save(la, "JPEG2000", irreversible=False))
    add("jp2-rgba", "jp2", save(rgba, "JPEG2000", irreversible=False))
    wide = (numpy.asarray(p.convert("L")).astype("uint16") * 257 + 100).clip(0, 65535).astype("uint16")
    add("jp2-gray16", "jp2", save(Image.fromarray(wide), "JPEG2000", irreversible=False))
    add("j2k-codestream", "j2k", save(p, "JPEG2000", irreversible=False, no_jp2=True))


def pnms():
    p = picture(23, 17)
    samples = numpy.asarray(p)
    gray = numpy.asarray(p.convert("L"))
    bits = (gray < 128).astype("uint8")
    add("pnm-bits", "pbm", save(p.convert("1"), "PPM"))
    add("pnm-gray", "pgm", save(p.convert("L"), "PPM"))
    add("pnm-rgb", "ppm", save(p, "PPM"))
    add("pnm-gray16", "pgm", b"P5\n23 17\n65535\n" + (gray.astype(">u2") * 257).tobytes())
    add("pnm-gray-to-100", "pgm", b"P5 23 17 100\n" + (gray // 3).clip(0, 100).tobytes())
    add("pnm-rgb12", "ppm", b"P6\n# twelve bits\n23 17\n4095\n" + (samples.astype("uint32") * 16).astype(">u2").tobytes())
    add("pnm-text-bits", "pbm", b"P1\n# no spaces\n23 17\n" + b"\n".join(b"".join(b"%d" % v for v in row) for row in bits))
    add("pnm-text-gray", "pgm", b"P2 23 17 255\n" + b"\n".join(b" ".join(b"%d" % v for v in row) for row in gray))
    add("pnm-text-rgb", "ppm", b"P3\n23 17 # a comment\n63\n" + b"\n".join(b" ".join(b"%d" % (v // 4) for v in row.flat) for row in samples) + b"\n")


def gif_with_offset(gif, width, height, left, top):
    """Puts a GIF's only frame into a larger screen."""
    out = bytearray(gif)
    struct.pack_into("<HH", out, 6, width, height)
    at = 13 + 3 * (2 << (out[10] & 7))
    while out[at] == 0x21:
        at += 2
        while out[at]:
            at += out[at] + 1
        at += 1
    assert out[at] == 0x2C
    struct.pack_into("<HH", out, at + 1, left, top)
    return bytes(out)


jpegs()
pngs()
others()
jpeg2000s()
pnms()
with open(os.path.join(HERE, "index.tsv"), "w") as f:
    f.write(f"# Pillow {PIL.__version__}: file, width, height, frames, expected pixels\n")
    f.write("\n".join(index) + "\n")
