"""The method of ZoomStack, without any host: joint multi-scale sampling after Generative Powers of Ten."""

from .anchor import PhotoAnchor, anchor_to_photo
from .blend import BLEND_MODES, blend_levels
from .encode import encode_video
from .errors import ArgumentError
from .frames import FrameRenderer, render_frame
from .geometry import Rect, ZoomGeometry
from .joint import JointDenoiser
from .ladder import NoiseLadder, aligned_ladder
from .metrics import band_energy, consistency_error, seam_ratio
from .nesting import Nesting, parse_focus, parse_zoom_factors
from .noise import render_noise
from .overlap import OverlapDenoiser
from .path import ZoomPath
from .prompt_writing import write_instruction
from .prompts import parse_prompts
from .render import render_images
from .sample import sample_joint
from .stack import ZoomStack

__all__ = [
    "BLEND_MODES",
    "ArgumentError",
    "FrameRenderer",
    "JointDenoiser",
    "Nesting",
    "NoiseLadder",
    "OverlapDenoiser",
    "PhotoAnchor",
    "Rect",
    "ZoomGeometry",
    "ZoomPath",
    "ZoomStack",
    "aligned_ladder",
    "anchor_to_photo",
    "band_energy",
    "blend_levels",
    "consistency_error",
    "encode_video",
    "parse_focus",
    "parse_prompts",
    "parse_zoom_factors",
    "render_frame",
    "render_images",
    "render_noise",
    "sample_joint",
    "seam_ratio",
    "write_instruction",
]
