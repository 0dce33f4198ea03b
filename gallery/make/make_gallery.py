"""Makes ../images, ../manifest.tsv and ../CREDITS from the Debian package tuxpaint-stamps-default.

Run: apt-get download tuxpaint-stamps-default && dpkg-deb -x tuxpaint-stamps-default_*.deb stamps
     pip install -r requirements.txt && python make_gallery.py stamps

The package holds photographs cut out on a transparent ground, and drawings. Only photographs are taken: folders named
"cartoon", "symbols" and the drawings listed below are left out. Same input, same Pillow: same bytes.
"""

import hashlib
import pathlib
import sys

from PIL import Image

PACKAGE = "tuxpaint-stamps-default 2022.06.04-1"
HERE = pathlib.Path(__file__).resolve().parent.parent
MIN_SIDE = 45  # smaller ones are icons

# drawings, renderings and texts among the photographs; a trailing slash names a whole folder
NOT_PHOTOGRAPHS = """
animals/insects/bee.png animals/mammals/hedgehog.png animals/mammals/echidna.png clothes/button.png clothes/hats/
clothes/t_ food/pizza.png household/dishes/mug.png household/arttools/highlighter.png medical/tooth.png
military/final-roll-call.png military/fireman240a.png naturalforces/lightningbolt.png people/body_parts/
people/fireman240a.png seasonal/christmas/Santa.png seasonal/christmas/bow.png seasonal/christmas/candy_cane.png
seasonal/christmas/hard_candy.png seasonal/christmas/lamp.png seasonal/christmas/santahat.png
seasonal/christmas/star.png seasonal/christmas/stocking.png seasonal/christmas/tree.png
seasonal/christmas/xmas_tp_bulb.png seasonal/easter/ seasonal/halloween/bat seasonal/halloween/blackcat.png
seasonal/halloween/ghost.png seasonal/halloween/jackolantern_mean.png seasonal/halloween/skull.png
seasonal/halloween/spider.png seasonal/hanukkah/ seasonal/newyears/ space/planets/0_sun.png sports/rugby_goal_posts.png
town/flags/ town/monuments/inukshuk-outline.png town/roadsigns/arrow.png town/roadsigns/crossroads.png
town/roadsigns/give_way_sign.png town/roadsigns/hospital.png town/roadsigns/roundabout.png
town/roadsigns/t-junction.png town/roadsigns/toilets.png town/roadsigns/xing town/roadsigns/yield.png
town/roadsigns/stop vehicles/emergency/sedan_police.png
""".split()

# where the package's description greets children instead of naming the thing
LABELS = {
    "food/vegetables/broccoli.png": "Broccoli.",
    "household/toilet.png": "A toilet.",
    "household/wheelie_bin.png": "A green wheelie bin.",
    "medical/stethoscope.png": "A stethoscope.",
    "military/ammunition/old_naval_shell.png": "An old naval shell.",
    "military/vehicles/bradley.png": "A tracked armoured vehicle.",
    "military/vehicles/infantry-stryker.png": "A wheeled armoured vehicle.",
    "military/vehicles/ww2_german_gun.png": "A tank with a gun.",
    "naturalforces/explosion.png": "Smoke of an explosion.",
    "naturalforces/fire.png": "A fire with flames.",
    "plants/mushrooms/cep-2.png": "Two ceps.",
    "plants/trees/holly_leaves.png": "Holly leaves.",
    "plants/trees/rambutan.png": "Rambutan fruits.",
    "seasonal/christmas/Candy_cane_photo_1.png": "A candy cane.",
    "seasonal/christmas/Candy_cane_photo_2.png": "A green and red candy cane.",
    "seasonal/christmas/Christmas_pudding.png": "A christmas pudding.",
    "seasonal/christmas/German_Christmas_toy.png": "A wooden smoking man, a Christmas toy.",
    "seasonal/christmas/Mince_Pie.png": "A mince pie.",
    "seasonal/christmas/Roast_turkey.png": "A roast turkey.",
    "space/planets/2_venus.png": "The planet Venus.",
    "space/planets/1_mercury.png": "The planet Mercury.",
    "space/planets/3_earth.png": "The Earth.",
    "space/planets/4_mars.png": "Mars, the red planet.",
    "space/planets/5_jupiter.png": "The planet Jupiter.",
    "space/planets/6_saturn.png": "The planet Saturn with its rings.",
    "space/planets/7_uranus.png": "The planet Uranus.",
    "space/planets/8_neptune.png": "The planet Neptune.",
    "space/planets/9_pluto.png": "Pluto.",
    "space/spacewalk.png": "An astronaut on a spacewalk.",
    "town/monuments/inukshuk-photo.png": "An inukshuk, a landmark made of stones.",
    "town/roadsigns/dead_end_sign.png": "A dead end road sign.",
    "town/roadsigns/no_entry_sign.png": "A no entry road sign.",
    "town/roadsigns/no_uturn.png": "A no U-turn road sign.",
    "town/roadsigns/school_sign.png": "A school road sign with children.",
    "town/uk_post_box.png": "A red British post box.",
    "vehicles/7spoke256.png": "A car wheel.",
    "vehicles/construction/dumper.png": "A dumper.",
}


def is_photograph(name):
    if name.startswith("symbols/") or "/cartoon/" in name or "mirror" in name:
        return False
    return not any(name == entry or (not entry.endswith(".png") and name.startswith(entry)) for entry in NOT_PHOTOGRAPHS)


def resized(image, target):
    """Longest side near target, but never more than three times the original's: small pictures stay small."""
    scale = min(target / max(image.size), 3.0)
    if 0.9 < scale < 1.1:
        return image
    size = tuple(max(1, round(side * scale)) for side in image.size)
    return image.resize(size, Image.Resampling.LANCZOS)


def on_white(image):
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def main(package_root):
    root = pathlib.Path(package_root) / "usr/share/tuxpaint/stamps"
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*.png"))
    images = HERE / "images"
    rows = []
    for name in filter(is_photograph, names):
        picture = Image.open(root / name).convert("RGBA")
        description = (root / name).with_suffix(".txt")
        if max(picture.size) < MIN_SIDE or not description.exists():
            continue
        label = LABELS.get(name) or description.read_text(encoding="utf-8").splitlines()[0].strip()
        picture = resized(picture, (320, 400, 480, 560, 640)[len(rows) % 5])
        stem = images / name.rsplit(".", 1)[0].lower().replace(" ", "-").replace("_", "-")
        stem.parent.mkdir(parents=True, exist_ok=True)
        kind = len(rows) % 12
        if kind == 5:
            target, kind_name = stem.with_suffix(".png"), "png"
            picture.thumbnail((320, 320), Image.Resampling.LANCZOS)
            picture.save(target, optimize=True)
        elif kind == 10:
            target, kind_name = stem.with_suffix(".webp"), "webp"
            picture.save(target, quality=82, method=6)
        elif kind == 8:
            target, kind_name = stem.with_suffix(".webp"), "webp"
            on_white(picture).save(target, quality=82, method=6)
        else:
            target, kind_name = stem.with_suffix(".jpg"), "jpeg"
            on_white(picture).save(target, quality=88, optimize=True, progressive=kind == 3)
        rows.append((str(target.relative_to(HERE)), label.rstrip("."), "GPL-2.0-or-later", f"{PACKAGE}: {name}", *map(str, picture.size),
                     hashlib.sha256(target.read_bytes()).hexdigest(), kind_name))
    header = ("file", "label", "licence", "origin", "width", "height", "sha256", "format")
    # two stamps may differ only in what is replaced above
    assert len({row[0] for row in rows}) == len(rows)
    lines = ["\t".join(row) for row in (header, *rows)]
    (HERE / "manifest.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    notice = (pathlib.Path(package_root) / "usr/share/doc/tuxpaint-stamps-default/copyright").read_text(encoding="utf-8")
    (HERE / "CREDITS").write_text(notice, encoding="utf-8")
    print(len(rows), "pictures,", sum((HERE / row[0]).stat().st_size for row in rows), "bytes")


if __name__ == "__main__":
    main(sys.argv[1])
