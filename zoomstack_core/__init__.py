"""The method of ZoomStack, without any host: joint multi-scale sampling after Generative Powers of Ten."""

from .camera.path import ZoomPath
from .errors import ArgumentError
from .geometry import Rect, ZoomGeometry
from .method.anchor import PhotoAnchor, anchor_to_photo
from .method.blend import BLEND_MODES, blend_levels
from .method.joint_step import JointDenoiser
from .method.ladder import NoiseLadder, aligned_ladder
from .method.metrics import band_energy, consistency_error, seam_ratio
from .method.noise import render_noise
from .method.overlap import OverlapDenoiser
from .method.render import render_images
from .method.sample import sample_joint
from .method.stack import ZoomStack
from .nesting import Nesting, parse_focus, parse_zoom_factors
from .prompts.instruction import write_instruction
from .prompts.schedule import parse_prompts
from .video.encode import encode_video
from .video.frames import FrameRenderer, render_frame

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
