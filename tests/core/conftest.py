"""What the tests of zoomstack_core share: example geometries, worlds with a known answer, and an operation counter."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import hypothesis
import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from zoomstack_core.geometry import PREFILTERS, ZoomGeometry

# The same examples on every run and machine; the times of a busy machine are no failures.
hypothesis.settings.register_profile("zoomstack", derandomize=True, deadline=None, database=None, max_examples=80)
hypothesis.settings.load_profile("zoomstack")

FACTORS = (1.5, 2.0, 2.5, 3.0, 4.0)
PER_STEP = ((1.5, 3.7, 2.0), ((0.4, 0.6), (0.5, 0.5), (0.1, 0.8)))
EXAMPLES = [
    ZoomGeometry(4, height, width, factor, focus, prefilter)
    for prefilter in PREFILTERS
    for factor in FACTORS
    for height, width, focus in [(16, 16, (0.5, 0.5)), (17, 22, (0.31, 0.77))]
]
EXAMPLES += [ZoomGeometry(4, 19, 24, *PER_STEP, prefilter) for prefilter in PREFILTERS]
EXAMPLES += [ZoomGeometry(4, 25, 13, 2.0), ZoomGeometry(4, 20, 20, 2.5, (1.0, 0.0))]


@st.composite
def geometries(draw: st.DrawFn, max_levels: int = 5, max_size: int = 24) -> ZoomGeometry:
    """Any geometry of up to five small levels, with one factor and focus for all steps or one per step."""
    levels = draw(st.integers(1, max_levels))
    steps = st.integers(0, 0) if levels == 1 else st.sampled_from([0, levels - 1])
    factor = st.one_of(st.sampled_from(FACTORS), st.floats(1.05, 9))
    point = st.tuples(st.floats(0, 1), st.floats(0, 1))
    per_step = [draw(steps), draw(steps)]
    factors = tuple(draw(factor) for _ in range(per_step[0])) or draw(factor)
    focus = tuple(draw(point) for _ in range(per_step[1])) or draw(point)
    size = st.integers(1, max_size)
    return ZoomGeometry(levels, draw(size), draw(size), factors, focus, draw(st.sampled_from(PREFILTERS)))


# Hypothesis tests ask for st.from_type(ZoomGeometry): test modules cannot import each other's helpers.
st.register_type_strategy(ZoomGeometry, geometries())


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tensors of a few hundred numbers: handing them to several threads costs more than the work, on a busy machine
    many times more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    """torch.randn without a generator draws the same numbers in every run, in whatever order the tests run."""
    torch.manual_seed(0)


def describe(geometry: ZoomGeometry) -> str:
    size = f"{geometry.height}x{geometry.width}"
    return f"{geometry.prefilter}-{geometry.zoom_factor}-{size}-{geometry.focus}".replace(" ", "")


@pytest.fixture(params=EXAMPLES, ids=describe)
def geometry(request: pytest.FixtureRequest) -> ZoomGeometry:
    """Four levels: every factor, odd and non-square sizes, focus off center and in a corner, per step, both D."""
    return request.param


@pytest.fixture(params=[torch.float32, torch.bfloat16, torch.float16, torch.float64], ids=lambda d: str(d)[6:])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture(scope="session")
def white() -> Callable[..., Tensor]:
    """white(geometry, channels=2, dtype=float64, seed=0): independent N(0, I) for every level [N, C, H, W]."""

    def make(geometry: ZoomGeometry, channels: int = 2, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
        shape = geometry.levels, channels, geometry.height, geometry.width
        drawn = dtype if dtype == torch.float64 else torch.float32
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=drawn).to(dtype)

    return make


@pytest.fixture(scope="session")
def ramp() -> Callable[[ZoomGeometry, float, float], Tensor]:
    """ramp(geometry, down, right): levels [N, 1, H, W] of one linear world, in level 0's pixels.

    The average of a linear function over a pixel is its value at the pixel's center, so every level is exact.
    """

    def make(geometry: ZoomGeometry, down: float, right: float) -> Tensor:
        levels = []
        for level in range(geometry.levels):
            rect = geometry.rect(0, level)
            y = rect.top + (torch.arange(geometry.height, dtype=torch.float64) + 0.5) * rect.height / geometry.height
            x = rect.left + (torch.arange(geometry.width, dtype=torch.float64) + 0.5) * rect.width / geometry.width
            levels.append(down * y[:, None] + right * x[None])
        return torch.stack(levels)[:, None]

    return make


class ProductCounter(TorchDispatchMode):
    """Adds up the multiplications of matrix products and of weighted sums of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.bmm):
            self.total += result.numel() * args[0].shape[-1]
        if func.overloadpacket is torch.ops.aten._embedding_bag_forward_only:
            self.total += args[1].numel() * args[0].shape[-1]
        return result


@pytest.fixture(scope="session")
def multiplications() -> Callable[[Callable[[], object]], int]:
    """multiplications(work): those of all matrix products and weighted sums of rows in work(), counted, not timed.

    The work is done once before, so that making matrices that are then kept is not counted.
    """

    def count(work: Callable[[], object]) -> int:
        work()
        with ProductCounter() as counter:
            work()
        return counter.total

    return count
