"""The pack's nodes, thin: schema, unpack, one call, output. One file per node family."""

from comfy_api.latest import io

from .save_zoom_video import ZoomSaveVideo
from .zoom_demo_model import ZoomDemoModel
from .zoom_frames import ZoomFrames
from .zoom_from_pictures import ZoomFromPictures
from .zoom_geometry import ZoomGeometryNode
from .zoom_guider import ZoomGuider
from .zoom_hold_levels import ZoomHeldLevels, ZoomHoldLevels
from .zoom_ksampler import ZoomKSampler, ZoomKSamplerAdvanced
from .zoom_multires_blend import ZoomMultiResBlend
from .zoom_photo_anchor import ZoomAnchorPhoto, ZoomPhotoAnchor
from .zoom_prompt_schedule import ZoomPromptSchedule
from .zoom_prompt_writer import ZoomPromptWriter
from .zoom_shared_noise import ZoomSharedNoise
from .zoom_stack import ZoomStackNode
from .zoom_video import ZoomVideo
from .zoom_viewer import ZoomViewer

NODES: list[type[io.ComfyNode]] = [
    ZoomAnchorPhoto,
    ZoomDemoModel,
    ZoomFrames,
    ZoomFromPictures,
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
