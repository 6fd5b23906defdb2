"""copy_video: the same pictures under another name, with texts."""

from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from zoomstack_core.video.encode import FORMATS, available_formats, encode_video
from zoomstack_core.video.facts import BrokenVideo, read_facts
from zoomstack_core.video.remux import copy_video

TEXTS = {"prompt": '{"1": "größer"}', "workflow": '{"nodes": []}'}


@pytest.mark.parametrize("texts", [{}, TEXTS], ids=["plain", "texts"])
@pytest.mark.parametrize("form", available_formats())
def test_the_copy_is_the_same_video(tmp_path: Path, form: str, texts: dict[str, str]) -> None:
    source, target = (tmp_path / f"{name}.{FORMATS[form].extension}" for name in ("source", "target"))
    frames = [torch.rand(3, 64, 80, generator=torch.Generator().manual_seed(k)) for k in range(5)]
    encode_video(source, frames, 24, form=form)
    before = source.read_bytes()
    copy_video(source, target, texts)
    assert source.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {source.name, target.name}
    if form in ("webp", "gif"):  # FFmpeg does not read the one, and counts the other's comment to the last frame
        with Image.open(source) as old, Image.open(target) as new:
            assert new.n_frames == old.n_frames == 5
            for k in range(5):
                old.seek(k)
                new.seek(k)
                assert np.array_equal(np.asarray(old.convert("RGB")), np.asarray(new.convert("RGB")))
                assert new.info["duration"] == old.info["duration"]
        return
    with av.open(str(source)) as old, av.open(str(target)) as new:
        streams = [container.streams.video[0] for container in (old, new)]
        for name in ("average_rate", "time_base", "width", "height"):
            assert getattr(streams[0], name) == getattr(streams[1], name), name
        for name in ("codec_tag", "extradata", "pix_fmt", "color_primaries", "color_trc", "colorspace", "color_range"):
            assert getattr(streams[0].codec_context, name) == getattr(streams[1].codec_context, name), name
        packets = [[(packet.pts, bytes(packet)) for packet in container.demux(video=0)] for container in (old, new)]
        assert packets[0] == packets[1]
        assert len([data for _, data in packets[0] if data]) == 5
        kept = {key.lower(): text for key, text in new.metadata.items()}
        assert {key: kept[key] for key in texts} == texts
    if form == "h265":
        assert streams[1].codec_context.codec_tag == "hvc1"


def test_a_file_is_never_replaced(tmp_path: Path) -> None:
    source, target = tmp_path / "source.mp4", tmp_path / "target.mp4"
    encode_video(source, [torch.zeros(3, 32, 32)], 24)
    target.write_text("the video before")
    with pytest.raises(FileExistsError, match=r"target\.mp4 exists"):
        copy_video(source, target, TEXTS)
    assert target.read_text() == "the video before"


@pytest.mark.parametrize("suffix", ["mp4", "webm", "mov", "gif", "webp"])
def test_a_file_that_is_no_video_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"source.{suffix}"
    source.write_text("no video")
    with pytest.raises(BrokenVideo, match=rf"source\.{suffix} cannot be read as a video"):
        copy_video(source, tmp_path / f"target.{suffix}", TEXTS)
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("texts", [{}, TEXTS], ids=["plain", "texts"])
@pytest.mark.parametrize("form", available_formats())
@pytest.mark.parametrize("count", [1, 30])
def test_a_video_that_rests_is_copied_too(tmp_path: Path, form: str, count: int, texts: dict[str, str]) -> None:
    """A stack of one level: all frames are the same, and some encoders join them."""
    source, target = (tmp_path / f"{name}.{FORMATS[form].extension}" for name in ("source", "target"))
    encode_video(source, [torch.full((3, 64, 80), 0.3)] * count, 24, form=form)
    copy_video(source, target, texts)
    old, new = read_facts(source), read_facts(target)
    assert new[:3] == old[:3]
    assert float(new.seconds) == pytest.approx(float(old.seconds), abs=0.002)


@pytest.mark.parametrize("kind", ["lossy", "lossless", "transparent", "moving"])
def test_webp_of_other_programs_is_copied_whole(tmp_path: Path, kind: str) -> None:
    """Its short form has no place for texts, and gets one."""
    pictures = [Image.new("RGBA", (30, 20), (200, 40 * k, 0, 255 if kind != "transparent" else 90)) for k in range(3)]
    options = {"lossless": {"lossless": True}, "moving": {"save_all": True, "append_images": pictures[1:]}}.get(
        kind, {}
    )
    pictures[0].save(tmp_path / "source.webp", **options)
    copy_video(tmp_path / "source.webp", tmp_path / "target.webp", {"prompt": '{"1": "a"}'})
    with Image.open(tmp_path / "source.webp") as old, Image.open(tmp_path / "target.webp") as new:
        assert new.n_frames == old.n_frames
        assert np.array_equal(np.asarray(new.convert("RGBA")), np.asarray(old.convert("RGBA")))
        assert new.getexif()[0x0110] == 'prompt:{"1": "a"}'


@pytest.mark.parametrize("form", available_formats())
@pytest.mark.parametrize("size", [0, 0.5])
def test_a_broken_source_leaves_nothing(tmp_path: Path, form: str, size: float) -> None:
    source = tmp_path / f"source.{FORMATS[form].extension}"
    frames = [torch.rand(3, 64, 80, generator=torch.Generator().manual_seed(k)) for k in range(5)]
    encode_video(source, frames, 24, form=form)
    source.write_bytes(source.read_bytes()[: int(size * source.stat().st_size)])
    with pytest.raises(BrokenVideo, match="is empty" if not size else "cannot be read as a video"):
        copy_video(source, tmp_path / f"target{source.suffix}", TEXTS)
    assert list(tmp_path.iterdir()) == [source]
