"""The method of ZoomStack, without any host: joint multi-scale sampling after Generative Powers of Ten.

A name is imported when it is first asked for: sampling needs PyTorch alone, beats NumPy, and the
video einops, NumPy, Pillow and PyAV too.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"  # as in pyproject.toml, a test keeps them equal

if TYPE_CHECKING:
    from .camera.journey import Journey as Journey
    from .camera.path import ZoomPath as ZoomPath
    from .camera.pulse import pulsed_zooms as pulsed_zooms
    from .errors import ArgumentError as ArgumentError
    from .geometry import Rect as Rect
    from .geometry import ZoomGeometry as ZoomGeometry
    from .method.anchor import PhotoAnchor as PhotoAnchor
    from .method.anchor import anchor_to_photo as anchor_to_photo
    from .method.blend import BLEND_MODES as BLEND_MODES
    from .method.blend import blend_levels as blend_levels
    from .method.blend import feather_levels as feather_levels
    from .method.joint_step import JointDenoiser as JointDenoiser
    from .method.joint_step import JointStep as JointStep
    from .method.ladder import NoiseLadder as NoiseLadder
    from .method.ladder import aligned_ladder as aligned_ladder
    from .method.metrics import band_energy as band_energy
    from .method.metrics import consistency_error as consistency_error
    from .method.metrics import seam_ratio as seam_ratio
    from .method.noise import render_noise as render_noise
    from .method.overlap import OverlapDenoiser as OverlapDenoiser
    from .method.overlap import OverlapStep as OverlapStep
    from .method.render import render_images as render_images
    from .method.sample import sample_joint as sample_joint
    from .method.stack import ZoomStack as ZoomStack
    from .nesting import Nesting as Nesting
    from .nesting import parse_focus as parse_focus
    from .nesting import parse_zoom_factors as parse_zoom_factors
    from .prompts.instruction import write_instruction as write_instruction
    from .prompts.schedule import parse_prompts as parse_prompts
    from .sound.beats import find_beats as find_beats
    from .sound.sound import Sound as Sound
    from .video.draw_frame import FrameRenderer as FrameRenderer
    from .video.draw_frame import render_frame as render_frame
    from .video.encode import encode_video as encode_video

# The same for who runs it: where each name is.
_MODULES = {
    "Journey": "camera.journey",
    "ZoomPath": "camera.path",
    "pulsed_zooms": "camera.pulse",
    "ArgumentError": "errors",
    "Rect": "geometry",
    "ZoomGeometry": "geometry",
    "PhotoAnchor": "method.anchor",
    "anchor_to_photo": "method.anchor",
    "BLEND_MODES": "method.blend",
    "blend_levels": "method.blend",
    "feather_levels": "method.blend",
    "JointDenoiser": "method.joint_step",  # the name of JointStep until 0.1
    "JointStep": "method.joint_step",
    "NoiseLadder": "method.ladder",
    "aligned_ladder": "method.ladder",
    "band_energy": "method.metrics",
    "consistency_error": "method.metrics",
    "seam_ratio": "method.metrics",
    "render_noise": "method.noise",
    "OverlapDenoiser": "method.overlap",  # the name of OverlapStep until 0.1
    "OverlapStep": "method.overlap",
    "render_images": "method.render",
    "sample_joint": "method.sample",
    "ZoomStack": "method.stack",
    "Nesting": "nesting",
    "parse_focus": "nesting",
    "parse_zoom_factors": "nesting",
    "write_instruction": "prompts.instruction",
    "parse_prompts": "prompts.schedule",
    "find_beats": "sound.beats",
    "Sound": "sound.sound",
    "encode_video": "video.encode",
    "FrameRenderer": "video.draw_frame",
    "render_frame": "video.draw_frame",
}

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
