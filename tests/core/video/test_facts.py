"""read_facts: what was written comes back, and what is broken is said to be."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from zoomstack_core.video.encode import FORMATS, available_formats, encode_video
from zoomstack_core.video.facts import BrokenVideo, VideoFacts, check_video, read_facts


def written(folder: Path, form: str, count: int = 40, fps: float = 25) -> Path:
    path = folder / f"zoom.{FORMATS[form].extension}"
    noise = torch.rand(3, 64, 96, generator=torch.Generator().manual_seed(0))
    encode_video(path, [noise.roll(3 * k, 2) for k in range(count)], fps, form=form, preset="ultrafast")
    return path


@pytest.mark.parametrize("form", available_formats())
@pytest.mark.parametrize(("count", "fps"), [(1, 30), (2, 24), (40, 29.97)])
def test_facts_of_what_was_written(tmp_path: Path, form: str, count: int, fps: float) -> None:
    facts = read_facts(written(tmp_path, form, count, fps))
    assert (facts.height, facts.width, facts.frames) == (64, 96, count)
    assert facts.seconds == pytest.approx(count / fps, abs=0.006)


@pytest.mark.parametrize("form", available_formats())
@pytest.mark.parametrize("damage", ["empty", "one byte", "half", "without its end", "other", "without its beginning"])
def test_a_broken_file_is_told(tmp_path: Path, form: str, damage: str) -> None:
    path = written(tmp_path, form)
    data = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "one byte": data[:1],
            "half": data[: len(data) // 2],
            "without its end": data[:-500],
            "other": b"<html>no video</html>" * 50,
            "without its beginning": bytes(200) + data[200:],
        }[damage]
    )
    with pytest.raises(BrokenVideo, match=rf"^zoom\.{FORMATS[form].extension} (is empty|cannot be read as a video: )"):
        read_facts(path)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:

    with av.open(str(tmp_path / "zoom.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(BrokenVideo, match="there are no pictures in it"):
        read_facts(tmp_path / "zoom.mp4")


@pytest.mark.parametrize("form", available_formats())
@pytest.mark.parametrize(
    "expected",
    [
        VideoFacts(64, 96, 41, Fraction(8, 5)),
        VideoFacts(64, 98, 40, Fraction(8, 5)),
        VideoFacts(64, 96, 40, Fraction(2)),
    ],
)
def test_less_than_what_was_written_is_told(tmp_path: Path, form: str, expected: VideoFacts) -> None:
    path = written(tmp_path, form)
    check_video(path, VideoFacts(64, 96, 40, Fraction(8, 5)))
    if form == "webp" and expected.frames == 41:  # frames that are the same are joined
        return
    with pytest.raises(BrokenVideo, match=r"holds 40 frames of 96×64 in 1\.6 s; .* were written"):
        check_video(path, expected)


def test_reading_can_be_left(tmp_path: Path) -> None:
    def check() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_facts(written(tmp_path, "h264"), check)


def test_pictures_of_other_programs_are_read(tmp_path: Path) -> None:
    """WebP with transparency, and in its short form; as other nodes may make them."""
    clear = [Image.new("RGBA", (20, 10), (255, 0, 0, 40 * k)) for k in range(3)]
    clear[0].save(tmp_path / "moving.webp", save_all=True, append_images=clear[1:], duration=50)
    clear[0].save(tmp_path / "still.webp", lossless=True)
    clear[0].save(tmp_path / "lossy.webp")
    assert read_facts(tmp_path / "moving.webp") == VideoFacts(10, 20, 3, Fraction(3, 20))
    assert read_facts(tmp_path / "still.webp")[:3] == (10, 20, 1)
    assert read_facts(tmp_path / "lossy.webp")[:3] == (10, 20, 1)


@pytest.mark.parametrize("options", ["open-gop=1:bframes=3:keyint=20:scenecut=0", "bframes=3:keyint=250"])
def test_videos_of_other_programs_are_read(tmp_path: Path, options: str) -> None:
    """Whose keyframes are followed by frames that refer to what was before them."""
    noise = torch.randint(0, 255, (128, 192, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with av.open(str(tmp_path / "zoom.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": options})
        stream.width, stream.height, stream.pix_fmt = 192, 128, "yuv420p"
        for k in range(77):
            frame = av.VideoFrame.from_ndarray(noise.roll(3 * k, 1).numpy(), format="rgb24")
            frame.pts = k
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    assert read_facts(tmp_path / "zoom.mp4") == VideoFacts(128, 192, 77, Fraction(77, 25))
