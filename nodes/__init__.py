"""The pack's nodes, thin: schema, unpack, one call, output. One file per node family."""

from comfy_api.latest import io

from . import routes  # noqa: F401 - registers them
from .demo_model import ZoomDemoModel
from .hold_levels import ZoomHeldLevels, ZoomHoldLevels
from .ksampler import ZoomKSampler, ZoomKSamplerAdvanced
from .multires_blend import ZoomMultiResBlend
from .photo_anchor import ZoomAnchorPhoto, ZoomPhotoAnchor
from .prompt_schedule import ZoomPromptSchedule
from .prompt_writer import ZoomPromptWriter
from .save_zoom_video import ZoomSaveVideo
from .shared_noise import ZoomSharedNoise
from .zoom_frames import ZoomFrames
from .zoom_geometry import ZoomGeometryNode
from .zoom_guider import ZoomGuider
from .zoom_stack import ZoomStackNode
from .zoom_video import ZoomVideo
from .zoom_viewer import ZoomViewer

NODES: list[type[io.ComfyNode]] = [
    ZoomAnchorPhoto,
    ZoomDemoModel,
    ZoomFrames,
    ZoomGeometryNode,
    ZoomGuider,
    ZoomHeldLevels,
    ZoomHoldLevels,
    ZoomKSampler,
    ZoomKSamplerAdvanced,
    ZoomMultiResBlend,
    ZoomPhotoAnchor,
    ZoomPromptSchedule,
    ZoomPromptWriter,
    ZoomSaveVideo,
    ZoomSharedNoise,
    ZoomStackNode,
    ZoomVideo,
    ZoomViewer,
]
