"""The sound of a video file, encoded beside its frames."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import av
import av.container

from ..sound.sound import Sound

BIT_RATE = 192_000
LEAST_RATE = 44_100  # every player takes it; at lower rates a packet goes on for longer than a frame
MOST_AT_ONCE = 1 << 16  # samples
# FFmpeg's names for what so many channels are; more than two are mixed to stereo.
LAYOUTS = ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")


class SoundTrack:
    """One track in a file in the making. Packets follow each other without a gap, and the first sample is heard with
    the first frame: containers are told of the samples that encoders put before it.

    Args:
        container: of the file, in which no frame is yet.
        encoder: FFmpeg's name of it.
        sound: what is heard; silent after its end.
        given_up: whether the file is no longer wanted.
    """

    def __init__(
        self, container: av.container.OutputContainer, encoder: str, sound: Sound, given_up: Callable[[], bool]
    ):
        self._container, self._sound, self._given_up = container, sound, given_up
        wanted = max(LEAST_RATE, sound.rate)
        rates = av.Codec(encoder, "w").audio_rates or [wanted]
        # the next higher rate that the encoder takes: nothing that is heard is lost
        rate = min((r for r in rates if r >= wanted), default=max(rates))
        stream = container.add_stream(encoder, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.layout = "mono" if sound.samples.shape[0] == 1 else "stereo"
        stream.codec_context.bit_rate = BIT_RATE
        self._stream, self._done = stream, 0

    def write(self, seconds: Fraction) -> None:
        """Up to a time of the video: as packets wait for those of the other stream, both have to grow together."""
        rate, until = self._sound.rate, round(seconds * self._sound.rate)
        while self._done < until and not self._given_up():
            end = min(until, self._done + MOST_AT_ONCE)
            samples = self._sound.part(self._done, end).numpy()
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=LAYOUTS[len(samples) - 1])
            frame.sample_rate, frame.pts, frame.time_base = rate, self._done, Fraction(1, rate)
            self._container.mux(self._stream.encode(frame))
            self._done = end

    def end(self) -> None:
        """Writes what the encoder has kept back."""
        self._container.mux(self._stream.encode(None))
