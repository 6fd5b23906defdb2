"""Colors of a GIF: the best 256 for every frame."""

from __future__ import annotations

from fractions import Fraction

import av


class PaletteFilter:
    """FFmpeg's palettegen and paletteuse, frame by frame, so that no frame has to wait for the last one.

    The dither is ordered: it stands still where the picture does, where others shimmer.
    """

    def __init__(self, height: int, width: int, rate: Fraction):
        self._graph = graph = av.filter.Graph()
        source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("rgb24"), time_base=1 / rate)
        split, make, use = (
            graph.add("split"),
            graph.add("palettegen", "stats_mode=single:reserve_transparent=0"),
            graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=3"),
        )
        sink = graph.add("buffersink")
        source.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(make, 1, 0)
        make.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()

    def __call__(self, picture: av.VideoFrame) -> av.VideoFrame:
        """rgb24 to pal8."""
        self._graph.push(picture)
        result = self._graph.pull()
        assert isinstance(result, av.VideoFrame)
        return result
