"""Memory: how many levels go into one call, what happens when they do not fit, and what deep stacks hold."""

import logging
from typing import Any

import pytest
import torch
from harness import Host, NodeFailed
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, model_calls, zoom

LEVELS = 5


def limited(model: Any, rows: int, error: Exception) -> tuple[Any, list[int]]:
    """A clone of MODEL whose network raises for more than ``rows`` at once, and the batches that it was given."""
    batches: list[int] = []

    def wrapper(apply: Any, call: dict[str, Any]) -> Tensor:
        batches.append(len(call["input"]))
        if len(call["input"]) > rows:
            raise error
        return apply(call["input"], call["timestep"], **call["c"])

    clone = model.clone()
    clone.set_model_unet_function_wrapper(wrapper)
    return clone, batches


def run(
    host: Host, checkpoint: Checkpoint, model: Any, alignment: float, levels: int = LEVELS, **inputs: Any
) -> Tensor:
    positive = checkpoint.schedule(*PROMPTS[:levels])
    latent = checkpoint.empty(levels)
    return zoom(host, model, positive, checkpoint.encode(""), latent, alignment=alignment, **inputs)


OUT_OF_MEMORY = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
NO_BATCHES = RuntimeError(
    "The size of tensor a (77) must match the size of tensor b (154) at non-singleton dimension 1"
)


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize(
    ("error", "rows", "largest", "logged"),
    [
        (OUT_OF_MEMORY, 6, 4, 1),
        (OUT_OF_MEMORY, 2, 2, 2),
        (OUT_OF_MEMORY, 1, 1, 3),
        (NO_BATCHES, 2, 2, 1),
        (NO_BATCHES, 1, 1, 2),
    ],
)
def test_what_does_not_fit_goes_in_smaller_calls(
    host: Host,
    eps: Checkpoint,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    rows: int,
    largest: int,
    logged: int,
    alignment: float,
) -> None:
    """Halves for memory, single levels for a network without batches; what failed once is not tried again."""
    model, batches = limited(eps.model, rows, error)
    with caplog.at_level(logging.WARNING, logger="zoomstack"):
        result = run(host, eps, model, alignment)
    plenty = run(host, eps, eps.model, alignment)
    assert (result - plenty).abs().max() < 1e-4 * plenty.std()  # rounding depends on a call's size
    fitting = [batch for batch in batches if batch <= rows]
    if alignment == 0.0:
        assert max(fitting) == largest
    assert sum(fitting) == LEVELS * 3 * 2
    assert len(batches) - len(fitting) <= logged
    lines = [record.getMessage() for record in caplog.records if record.module == "out_of_memory"]
    assert len(lines) == len(batches) - len(fitting), "one line for every step down"
    assert all("per call" in line for line in lines)


def test_an_error_that_stays_is_the_models_own(host: Host, eps: Checkpoint) -> None:
    model, batches = limited(eps.model, 0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(NodeFailed, match=r"^ZoomKSampler: RuntimeError: mat1 and mat2 shapes cannot be multiplied"):
        run(host, eps, model, 0.0)
    assert batches == [2 * LEVELS, 2, 1]


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize("rows", [1, 4, 6])
def test_batches_follow_the_memory_that_is_free(
    host: Host, monkeypatch: pytest.MonkeyPatch, eps: Checkpoint, rows: int, alignment: float
) -> None:
    inner = eps.model.model
    enough = 1.5 * (inner.memory_required([rows, 4, 8, 8]) + inner.memory_required([rows + 1, 4, 8, 8])) / 2
    monkeypatch.setattr(type(eps.model), "get_free_memory", lambda self, device: enough)
    with model_calls() as calls:
        run(host, eps, eps.model, alignment)
    batches = [len(call.x) for call in calls]
    assert max(batches) <= rows
    assert sum(batches) == LEVELS * 3 * 2


def test_a_deep_stack_takes_no_larger_batches(host: Host, eps: Checkpoint) -> None:
    """Aligned, 64 levels have no more in the network at once than 16; each is evaluated ``steps`` times."""
    largest = {}
    for levels in (16, 64):
        positive = [entry for i in range(levels) for entry in eps.encode(PROMPTS[i % 5], zoom_level=i)]
        with model_calls() as calls:
            result = zoom(host, eps.model, positive, eps.encode(""), eps.empty(levels), steps=4)
        assert torch.isfinite(result).all()
        assert sum(len(call.x) for call in calls) == levels * 4 * 2
        largest[levels] = max(len(call.x) for call in calls)
    assert largest[64] <= largest[16] < 2 * 16


def test_the_progress_bar_follows_the_wavefront(host: Host, eps: Checkpoint) -> None:
    """It counts the node's steps, whatever the rungs of the common ladder are."""
    run(host, eps, eps.model, 1.0)
    values, totals = zip(*host.progress, strict=True)
    assert list(values) == sorted(values)
    assert values[-1] == totals[-1] == 3
