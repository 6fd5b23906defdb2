"""Pictures of the templates with a checkpoint: ``make_thumbnails.py``, run by ComfyUI's Python, which has Pillow.

What such a template makes depends on its user's checkpoint, so it cannot be made here. It gets the picture of its demo,
marked as that of another template.
"""

from __future__ import annotations

import sys

from host import CHECKOUT
from PIL import Image, ImageDraw, ImageFont
from report import run, say
from templates.descriptions import DESCRIPTIONS

SIDE = 512
BADGE = "your checkpoint"
BAND, TEXT_HEIGHT = 96, 50
DARK, LIGHT, ACCENT = (16, 18, 24), (240, 242, 248), (88, 166, 255)


def with_badge(picture: Image.Image) -> Image.Image:
    """The picture [SIDE × SIDE] with a band below that says whose model makes it."""
    marked = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(marked)
    draw.rectangle((0, SIDE - BAND, SIDE, SIDE), fill=DARK)
    draw.rectangle((0, SIDE - BAND, SIDE, SIDE - BAND + 4), fill=ACCENT)
    font = ImageFont.load_default(TEXT_HEIGHT)
    draw.text((SIDE / 2, SIDE - BAND / 2 + 2), BADGE, fill=LIGHT, font=font, anchor="mm")
    return marked


def main() -> int:
    folder = CHECKOUT / "workflows"
    for name, template in DESCRIPTIONS.items():
        demo = DESCRIPTIONS.get(f"{name}_demo")
        if demo is not None:
            with Image.open(folder / f"{demo.title}.jpg") as picture:
                with_badge(picture).save(folder / f"{template.title}.jpg", quality=90)
            say(f"workflows/{template.title}.jpg")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
