"""Photographs as anchors: every level's estimate is pulled towards what a photograph shows of it.

The objective is Σ_i ‖M (D_i(x_i) - ξ_i)‖²: a level deeper than the photograph ξ is compared with the part of ξ that it
fills, at ξ's resolution; a wider one with ξ reduced to its own. M leaves out what ξ does not show. It is a linear
least-squares problem, separate for every level.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ArgumentError, shown
from ..geometry import Span, ZoomGeometry
from ..tensors import check_float, compute_dtype
from .resample import Link, Window, links_into

ANCHOR_METHODS = ("projection", "adam")

# The paper's optimizer settings (section 4.4); the other constants are Adam's own.
ADAM_STEPS, ADAM_RATE = 5, 0.1
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True, eq=False)
class PhotoAnchor:
    """A photograph of one level, and how it is kept to.

    Args:
        photo: [C, H, W] in the values of the estimates, at the size of a level.
        level: the level that it shows.
        method: "projection" (closed form) or "adam" (the paper's).
        strength: 0 … 1, how much of the pull is done.
        start, end: a level is pulled while its own progress, 0 … 1, lies in this range.
        mask: [H, W] bool, where the photograph is; everywhere if not given.
        steps, lr: of Adam.

    Raises:
        ValueError: for values outside these ranges.

    >>> import torch
    >>> from zoomstack_core import JointStep, PhotoAnchor, ZoomGeometry
    >>> geometry, photo = ZoomGeometry(levels=2, height=16, width=16), torch.rand(3, 16, 16)
    >>> step = JointStep(geometry, anchors=[PhotoAnchor(photo, level=1)])
    >>> bool(torch.allclose(step(torch.rand(2, 3, 16, 16))[1], photo, atol=1e-5))
    True
    """

    photo: Tensor
    level: int = 0
    method: str = "projection"
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    mask: Tensor | None = None
    steps: int = ADAM_STEPS
    lr: float = ADAM_RATE

    def __post_init__(self) -> None:
        if self.method not in ANCHOR_METHODS:
            raise ArgumentError("method", shown(self.method), f"one of {', '.join(ANCHOR_METHODS)}")
        if not 0 <= self.strength <= 1:
            raise ArgumentError("strength", shown(self.strength), "a number from 0 to 1")
        if not 0 <= self.start <= self.end <= 1:
            raise ArgumentError("start", shown(self.start), f"0 <= `start` <= `end` <= 1, where `end` is {self.end}")
        if self.steps < 1 or self.lr <= 0:
            raise ValueError(f"expected steps >= 1 and lr > 0, got steps={self.steps}, lr={self.lr}")

    def check(self, geometry: ZoomGeometry) -> None:
        """Raises ValueError unless the photograph fits ``geometry``."""
        if not 0 <= self.level < geometry.levels:
            raise ArgumentError("level", shown(self.level), f"a level from 0 to {geometry.levels - 1}")
        check_float("photo", self.photo)
        size = (geometry.height, geometry.width)
        if self.photo.ndim != 3 or tuple(self.photo.shape[1:]) != size:
            raise ArgumentError("photo", f"has the shape {list(self.photo.shape)}", f"[C, {size[0]}, {size[1]}]")
        if self.mask is not None and tuple(self.mask.shape) != size:
            raise ArgumentError("mask", f"has the shape {list(self.mask.shape)}", f"[{size[0]}, {size[1]}]")


def anchor_to_photo(
    images: Tensor,
    photo: Tensor,
    geometry: ZoomGeometry,
    level: int = 0,
    method: str = "adam",
    steps: int = ADAM_STEPS,
    lr: float = ADAM_RATE,
    strength: float = 1.0,
    mask: Tensor | None = None,
) -> Tensor:
    """Every level pulled towards what a photograph of `level` shows of it.

    "adam" is the paper's: some steps of Adam on the objective above, with its gradient written out, so that it works
    where autograd is off. "projection" reaches the least-squares optimum at once: it adds to a level what is missing,
    x_i + E_i(ξ_i - D_i(x_i)), where E_i is the expand that matches D_i; what D_i cannot see stays.

    Args:
        images: estimates of all levels [N, C, H, W], any float dtype.
        photo: [C, H, W].
        mask: [H, W] bool, where the photograph is; everywhere if not given.
        strength: 0 … 1, how much of the pull is done.

    Returns:
        [N, C, H, W], a new tensor of the same dtype and device.

    Raises:
        ValueError: for arguments that do not fit the geometry or lie outside these ranges.

    Source: Generative Powers of Ten, section 4.4 (level 0, adam); the closed form, other levels and masks are ours.

    >>> import torch
    >>> from zoomstack_core import ZoomGeometry, anchor_to_photo
    >>> images, photo = torch.rand(2, 3, 16, 16), torch.rand(3, 16, 16)
    >>> pulled = anchor_to_photo(images, photo, ZoomGeometry(levels=2, height=16, width=16), method="projection")
    >>> bool(torch.allclose(pulled[0], photo, atol=1e-5)), pulled.shape
    (True, torch.Size([2, 3, 16, 16]))
    """
    check_float("images", images)
    geometry.check("images", images.shape)
    anchor = PhotoAnchor(photo, level, method, strength, mask=mask, steps=steps, lr=lr)
    done = dict.fromkeys(range(geometry.levels), 0.0)
    pulled = PhotoAnchors(geometry, [anchor]).pull(images.to(compute_dtype(images.dtype)), list(done), done)
    return pulled.to(images.dtype, copy=pulled is images)


def anchor_loss(
    images: Tensor, photo: Tensor, geometry: ZoomGeometry, level: int = 0, mask: Tensor | None = None
) -> Tensor:
    """The objective of `anchor_to_photo`, per level [N]; arguments as there."""
    check_float("images", images)
    geometry.check("images", images.shape)
    anchors = PhotoAnchors(geometry, [PhotoAnchor(photo, level, mask=mask)])
    losses = images.new_zeros(geometry.levels)
    for i, image in enumerate(images.to(compute_dtype(images.dtype))):
        for view in anchors.views(i, image):
            losses[i] += view.missing(image).square().sum()
    return losses


class PhotoAnchors:
    """All photographs of a run. Where they overlap, the deeper one, which shows more, decides.

    Raises:
        ValueError: for a photograph that does not fit ``geometry``, or two of one level.
    """

    def __init__(self, geometry: ZoomGeometry, anchors: Sequence[PhotoAnchor]):
        for anchor in anchors:
            anchor.check(geometry)
        self.geometry = geometry
        self.anchors = sorted(anchors, key=lambda anchor: anchor.level)
        levels = [anchor.level for anchor in self.anchors]
        for level in levels:
            if levels.count(level) > 1:
                raise ValueError(f"two anchors give level {level}; expected at most one photograph per level")
        self._photos: list[tuple[Tensor, Tensor]] = []
        self._views: dict[int, list[_View]] = {}

    def pull(self, images: Tensor, levels: Sequence[int], done: Mapping[int, float], last_only: bool = False) -> Tensor:
        """Levels pulled towards the photographs.

        Args:
            images: of ``levels`` [n, C, H, W].
            done: the levels that may change, with their own progress 0 … 1. At 1 the closed form is taken whatever
                the method, so that what comes out shows the photograph.
            last_only: only levels whose progress is 1.

        Returns:
            [n, C, H, W]; ``images`` itself, if nothing is pulled.
        """
        pulled = images
        for level, progress in done.items():
            if last_only and progress < 1:
                continue
            for anchor, view in zip(self.anchors, self.views(level, images), strict=True):
                if view.empty or not anchor.start <= progress <= anchor.end:
                    continue
                if pulled is images:
                    pulled = images.clone()
                image = pulled[levels.index(level)]
                change = _adam(image, view, anchor) if anchor.method == "adam" and progress < 1 else view.lift(image)
                pulled[levels.index(level)] = image + anchor.strength * change
        return pulled

    def views(self, level: int, like: Tensor) -> list[_View]:
        """What each photograph shows of ``level``."""
        if self.anchors and not self._photos:
            self._photos = self._agreeing(like)
        if level not in self._views:
            self._views[level] = [
                _view(self.geometry, level, anchor.level, *photo)
                for anchor, photo in zip(self.anchors, self._photos, strict=True)
            ]
        return self._views[level]

    def _agreeing(self, like: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Photographs and masks; in a wider one stands what the deeper ones show."""
        photos = []
        for anchor in self.anchors:
            photo = anchor.photo.to(like.device, compute_dtype(like.dtype), copy=True)
            mask = torch.ones_like(photo[0]) if anchor.mask is None else anchor.mask.to(photo)
            photos.append((photo, mask))
        for later in range(len(photos) - 1, 0, -1):
            for earlier in range(later - 1, -1, -1):
                level = {place: self.anchors[place].level for place in (earlier, later)}
                wider = earlier if self.geometry.wider_of(level[earlier], level[later]) == level[earlier] else later
                deeper = earlier + later - wider
                view = _view(self.geometry, level[wider], level[deeper], *photos[deeper])
                if not view.empty:
                    photo, mask = photos[wider]
                    photo += view.lift(photo)
                    inside = view.window.crop(mask)
                    inside.copy_(torch.maximum(inside, view.mask))
        return photos


@dataclass(frozen=True, eq=False)
class _View:
    """What one photograph shows of one level: ``target`` of ``links`` reduced, of the level's ``window``."""

    links: Sequence[Link]
    window: Window
    target: Tensor
    mask: Tensor
    empty: bool = False

    def missing(self, image: Tensor) -> Tensor:
        """M (target - D image), at the resolution of the comparison."""
        for link in self.links:
            image = link.reduce(image)
        observed = image if self.links else self.window.crop(image)
        return self.mask * (self.target - observed)

    def lift(self, image: Tensor) -> Tensor:
        """The change of ``image`` that makes it show the target."""
        return self._to_level(self.missing(image), image, [link.up for link in reversed(self.links)])

    def gradient(self, image: Tensor) -> Tensor:
        """Of ‖M (D image - target)‖²: the adjoint of D on the residual."""
        adjoints = [(rows.T, columns.T) for rows, columns in (link.down for link in reversed(self.links))]
        return self._to_level(-2 * self.missing(image), image, adjoints)

    def _to_level(self, residual: Tensor, image: Tensor, matrices: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        if not self.links:
            whole = torch.zeros_like(image)
            self.window.crop(whole).copy_(residual)
            return whole
        for rows, columns in matrices:
            residual = rows @ residual @ columns
        return residual


def _view(geometry: ZoomGeometry, level: int, photo_level: int, photo: Tensor, mask: Tensor) -> _View:
    wider = geometry.wider_of(photo_level, level)
    inside, deep = wider == photo_level, level if wider == photo_level else photo_level
    depth = None if wider is None else geometry.depth_below(wider, deep)
    found = [] if depth is None else [links_into(geometry, deep, d, photo) for d in range(1, depth + 1)]
    links = [link for link in found if link is not None]
    if depth is None or len(links) < depth:
        return _View([], Window(Span(0, 0), Span(0, 0)), photo[:, :0, :0], mask[:0, :0], empty=True)
    window = links[-1].window if links else Window(Span(0, geometry.height), Span(0, geometry.width))
    if inside:
        return _View(links, window, window.crop(photo), window.crop(mask))
    for link in links:
        photo, mask = link.reduce(photo), link.reduce(mask)
    return _View([], window, photo, (mask > 1 - 1e-4).to(mask))


def _adam(image: Tensor, view: _View, anchor: PhotoAnchor) -> Tensor:
    """The change of ``image`` by the anchor's steps of Adam."""
    moved, mean, square = image, torch.zeros_like(image), torch.zeros_like(image)
    for step in range(1, anchor.steps + 1):
        gradient = view.gradient(moved)
        mean = BETA_1 * mean + (1 - BETA_1) * gradient
        square = BETA_2 * square + (1 - BETA_2) * gradient.square()
        scale = math.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
        moved = moved - anchor.lr * scale * mean / (square.sqrt() + EPSILON * math.sqrt(1 - BETA_2**step))
    return moved - image
