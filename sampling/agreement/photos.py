"""Photographs for the levels: fitted to a level, and as anchors in the space where the levels agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ...zoomstack_core.geometry import ZoomGeometry
from ...zoomstack_core.method.anchor import ADAM_RATE, PhotoAnchor, PhotoAnchors
from ..host_types import VAE

FITS = ("cover", "contain")

PROBE = (64, 64)  # pixels of a picture that shows how much smaller latents are; every VAE's step divides it
LARGEST_ENLARGEMENT = 2.0  # a photograph must have at least half as many pixels a side as its level
# Root mean square difference of colors in [0, 1]; unrelated photographs differ by about 0.3.
LARGEST_CONTRADICTION = 0.25


@dataclass(frozen=True, eq=False)
class Photo:
    """One photograph as the node takes it; the wire type ZOOM_ANCHORS is a tuple of these.

    Args:
        image: the host's IMAGE, [1, h, w, 3 or 4], colors in [0, 1]; where it is transparent the level is free.
        level: the level that it shows.
        method, strength, start, end: as in `PhotoAnchor`.
        fit: "cover" fills the level and cuts off what sticks out, "contain" shows all of it and leaves bars free.
        vae: for models whose latents are no pictures; that of the blend options counts first.
        first: what the node that gave it calls the widest level: 1, and 0 in older workflows.
    """

    image: Tensor
    level: int
    method: str
    strength: float
    start: float
    end: float
    fit: str
    vae: VAE | None = None
    first: int = 1

    @property
    def node(self) -> str:
        """Display name of the node that gave it, for errors."""
        return "Zoom Photo Anchor" if self.first else "Zoom Photo Anchor (from 0)"

    @property
    def number(self) -> int:
        """The level as that node counts."""
        return self.level + self.first

    def anchor(self, picture: Tensor, mask: Tensor, lr: float = ADAM_RATE) -> PhotoAnchor:
        return PhotoAnchor(picture, self.level, self.method, self.strength, self.start, self.end, mask, lr=lr)


def picture_anchors(
    photos: Sequence[Photo], geometry: ZoomGeometry, encode: Callable[[Tensor], Tensor], lr: float = ADAM_RATE
) -> list[PhotoAnchor]:
    """Anchors where the levels are pictures.

    Args:
        geometry: of the levels in pixels.
        encode: a picture [1, H, W, 3], colors in [0, 1], to the values of the estimates [1, C, H, W].

    Raises:
        ValueError: for photographs that do not fit the levels or each other.
    """
    fitted = _fitted(photos, geometry)
    return [
        photo.anchor(encode(picture[None].movedim(1, -1))[0], mask, lr)
        for photo, (picture, mask) in zip(photos, fitted, strict=True)
    ]


def latent_anchors(
    photos: Sequence[Photo], geometry: ZoomGeometry, vae: VAE | None, encode: Callable[[VAE, Tensor], Tensor]
) -> list[PhotoAnchor]:
    """Anchors where the levels are latents: the photographs are encoded once.

    Args:
        geometry: of the levels as latents.
        vae: the blend options' VAE; without it that of the first photograph which has one.
        encode: (vae, picture [1, H, W, 3] with colors in [0, 1]) to latents as the estimates are, [1, C, h, w].

    Raises:
        ValueError: for photographs that do not fit the levels or each other, or without a VAE.
    """
    vae = vae or next((photo.vae for photo in photos if photo.vae is not None), None)
    if vae is None:
        raise ValueError(
            f"{photos[0].node}: vae is not connected and the model works on latents; connect the model's VAE here or "
            "to the sampler."
        )
    latent = encode(vae, torch.full((1, *PROBE, 3), 0.5))
    scale = PROBE[0] // latent.shape[-2]
    anchors = []
    fitted = _fitted(photos, geometry.resized(geometry.height * scale, geometry.width * scale))
    for photo, (picture, mask) in zip(photos, fitted, strict=True):
        whole = mask.unflatten(1, (-1, scale)).unflatten(0, (-1, scale)).all(3).all(1)
        anchors.append(photo.anchor(encode(vae, picture[None].movedim(1, -1))[0], whole))
    return anchors


def check_levels(photos: Sequence[Photo], levels: int) -> None:
    """Raises ValueError for a photograph of a level that does not exist."""
    for photo in photos:
        if photo.level >= levels:
            raise ValueError(
                f"{photo.node}: level {photo.number} has a photo, but there are only {levels} levels; expected "
                "another level, or more prompts."
            )


def _fitted(photos: Sequence[Photo], geometry: ZoomGeometry) -> list[tuple[Tensor, Tensor]]:
    """Per photograph, its picture [3, H, W] and where it is [H, W] bool."""
    check_levels(photos, geometry.levels)
    fitted = [fit_photo(photo, geometry.height, geometry.width) for photo in photos]
    for photo, (picture, mask) in zip(photos, fitted, strict=True):
        for wider, (wide_picture, wide_mask) in zip(photos, fitted, strict=True):
            if wider.level != photo.level and geometry.wider_of(wider.level, photo.level) == wider.level:
                view = PhotoAnchors(geometry, [PhotoAnchor(picture, photo.level, mask=mask)]).views(
                    wider.level, wide_picture
                )[0]
                both = view.mask * view.window.crop(wide_mask)
                difference = view.missing(wide_picture).square().mean(0)[both > 0]
                if len(difference) and float(difference.mean().sqrt()) > LARGEST_CONTRADICTION:
                    raise ValueError(
                        f"{photo.node}: photo of level {photo.number} contradicts that of level "
                        f"{wider.level + photo.first}: where both show the same, their colors differ by "
                        f"{float(difference.mean().sqrt()):.2f} of the range; expected at most "
                        f"{LARGEST_CONTRADICTION}. Check the levels and the zoom factor, "
                        "or crop the photos."
                    )
    return fitted


def fit_photo(photo: Photo, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The photograph at the size of a level, [3, height, width], and where it is, [height, width] bool.

    Raises:
        ValueError: if it is too small.
    """
    image = photo.image.movedim(-1, 1).float()
    rows, columns = image.shape[-2:]
    scales = height / rows, width / columns
    scale = max(scales) if photo.fit == "cover" else min(scales)
    if scale > LARGEST_ENLARGEMENT:
        least = [math.ceil(size / LARGEST_ENLARGEMENT) for size in (width, height)]
        word = "and" if photo.fit == "cover" else "or"
        raise ValueError(
            f"{photo.node}: photo is {columns} × {rows} pixels, too small for levels of {width} × {height}; "
            f"expected at least {least[0]} wide {word} {least[1]} high, with fit {photo.fit}."
        )
    size = [max(round(rows * scale), 1), max(round(columns * scale), 1)]
    if size != [rows, columns]:
        image = interpolate(image, size, mode="bicubic", antialias=True, align_corners=False)
    image = image[0].clamp(0, 1)
    colors, shown = image[:3], image[3] >= 0.5 if len(image) > 3 else torch.ones(size, dtype=torch.bool)
    shown = shown.to(colors.device)
    # what is no photograph gets its mean color, which disturbs a VAE the least
    mean = colors[:, shown].mean(1) if shown.any() else colors.new_full((3,), 0.5)
    picture = mean[:, None, None].repeat(1, height, width)
    mask = torch.zeros(height, width, dtype=torch.bool, device=colors.device)
    to_rows, from_rows = _centered(height, size[0])
    to_columns, from_columns = _centered(width, size[1])
    mask[to_rows, to_columns] = shown[from_rows, from_columns]
    picture[:, to_rows, to_columns] = torch.where(
        mask[to_rows, to_columns], colors[:, from_rows, from_columns], picture[:, to_rows, to_columns]
    )
    return picture, mask


def _centered(outer: int, inner: int) -> tuple[slice, slice]:
    """Where the middle of `inner` pixels lies among `outer` pixels, in both."""
    size = min(outer, inner)
    start, first = (outer - size) // 2, (inner - size) // 2
    return slice(start, start + size), slice(first, first + size)
