"""ZoomAnchorPhoto: a photograph that a level shows."""

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ..sampling.agreement.photos import FITS, Photo
from ..sampling.host_types import VAE
from ..zoomstack_core.errors import ArgumentError
from ..zoomstack_core.method.anchor import ANCHOR_METHODS
from .shared.checked import checked
from .shared.input_checks import check_order
from .shared.wire_types import CATEGORY, SEARCH_ALIASES, ZoomAnchorsType


class ZoomAnchorPhoto(io.ComfyNode):
    """Photographs for the joint sampler; several of these nodes in a chain give several levels one each."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema("ZoomAnchorPhoto", "Zoom Photo Anchor", first=1)

    @classmethod
    @checked()
    def execute(cls, **inputs: Any) -> io.NodeOutput:
        return io.NodeOutput(_anchors(first=1, **inputs))


class ZoomPhotoAnchor(io.ComfyNode):
    """The same with the level counted from 0, for workflows and prompts that were saved when all levels were."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema("ZoomPhotoAnchor", "Zoom Photo Anchor (from 0)", first=0)

    @classmethod
    @checked()
    def execute(cls, **inputs: Any) -> io.NodeOutput:
        return io.NodeOutput(_anchors(first=0, **inputs))


def _schema(node_id: str, name: str, first: int) -> io.Schema:
    """Of the node that calls the widest level ``first``."""
    return io.Schema(
        node_id=node_id,
        display_name=name,
        category=CATEGORY,
        is_deprecated=first == 0,
        description="A photo that one level of the zoom shows. At every step all levels are pulled towards what "
        "the photo shows of them, so that the zoom leads into it or out of it. Connect it to anchors of Zoom "
        "KSampler.",
        search_aliases=[*SEARCH_ALIASES, "photo zoom", "zoom into photo", "outpaint"],
        inputs=[
            io.Image.Input(
                "photo",
                tooltip="The photo, of any size and shape; at least half as many pixels a side as a level. Where "
                "it is transparent the level is free.",
            ),
            io.Int.Input(
                "level",
                default=first,
                min=first,
                max=4096,
                tooltip=f"The level that shows the photo, counted from {first}, the widest view. At {first} the zoom "
                "leads into the photo; deeper, the levels before it invent its surroundings.",
            ),
            io.Combo.Input(
                "method",
                options=list(ANCHOR_METHODS),
                default="projection",
                tooltip="projection puts in exactly what is missing; adam takes five small steps towards it, as "
                "the paper does, and leaves more freedom until the last step.",
            ),
            io.Float.Input(
                "strength",
                default=1.0,
                min=0.0,
                max=1.0,
                step=0.01,
                tooltip="How much of the pull is done. Below 1 the result only resembles the photo.",
            ),
            io.Float.Input(
                "start_percent",
                default=0.0,
                min=0.0,
                max=1.0,
                step=0.01,
                tooltip="The pull begins at this part of each level's steps.",
            ),
            io.Float.Input(
                "end_percent",
                default=1.0,
                min=0.0,
                max=1.0,
                step=0.01,
                tooltip="The pull ends at this part of each level's steps. At 1 the finished level shows the "
                "photo; below, the model has the last word.",
            ),
            io.Combo.Input(
                "fit",
                options=list(FITS),
                default="cover",
                tooltip="cover fills the level and cuts off what sticks out; contain shows the whole photo and "
                "leaves the bars beside it to the model.",
            ),
            io.Vae.Input(
                "vae",
                optional=True,
                tooltip="The model's VAE. Pixel-space models need none, nor is it needed if the sampler has one.",
            ),
            ZoomAnchorsType.Input("anchors", optional=True, tooltip="More photos, from another Zoom Photo Anchor."),
        ],
        outputs=[ZoomAnchorsType.Output(display_name="anchors", tooltip="The photos, for Zoom KSampler.")],
    )


def _anchors(
    first: int,
    photo: Tensor,
    level: int,
    method: str,
    strength: float,
    start_percent: float,
    end_percent: float,
    fit: str,
    vae: VAE | None = None,
    anchors: tuple[Photo, ...] | None = None,
) -> tuple[Photo, ...]:
    """The photos so far and a new one, whose level is counted from ``first``."""
    if len(photo) != 1:
        raise ArgumentError("photo", f"is a batch of {len(photo)} images", "one: chain a node for every photo")
    check_order("start_percent", start_percent, "end_percent", end_percent)
    if level - first in (other.level for other in anchors or ()):
        raise ArgumentError(
            "level", f"is {level}, of which the connected anchors have a photo already", "one photo per level"
        )
    added = Photo(photo, level - first, method, strength, start_percent, end_percent, fit, vae, first)
    return (*(anchors or ()), added)
