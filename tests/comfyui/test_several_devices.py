"""The host's MultiGPU CFG Split, with two devices that are both this machine's CPU."""

from typing import Any

import comfy.model_base
import comfy.model_management
import comfy.sampler_helpers
import pytest
import torch
from harness import Host
from torch import Tensor
from zoom_graphs import PROMPTS, Checkpoint, load, zoom

DEVICES = torch.device("cpu"), torch.device("cpu", 0)


@pytest.fixture
def rows_by_device(host: Host, monkeypatch: pytest.MonkeyPatch, eps: Checkpoint) -> list[tuple[Any, int]]:
    """Two devices for every run; (device, rows) of every call of a network.

    What the host's node sets up with two real GPUs: a clone of the model per device, known to its scheduler.
    """
    second = load(host, "tiny_eps").model
    calls: list[tuple[Any, int]] = []
    original = comfy.model_base.BaseModel._apply_model

    def spy(
        self: Any,
        x: Tensor,
        t: Tensor,
        c_concat: Any = None,
        c_crossattn: Any = None,
        control: Any = None,
        transformer_options: Any = None,
        **kwargs: Any,
    ) -> Tensor:
        calls.append((transformer_options.get("multigpu_thread_device"), len(x)))
        return original(self, x, t, c_concat, c_crossattn, control, transformer_options, **kwargs)

    def two_clones(patcher: Any, loaded: Any, model_options: dict[str, Any]) -> list[Any]:
        second.pre_run()
        model_options["multigpu_clones"] = dict(zip(DEVICES, (patcher, second), strict=True))
        return []

    monkeypatch.setattr(comfy.model_base.BaseModel, "_apply_model", spy)
    monkeypatch.setattr(comfy.sampler_helpers, "prepare_model_patcher_multigpu_clones", two_clones)
    monkeypatch.setattr(comfy.model_management, "set_torch_device", lambda device: None)
    return calls


@pytest.mark.parametrize(("levels", "alignment"), [(4, 0.0), (5, 0.0), (5, 1.0)])
def test_all_devices_share_the_levels_evenly(
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    eps: Checkpoint,
    rows_by_device: list[tuple[Any, int]],
    levels: int,
    alignment: float,
) -> None:
    prompts = eps.schedule(*PROMPTS[:levels]), eps.encode("")
    shared = zoom(host, eps.model, *prompts, eps.empty(levels), alignment=alignment)
    calls = list(rows_by_device)
    monkeypatch.undo()
    alone = zoom(host, eps.model, *prompts, eps.empty(levels), alignment=alignment)
    assert (shared - alone).abs().max() < 1e-4 * alone.std()
    totals = {device: sum(rows for used, rows in calls if used is device) for device in DEVICES}
    assert sum(totals.values()) == levels * 3 * 2
    if alignment == 0.0:
        assert set(totals.values()) == {levels * 3}
    else:  # a step with one active level more or less than the devices can share
        assert min(totals.values()) >= 0.5 * levels * 3
