"""encode_video: what comes in comes out of the file, and nothing is left behind when it fails."""

import errno
import math
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.stack import ZoomStack
from zoomstack_core.video import encode
from zoomstack_core.video.color import YUV420, YUV420_10, to_planes
from zoomstack_core.video.draw_frame import PlaneRenderer
from zoomstack_core.video.encode import FORMATS, available_formats, encode_video, frame_rate
from zoomstack_core.video.facts import BrokenVideo, read_facts


def colors(height: int = 48, width: int = 64) -> Tensor:
    """[3, H, W]: smooth colors, so that their half resolution in the file does not matter."""
    across, down = torch.linspace(0, 1, width), torch.linspace(0, 1, height)[:, None]
    return torch.stack([across.expand(height, width), down.expand(height, width), 1 - across.expand(height, width)])


def moving(count: int) -> list[Tensor]:
    """Frames that differ, each known by its gray."""
    return [torch.full((3, 32, 48), 0.1 + 0.8 * k / max(1, count - 1)) for k in range(count)]


def decoded(path: Path) -> list[np.ndarray[Any, Any]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("count", [1, 2, 37])
@pytest.mark.parametrize("fps", [30, 12.5, 29.97, Fraction(24000, 1001)])
def test_every_frame_is_in_the_file_in_order_and_at_its_rate(tmp_path: Path, count: int, fps: float) -> None:
    frames = moving(count)
    assert encode_video(tmp_path / "zoom.mp4", iter(frames), fps) == count
    with av.open(str(tmp_path / "zoom.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.frames, stream.width, stream.height) == (count, 48, 32)
        assert stream.average_rate == frame_rate(fps)
        assert stream.duration * stream.time_base == count / frame_rate(fps)
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert times == [k / frame_rate(fps) for k in range(count)]
    shown = decoded(tmp_path / "zoom.mp4")
    for frame, picture in zip(frames, shown, strict=True):
        assert picture.mean() / 255 == pytest.approx(float(frame.mean()), abs=1.5 / 255)


def test_colors_come_back(tmp_path: Path) -> None:
    encode_video(tmp_path / "zoom.mp4", [colors()] * 3, 24, crf=1)
    with av.open(str(tmp_path / "zoom.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
        assert context.pix_fmt == "yuv420p"
    error = np.abs(decoded(tmp_path / "zoom.mp4")[1] / 255 - colors().movedim(0, -1).numpy())
    assert error.mean() < 0.012
    assert error[2:-2, 2:-2].max() < 0.04


def test_the_index_comes_first(tmp_path: Path) -> None:
    """So that a browser plays the file while it loads."""
    encode_video(tmp_path / "zoom.mp4", moving(5), 24)
    data = (tmp_path / "zoom.mp4").read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


def test_lower_crf_is_better_and_larger(tmp_path: Path) -> None:
    noise = [torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(k)) for k in range(4)]
    sizes = []
    for crf in (10, 40):
        encode_video(tmp_path / "zoom.mp4", noise, 24, crf=crf)
        sizes.append((tmp_path / "zoom.mp4").stat().st_size)
    assert sizes[0] > 3 * sizes[1]


def keyframes(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [k for k, frame in enumerate(container.decode(video=0)) if frame.key_frame]


@pytest.mark.parametrize("form", ["h264", "h265"])
def test_keyframes_wait_for_movement(tmp_path: Path, form: str) -> None:
    """They come about every 250 frames, but not in a rest or just after it, where they would show as a pulse."""
    if form not in available_formats():
        pytest.skip(f"no encoder for {form} in this build")
    frames = [colors(64, 64).roll(k, 2) for k in range(600)]
    frames[230:330] = [frames[230]] * 100
    encode_video(tmp_path / "zoom.mp4", frames, 30, preset="ultrafast", form=form)
    assert keyframes(tmp_path / "zoom.mp4") == [0, 359]


@pytest.mark.parametrize("size", [(64, 64), (512, 512), (1024, 1024), (1080, 1920)])
def test_smaller_frames_are_looked_ahead_at_more_of_in_the_same_memory(size: tuple[int, int]) -> None:
    def ahead(height: int, width: int) -> int:
        return int(FORMATS["h264"].options("libx264", 17, "medium", height * width)["rc-lookahead"])

    assert 6 <= ahead(*size) <= 40
    assert ahead(*size) * math.prod(size) <= ahead(1080, 1920) * 1080 * 1920
    assert ahead(2160, 3840) == ahead(1080, 1920) < ahead(1024, 1024)


def test_a_still_picture_has_keyframes_too(tmp_path: Path) -> None:
    encode_video(tmp_path / "zoom.mp4", [colors(64, 64)] * 520, 30, preset="ultrafast")
    assert keyframes(tmp_path / "zoom.mp4") == [0, 500]


def test_draw_frame_are_taken_one_at_a_time(tmp_path: Path) -> None:
    """The next frame is asked for only after the last one is encoded: none pile up."""
    log: list[str] = []

    def source() -> Iterator[Tensor]:
        for k, frame in enumerate(moving(4)):
            log.append(f"rendered {k + 1}")
            yield frame

    encode_video(tmp_path / "zoom.mp4", source(), 24, on_frame=lambda done, frame: log.append(f"encoded {done}"))
    assert log == [f"{what} {k}" for k in range(1, 5) for what in ("rendered", "encoded")]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["source", "callback"])
def test_nothing_is_left_when_it_is_interrupted(tmp_path: Path, error: type[BaseException], where: str) -> None:
    target = tmp_path / "zoom.mp4"
    target.write_text("the video before")

    def stop(done: int, frame: Tensor) -> None:
        if done == 100:
            parts.extend(path for path in tmp_path.iterdir() if path != target)
            if where == "callback":
                raise error("stop")

    def source() -> Iterator[Tensor]:
        yield from moving(100)
        raise error("stop")

    parts: list[Path] = []
    with pytest.raises(error, match="stop"):
        encode_video(target, source(), 24, on_frame=stop)
    assert len(parts) == 1  # there was a half-written file to remove
    assert [path.name for path in tmp_path.iterdir()] == ["zoom.mp4"]
    assert target.read_text() == "the video before"


def test_the_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "zoom.mp4"
    seen = []
    encode_video(target, moving(3), 24, on_frame=lambda done, frame: seen.append(target.exists()))
    assert seen == [False] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["zoom.mp4"]


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        encode_video(tmp_path / "none" / "zoom.mp4", moving(3), 24)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of a file")
def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path: Path) -> None:
    import resource
    import signal

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match="the disk is full"):
            encode_video(tmp_path / "zoom.mp4", (torch.rand(3, 128, 128) for _ in range(60)), 24, crf=5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "at least one frame"),
        ([torch.zeros(3, 31, 32)], "even"),
        ([torch.zeros(3, 32, 31)], "even"),
        ([torch.zeros(4, 32, 32)], "even"),
        ([torch.zeros(32, 32)], "even"),
        ([torch.zeros(3, 32, 32), torch.zeros(3, 32, 34)], "of the first"),
    ],
)
def test_draw_frame_that_do_not_fit_say_why(tmp_path: Path, frames: list[Tensor], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode_video(tmp_path / "zoom.mp4", frames, 24)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", available_formats())
def test_every_format_of_the_build_keeps_the_frames(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"zoom.{FORMATS[form].extension}"
    frames = [colors(64, 80).roll(4 * k, 2) for k in range(7)]
    assert encode_video(path, iter(frames), 25, form=form, crf=10) == 7
    if form == "webp":  # FFmpeg writes it, but does not read it
        with Image.open(path) as picture:
            assert picture.info["loop"] == 0
            shown = []
            for k in range(picture.n_frames):
                picture.seek(k)
                shown.append(np.asarray(picture.convert("RGB")))
    else:
        shown = decoded(path)
        with av.open(str(path)) as container:
            assert container.streams.video[0].average_rate == 25
            times = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
        assert times == pytest.approx([k / 25 for k in range(7)], abs=1e-3)
    assert len(shown) == 7
    for frame, picture in zip(frames, shown, strict=True):
        assert np.abs(picture / 255 - frame.movedim(0, -1).numpy()).mean() < 0.03
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("form", available_formats())
@pytest.mark.parametrize("count", [1, 2])
def test_the_shortest_clips_are_written_too(tmp_path: Path, form: str, count: int) -> None:
    frames = [torch.full((3, 64, 64), 0.3 + 0.3 * k) for k in range(count)]
    assert encode_video(tmp_path / "zoom", frames, 24, form=form) == count
    if form != "webp":
        assert len(decoded(tmp_path / "zoom")) == count


@pytest.mark.parametrize("form", ["h264", "h265", "av1"])
def test_ten_bits_keep_finer_steps(tmp_path: Path, form: str) -> None:
    if form not in available_formats():
        pytest.skip(f"no encoder for {form} in this build")
    ramp = torch.linspace(0.3, 0.4, 512).expand(3, 64, 512)
    levels = {}
    for bits in (8, 10):
        encode_video(tmp_path / "zoom.mp4", [ramp] * 2, 24, crf=4, form=form, bits=bits)
        with av.open(str(tmp_path / "zoom.mp4")) as container:
            frame = next(container.decode(video=0))
            assert frame.format.components[0].bits == bits
            levels[bits] = len(np.unique(frame.to_ndarray(format="gray16le")))
    assert levels[10] > 2.5 * levels[8]


def test_draw_frame_that_x265_cannot_take_are_an_error(tmp_path: Path) -> None:
    if "h265" not in available_formats():
        pytest.skip("no encoder for h265 in this build")
    with pytest.raises(ValueError, match="width is 48 pixels; h265 takes 64 to 65534"):
        encode_video(tmp_path / "zoom.mp4", moving(2), 24, form="h265")


def test_more_bits_than_a_format_has_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gif has 8 bits here at most, got 10"):
        encode_video(tmp_path / "zoom.gif", moving(2), 24, form="gif", bits=10)


@pytest.mark.parametrize("layout", [YUV420, YUV420_10])
def test_planes_are_encoded_as_they_are(tmp_path: Path, layout: Any) -> None:
    stack = ZoomStack(colors()[None], ZoomGeometry(1, 48, 64))
    planes = PlaneRenderer(stack, 48, 64, layout)(0.0)
    for plane, expected in zip(planes, to_planes(colors(), layout), strict=True):
        assert (plane - expected).abs().max() <= 1
    encode_video(tmp_path / "zoom.mp4", [planes] * 2, 24, crf=0, bits=layout.bits)
    with av.open(str(tmp_path / "zoom.mp4")) as container:
        kept = next(container.decode(video=0)).to_ndarray()
    codes = torch.cat([plane.flatten() for plane in planes]).numpy()
    if layout.bits == 8:  # crf 0 is lossless in 8 bits
        assert np.array_equal(kept.ravel(), codes)
    else:
        assert np.abs(kept.ravel().astype(int) - codes).mean() < 1


@pytest.mark.parametrize(
    "options", [{"crf": -1}, {"crf": 52}, {"crf": math.nan}, {"preset": "best"}, {"fps": 0}, {"form": "mpeg1"}]
)
def test_bad_options_say_why(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        encode_video(tmp_path / "zoom.mp4", moving(2), **{"fps": 24, **options})


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (30, Fraction(30)),
        (24.0, Fraction(24)),
        (12.5, Fraction(25, 2)),
        (23.976, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (Fraction(1, 3), Fraction(1, 3)),
    ],
)
def test_rates_are_exact(fps: float, rate: Fraction) -> None:
    assert frame_rate(fps) == rate


@pytest.mark.parametrize("count", [1, 2, 7, 40])
@pytest.mark.parametrize("fps", [1, 12.5, 24, 29.97, 30, 48, 50])
def test_the_times_of_a_gif_add_up(tmp_path: Path, count: int, fps: float) -> None:
    """To a hundredth of a second, in which they are counted; and none is so short that browsers do not believe it."""
    encode_video(tmp_path / "zoom.gif", moving(count), fps, form="gif")
    with Image.open(tmp_path / "zoom.gif") as picture:
        times = []
        for k in range(picture.n_frames):
            picture.seek(k)
            times.append(picture.info["duration"])
    assert len(times) == count
    assert sum(times) == round(count / frame_rate(fps) * 100) * 10
    assert min(times) >= 20


@pytest.mark.parametrize("fps", [24, 29.97, 60, 90])
def test_the_times_of_a_webp_add_up(tmp_path: Path, fps: float) -> None:
    encode_video(tmp_path / "zoom.webp", moving(40), fps, form="webp")
    assert read_facts(tmp_path / "zoom.webp").seconds == Fraction(round(40 / frame_rate(fps) * 1000), 1000)


@pytest.mark.parametrize(("form", "fps"), [("gif", 50.01), ("gif", 60), ("webp", 91), ("av1", 241)])
def test_a_rate_that_would_play_wrong_is_an_error(tmp_path: Path, form: str, fps: float) -> None:
    if form not in available_formats():
        pytest.skip(f"no encoder for {form} in this build")
    with pytest.raises(ValueError, match=f"fps is .*; {form} takes"):
        encode_video(tmp_path / "zoom", moving(3), fps, form=form)


@pytest.mark.parametrize("crf", [0, 17])
@pytest.mark.parametrize("count", [1, 60])
def test_a_webp_that_rests_keeps_its_time(tmp_path: Path, count: int, crf: float) -> None:
    """libwebp makes a still picture of frames that are all the same."""
    encode_video(tmp_path / "zoom.webp", [colors()] * count, 30, form="webp", crf=crf)
    with Image.open(tmp_path / "zoom.webp") as picture:
        picture.load()
        assert picture.size == (64, 48)
        assert picture.is_animated is False  # one frame, which is all there is to see
        assert picture.info["duration"] == round(count / 30 * 1000)
        assert picture.info["loop"] == 0
        shown = np.asarray(picture.convert("RGB")) / 255
    assert np.abs(shown - colors().movedim(0, -1).numpy()).mean() < 0.03


@pytest.mark.parametrize("form", available_formats())
def test_it_can_be_left_at_any_time(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the last frame is in, and those that were kept back are encoded."""
    monkeypatch.setattr("zoomstack_core.video.aside.CHECK_EVERY", 0.0)
    done = []

    def check() -> None:
        if done:
            raise KeyboardInterrupt

    def source() -> Iterator[Tensor]:
        for k in range(30):
            yield torch.rand(3, 128, 128, generator=torch.Generator().manual_seed(k))
        done.append(True)

    with pytest.raises(KeyboardInterrupt):
        encode_video(tmp_path / "zoom", source(), 24, form=form, preset="fast", check=check)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", available_formats())
def test_what_is_not_whole_does_not_appear(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever loses a part of it: here the file is cut before it gets its name."""
    original = encode.check_video

    def cut(path: Path, *rest: Any) -> Any:
        path.write_bytes(path.read_bytes()[:-400])
        return original(path, *rest)

    monkeypatch.setattr(encode, "check_video", cut)
    frames = [torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(k)) for k in range(5)]
    with pytest.raises(BrokenVideo):
        encode_video(tmp_path / "zoom", frames, 24, form=form)
    assert list(tmp_path.iterdir()) == []


def test_a_rate_of_large_numbers_is_rounded(tmp_path: Path) -> None:
    assert frame_rate(Fraction(23.976)) == Fraction(24000, 1001)
    encode_video(tmp_path / "zoom.mp4", moving(2), Fraction(29.97))


@pytest.mark.parametrize(
    "failure", ["no folder", "a full disk", "a file that cannot be opened", "no frame", "a bad frame"]
)
def test_a_writing_that_fails_leaves_no_thread(tmp_path: Path, failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def threads() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "zoomstack-encoder"}

    def refuse(*given: Any, **named: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    if failure == "a full disk":
        monkeypatch.setattr("zoomstack_core.whole_file.os.open", refuse)
    elif failure == "a file that cannot be opened":
        monkeypatch.setattr(encode.av, "open", refuse)
    path = tmp_path / "none" / "zoom.mp4" if failure == "no folder" else tmp_path / "zoom.mp4"
    frames = {"no frame": [], "a bad frame": [torch.zeros(3, 31, 31)]}.get(failure, moving(2))
    before = threads()
    for _ in range(3):
        with pytest.raises((OSError, ValueError)):
            encode_video(path, iter(frames), 24)
    for thread in threads() - before:
        thread.join(5)
    assert threads() <= before
