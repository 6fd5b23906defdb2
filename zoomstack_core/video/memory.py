"""How much memory a video takes while it is made."""

from __future__ import annotations

from ..camera.journey import Journey
from ..camera.view import place_levels
from ..method.stack import ZoomStack
from .formats import MOST_THREADS, PRESETS, VideoFormat

# Levels that a frame of a chain may need, and bytes of a number in which they are resampled.
IN_VIEW = 3
FLOAT = 4
# Frames between the renderer and the encoder: being rendered, waiting, and being encoded.
ON_THE_WAY = 4

# Numbers per pixel of a turned frame: its upright picture, of which it is a part at a slant, and where to sample it.
TURNED = 8

# Bytes per pixel of a frame that an encoder holds at 8 bits, with all the frames that it looks ahead at. Measured as
# the growth of the whole process with 2048² to 4096² (PyAV 18.1, 2 cores), those of the frames on the way taken off;
# slower presets take about the same. x264 is counted by its frames, see below.
ENCODERS = {
    "libx265": 180,
    "libsvtav1": 250,
    "libaom-av1": 250,
    "libvpx-vp9": 150,
    "prores_ks": 40,
    "gif": 100,
    "libwebp_anim": 50,
}
OTHERS = 200  # of encoders that were not at hand
# x264: bytes per pixel of each frame that it holds, and how many of these it refers to, by preset.
X264_FRAME = 5.3
X264_REFERENCES = dict(zip(PRESETS, (1, 1, 1, 2, 2, 3, 5, 8, 16), strict=True))


def video_memory(
    stack: ZoomStack,
    height: int,
    width: int,
    form: VideoFormat,
    bits: int = 8,
    preset: str = "veryfast",
    journey: Journey | None = None,
) -> int:
    """Bytes at the peak, beyond those of the stack; true to about a half.

    Args:
        stack: what is rendered.
        height, width: pixels of the frames.
        form: of the video.
        bits: per sample.
        preset: of the encoder.
        journey: through the levels; by default the stack's own.
    """
    _, channels, rows, columns = stack.images.shape
    layout = form.layout(bits)
    size = 1 if layout.bits == 8 else 2
    samples: float = 1 + 2 / (layout.step_y * layout.step_x)  # of luma and chroma, per pixel
    frame = FLOAT * channels if layout.rgb else samples * size
    held = (FLOAT * channels if layout.rgb else FLOAT * samples) * most_in_view(
        journey or Journey.of(stack.geometry), height, width
    )
    pixels = height * width
    painting = FLOAT * TURNED if journey and journey.roll else 0
    return round(
        rows * columns * held + pixels * (painting + ON_THE_WAY * frame + _encoder_bytes(form, size, preset, pixels))
    )


def most_in_view(journey: Journey, height: int, width: int) -> int:
    """About how many levels are held for the frames of a journey: of a tree also those beside the way, with a roll also
    those around the frame."""
    geometry = journey.geometry
    if geometry.is_chain and not journey.roll:
        return min(geometry.levels, IN_VIEW)
    # soon after a level fills the frame what it shows has faded in, and most of it is in view
    last = journey.round_length or journey.last
    places = [min(i + part, last) for i in range(last + 1) for part in (0.0, 0.15, 0.5)]
    views = (place_levels(journey, place, height, width) for place in sorted(set(places)))
    return max(IN_VIEW, *(len({placement.level for placement in view}) for view in views))


def _encoder_bytes(form: VideoFormat, size: int, preset: str, pixels: int) -> float:
    """Per pixel."""
    encoder = form.encoder()
    if encoder != "libx264":
        return ENCODERS.get(encoder, OTHERS) * (size if encoder != "prores_ks" else 1)
    ahead = int(form.options(encoder, 17.0, preset, pixels).get("rc-lookahead", 0))
    return X264_FRAME * size * (ahead + X264_REFERENCES[preset] + MOST_THREADS + 1)
