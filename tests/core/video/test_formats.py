"""The limits of every format, tried on the encoders of this build: at the edges they work, beyond them none begins."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from zoomstack_core.video import formats
from zoomstack_core.video.color import Planes
from zoomstack_core.video.encode import EncoderError, encode_video
from zoomstack_core.video.facts import read_facts
from zoomstack_core.video.formats import FORMATS, LIMITS, MARGIN, MOST_PIXELS, Limits, available_formats

PACK = Path(__file__).resolve().parents[3]
# AV1 in frames with which SVT-AV1 never comes back, as if there were no limits: it must be possible to leave.
HANGING = """
import sys, time
import torch
from zoomstack_core.video import formats
from zoomstack_core.video.encode import encode_video
formats.LIMITS["libsvtav1"] = formats.Limits()
began = time.monotonic()
def check():
    if time.monotonic() - began > 3:
        raise KeyboardInterrupt
try:
    encode_video(sys.argv[1], [torch.rand(3, 8, 512)] * 3, 24, form="av1", check=check)
    print("it came back")
except KeyboardInterrupt:
    print("left after", time.monotonic() - began)
"""


def frames(form: str, height: int, width: int, count: int = 3) -> list[torch.Tensor] | list[Planes]:
    """Gray frames in the form that the encoder takes, which differ."""
    layout = FORMATS[form].layout(8)
    if layout.rgb:
        return [torch.full((1, 1, 1), 0.2 + 0.1 * k).expand(3, height, width) for k in range(count)]
    chroma = torch.full((height // layout.step_y, width // layout.step_x), 128, dtype=layout.dtype)
    return [Planes(torch.full((height, width), 60 + 20 * k, dtype=layout.dtype), chroma, chroma) for k in range(count)]


def edges(form: str) -> list[tuple[int, int]]:
    """(height, width) of the smallest frame, and of the longest ones in each direction, made even."""
    limits = FORMATS[form].limits
    least = limits.smallest
    return [(least, least), (least, limits.widest // 2 * 2), (limits.tallest // 2 * 2, least)]


@pytest.mark.parametrize(("form", "size"), [(form, size) for form in available_formats() for size in edges(form)])
def test_draw_frame_at_the_edges_are_written(tmp_path: Path, form: str, size: tuple[int, int]) -> None:
    path = tmp_path / f"zoom.{FORMATS[form].extension}"
    encode_video(path, frames(form, *size), 24, preset="ultrafast", form=form)
    facts = read_facts(path)
    assert (facts.height, facts.width, facts.frames) == (*size, 3)


@pytest.mark.parametrize("form", available_formats())
@pytest.mark.parametrize("rate", ["slowest", "fastest"])
def test_rates_at_the_edges_are_written(tmp_path: Path, form: str, rate: str) -> None:
    fps = formats.SLOWEST * 10 if rate == "slowest" else Fraction(FORMATS[form].limits.fastest)
    path = tmp_path / f"zoom.{FORMATS[form].extension}"
    encode_video(path, frames(form, 64, 64), fps, preset="ultrafast", form=form)
    facts = read_facts(path)
    assert facts.frames == 3
    assert abs(facts.seconds - 3 / fps) <= max(Fraction(1, 1000), 1 / fps)


@pytest.mark.parametrize("form", available_formats())
def test_nothing_begins_beyond_them(tmp_path: Path, form: str) -> None:
    limits = FORMATS[form].limits
    beyond = [
        ((64, limits.smallest - 2), 24, "width"),
        ((limits.smallest - 2, 64), 24, "height"),
        ((64, limits.widest // 2 * 2 + 2), 24, "width"),
        ((limits.tallest // 2 * 2 + 2, 64), 24, "height"),
        ((64, 64), limits.fastest + 1, "fps"),
    ]
    for (height, width), fps, name in beyond:
        with pytest.raises(ValueError, match=rf"^{name} is .*; {form} takes .* Choose another {name}"):
            FORMATS[form].check_limits(height, width, Fraction(fps))
        if min(height, width) >= 2 and max(height, width) <= 20000 and fps <= 1000:
            with pytest.raises(ValueError, match=f"^{name} is"):
                encode_video(tmp_path / "zoom", frames(form, height, width), fps, form=form)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_has_a_limit_of_its_own() -> None:
    side = int(MOST_PIXELS**0.5) - MARGIN
    FORMATS["h264"].check_limits(side - 2, side - 2, Fraction(24))
    with pytest.raises(ValueError, match="width and height are 16256×16256; a video has at most about 268 million"):
        FORMATS["h264"].check_limits(side, side, Fraction(24))
    with pytest.raises(ValueError, match="16384×16384"):
        FORMATS["h264"].check_limits(16384, 16384, Fraction(24))


@pytest.mark.parametrize("size", [(8, 512), (16, 512), (512, 8), (24, 256), (2, 2), (26, 66), (30, 30)])
def test_draw_frame_that_av1_hangs_with_are_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    if "av1" not in available_formats():
        pytest.skip("no encoder for av1 in this build")
    with pytest.raises(ValueError, match=r"(width|height) is \d+ pixels; av1 takes 32 to"):
        encode_video(tmp_path / "zoom.mp4", frames("av1", *size), 24, form="av1")
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_hangs_can_be_left(tmp_path: Path) -> None:
    if "av1" not in available_formats() or FORMATS["av1"].encoder() != "libsvtav1":
        pytest.skip("no SVT-AV1 in this build")
    command = [sys.executable, "-c", HANGING, str(tmp_path / "zoom.mp4")]
    done = subprocess.run(command, cwd=PACK, capture_output=True, text=True, timeout=120, check=True)
    assert "left after" in done.stdout or "it came back" in done.stdout, done.stderr
    assert [path for path in tmp_path.iterdir() if ".part" in path.name] == []


@pytest.mark.parametrize(
    ("form", "size"),
    [("h264", (64, 16386)), ("h265", (4, 4)), ("av1", (2, 2)), ("gif", (2, 65538)), ("webp", (2, 16384))],
)
def test_errors_of_encoders_are_put_into_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, size: tuple[int, int]
) -> None:
    """Should an encoder of another build have narrower limits."""
    if form not in available_formats():
        pytest.skip(f"no encoder for {form} in this build")
    encoder = FORMATS[form].encoder()
    monkeypatch.setitem(LIMITS, encoder, Limits(tallest=1 << 20, widest=1 << 20))
    with pytest.raises(EncoderError, match=rf"^{encoder}, the encoder of {form}, does not take frames of") as caught:
        encode_video(tmp_path / "zoom", frames(form, *size), 24, form=form)
    assert "[Errno" not in str(caught.value)
    assert "avcodec" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_every_encoder_has_limits() -> None:
    assert {encoder for form in FORMATS.values() for encoder in form.encoders} == set(LIMITS)
