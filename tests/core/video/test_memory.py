"""The estimate of a video's memory."""

import pytest
import torch

from zoomstack_core.camera.journey import Journey
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.stack import ZoomStack
from zoomstack_core.video.formats import FORMATS, PRESETS, available_formats
from zoomstack_core.video.memory import most_in_view, video_memory


def stack(side: int = 512) -> ZoomStack:
    return ZoomStack(torch.zeros(3, 3, side, side), ZoomGeometry(3, side, side))


@pytest.mark.parametrize("form", available_formats())
def test_more_pixels_and_bits_and_larger_levels_take_more(form: str) -> None:
    chosen = FORMATS[form]
    sizes = [video_memory(stack(), side, side, chosen) for side in (256, 512, 1024, 2048, 4096, 8192, 16000)]
    assert sizes == sorted(set(sizes))
    assert sizes[-1] > 10 * 2**30  # of 16000², which took a machine of 18 GB down
    assert video_memory(stack(1024), 1024, 1024, chosen) > video_memory(stack(), 1024, 1024, chosen)
    if form in ("h264", "h265", "av1"):
        assert video_memory(stack(), 1024, 1024, chosen, bits=10) > 1.5 * video_memory(stack(), 1024, 1024, chosen)


def test_slower_presets_of_x264_take_more() -> None:
    sizes = [video_memory(stack(), 2048, 2048, FORMATS["h264"], preset=preset) for preset in PRESETS]
    assert sizes == sorted(sizes)


# (form, preset, side, bits, side of the levels, MB): the growth of the process's memory while it made such a video of
# 24 to 70 frames through 3 levels, on 2 cores with PyAV 18.1.
MEASURED = [
    ("h264", "veryfast", 1024, 8, 512, 104),
    ("h264", "veryfast", 2048, 8, 512, 294),
    ("h264", "veryfast", 4096, 8, 512, 994),
    ("h264", "veryfast", 2048, 8, 2048, 279),
    ("h264", "medium", 2048, 8, 512, 310),
    ("h264", "veryslow", 2048, 8, 512, 709),
    ("h264", "veryfast", 2048, 10, 512, 489),
    ("h265", "veryfast", 2048, 8, 512, 793),
    ("h265", "veryfast", 3072, 8, 512, 1557),
    ("av1", "veryfast", 2048, 8, 512, 983),
    ("av1", "veryfast", 3072, 8, 512, 1714),
    ("av1", "medium", 2048, 8, 512, 1293),
    ("vp9", "ultrafast", 2048, 8, 512, 632),
    ("prores", "veryfast", 2048, 10, 512, 204),
    ("gif", "veryfast", 2048, 8, 512, 629),
    ("webp", "veryfast", 2048, 8, 512, 442),
    ("webp", "veryfast", 3072, 8, 512, 912),
]


@pytest.mark.parametrize(("form", "preset", "side", "bits", "levels", "measured"), MEASURED)
def test_it_is_true_to_a_half(form: str, preset: str, side: int, bits: int, levels: int, measured: float) -> None:
    if form not in available_formats():
        pytest.skip(f"no encoder for {form} in this build")
    estimate = video_memory(stack(levels), side, side, FORMATS[form], bits, preset) / 1e6
    assert measured / 1.5 < estimate < 1.5 * measured


def test_a_tree_takes_what_its_views_show() -> None:
    """The branches in view beside each other, not all levels; a ring as a chain, however often it is gone round."""
    chain = ZoomGeometry(9, 512, 512, 3.0)
    foci = tuple(((k % 3) / 3 + 1 / 6, k // 3 / 3 + 1 / 6) for k in range(8))
    wide = ZoomGeometry(9, 512, 512, 3.0, foci, parents=(None, *[0] * 8))
    ring = ZoomGeometry(9, 512, 512, 3.0, parents=(8, *range(8)))
    views = [most_in_view(journey, 512, 512) for journey in map(Journey.of, (chain, wide, ring))]
    assert views == [3, 9, 3]
    assert most_in_view(Journey.round(ring, 1000), 512, 512) == 3
    deep = ZoomGeometry(17, 512, 512, 3.0, foci * 2, parents=(None, *[0] * 8, *range(1, 9)))
    assert most_in_view(Journey.of(deep), 512, 512) == 9
    of_chain, of_tree = (
        video_memory(ZoomStack(torch.zeros(9, 3, 512, 512), g), 512, 512, FORMATS["h264"]) for g in (chain, wide)
    )
    assert of_tree - of_chain == pytest.approx(6 * 512 * 512 * 4 * 1.5, rel=0.01)
