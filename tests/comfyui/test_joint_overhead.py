"""The overhead benchmark, with a small network in place of the real-size one."""

from dataclasses import replace

import pytest
import torch
from harness import Host
from zoom_graphs import Checkpoint, model_calls

from benchmarks import joint_overhead


def test_both_runs_ask_the_network_for_the_same(host: Host, monkeypatch: pytest.MonkeyPatch, eps: Checkpoint) -> None:
    monkeypatch.setattr(joint_overhead, "random_model", lambda case: eps.model)
    network = replace(joint_overhead.SD15.network, unet={"context_dim": eps.encode("")[0][0].shape[-1]})
    case = joint_overhead.SD15._replace(network=network, latent=16, levels=3, steps=2, pairs=2)
    with model_calls() as calls:
        (line,) = joint_overhead._overhead(host, case)
    batches = [(len(call.x), call.x.shape[-1]) for call in calls]
    assert batches == [(6, 8)] * 4 + [(6, 16)] * 8
    assert line.value > 0
    assert "3 levels, 2 steps, 2 pair(s)" in line.detail


def test_the_time_of_a_step_is_measured() -> None:
    joint = joint_overhead.JointStep(joint_overhead.ZoomGeometry(2, 8, 8))
    assert joint_overhead._milliseconds(joint, torch.randn(2, 4, 8, 8), "cpu") > 0
