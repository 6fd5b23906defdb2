"""Pictures of the templates with models that are not here: ``make_thumbnails.py``, run by ComfyUI's Python, which has
Pillow.

Such a template gets the picture of a demo that tells the same, marked with the name of the model.
"""

from __future__ import annotations

import sys

from host import CHECKOUT
from PIL import Image, ImageDraw, ImageFont
from report import run, say
from templates.descriptions import UI_FILES

SIDE = 512
BAND, TEXT_HEIGHT = 96, 50
DARK, LIGHT, ACCENT = (16, 18, 24), (240, 242, 248), (88, 166, 255)


def with_badge(picture: Image.Image, badge: str) -> Image.Image:
    """The picture [SIDE × SIDE] with a band below that says which model makes it."""
    marked = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(marked)
    draw.rectangle((0, SIDE - BAND, SIDE, SIDE), fill=DARK)
    draw.rectangle((0, SIDE - BAND, SIDE, SIDE - BAND + 4), fill=ACCENT)
    font = ImageFont.load_default(TEXT_HEIGHT)
    draw.text((SIDE / 2, SIDE - BAND / 2 + 2), badge, fill=LIGHT, font=font, anchor="mm")
    return marked


def main() -> int:
    folder = CHECKOUT / "workflows"
    for template in UI_FILES.values():
        if template.demo:
            with Image.open(folder / f"{UI_FILES[template.demo].title}.jpg") as picture:
                with_badge(picture, template.badge).save(folder / f"{template.title}.jpg", quality=90)
            say(f"workflows/{template.title}.jpg")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
