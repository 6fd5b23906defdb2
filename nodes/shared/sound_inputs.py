"""The inputs for a video's sound, and what they make of a sound and of the camera's path."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from comfy_api.latest import io

from ...messages.node_text import NodeText
from ...zoomstack_core.camera.path import ZoomPath
from ...zoomstack_core.camera.pulse import pulsed_zooms
from ...zoomstack_core.errors import ArgumentError
from ...zoomstack_core.sound.beats import find_beats
from ...zoomstack_core.sound.sound import Sound
from ...zoomstack_core.video.formats import VideoFormat
from .input_checks import sound_of


def sound_inputs() -> list[io.Input]:
    """A sound, and what it does to the video."""
    part: dict[str, Any] = {"optional": True, "advanced": True}
    return [
        io.Boolean.Input(
            "fit_sound",
            default=False,
            tooltip="On: the video is as long as the sound, and seconds_per_level and duration do not count. Off: a "
            "longer sound fades out at the end of the video, and after a shorter one it is silent.",
            **part,
        ),
        io.Float.Input(
            "beat_strength",
            default=0.0,
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="How much the camera moves with the beats of the sound: 0 not at all, 1 with the beats alone. The "
            "video takes as long, and ends where it would without.",
            **part,
        ),
        io.Float.Input(
            "beat_smoothing",
            default=0.5,
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="How soft the pulse of a beat is: 0 is a jolt, at 1 the speed swells and falls from beat to beat.",
            **part,
        ),
        io.Audio.Input(
            "audio",
            optional=True,
            tooltip="The sound of the video, such as Load Audio gives. GIF and WebP have none; the camera can move "
            "with it all the same.",
        ),
    ]


def make_sound(
    text: NodeText, audio: Mapping[str, Any] | None, form: VideoFormat, fit: bool, strength: float
) -> Sound | None:
    """The sound that came in, if one did; says what of the other inputs does not count.

    Raises:
        ValueError: if the format has sound, but this computer no encoder for it.
    """
    if audio is None:
        unused = [name for name, value in (("fit_sound", fit), ("beat_strength", strength)) if value]
        if unused:
            verb = "does" if len(unused) == 1 else "do"
            text.notice(f"{' and '.join(unused)} {verb} not count: there is no sound. Connect audio.")
        return None
    if form.sound:
        form.sound_encoder()
    else:
        text.notice(f"A {form.name} has no sound. For one choose another format.")
    if (count := len(audio["waveform"])) > 1:
        text.notice(f"audio holds {count} sounds; the video has the first one.")
    return sound_of("audio", audio)


def fit_options(text: NodeText, sound: Sound, options: dict[str, Any]) -> dict[str, Any]:
    """The options of a path, with the length of the sound for its duration."""
    if options.get("duration"):
        text.notice("duration does not count: with fit_sound the video is as long as the sound.")
    return {**options, "duration": float(sound.seconds)}


@contextmanager
def told_of_sound(fitted: bool) -> Iterator[None]:
    """Where the sound gives the duration of a path, an error about that is one about the sound."""
    try:
        yield
    except ArgumentError as error:
        if not fitted or error.argument != "duration":
            raise
        finding = f"gives the duration, as fit_sound is on: it {error.finding}"
        raise ArgumentError("audio", finding, error.expected) from error


def moved_zooms(
    text: NodeText, path: ZoomPath, rate: Fraction, sound: Sound | None, strength: float, smoothing: float
) -> list[float]:
    """The zoom of every frame, with the beats of the sound that is heard."""
    beats = find_beats(sound) if sound and strength else []
    if sound and strength and len(beats) < 2:
        text.notice("beat_strength does not count: no beats are heard while the video plays.")
    return pulsed_zooms(path, rate, beats, strength, smoothing)
