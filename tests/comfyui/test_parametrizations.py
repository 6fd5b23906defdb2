"""The benchmark of parametrizations: its network is exact in the host's own terms, whatever it predicts."""

import pytest
import torch
from harness import Host

from benchmarks import parametrizations
from benchmarks.exact import GaussianWorld
from benchmarks.parametrizations import PARAMETRIZATIONS, Parametrization, Run, exact_model, measure
from zoomstack_core.geometry import ZoomGeometry

GEOMETRY = ZoomGeometry(2, 6, 6)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> GaussianWorld:
    monkeypatch.setattr(parametrizations, "CHANNELS", 256)
    return GaussianWorld(GEOMETRY)


@pytest.mark.parametrize("kind", PARAMETRIZATIONS, ids=lambda kind: kind.name)
def test_the_host_gets_the_exact_estimate(host: Host, world: GaussianWorld, kind: Parametrization) -> None:
    """Of a state in the model's own terms at one of the model's own sigmas, by the host's own conversions."""
    model = exact_model(world, kind).model
    sigmas = model.model_sampling.sigmas[[200, 900]]
    flow = kind.model_type == "FLOW"
    image, noise = (torch.randn(2, 256, 6, 6, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    state = model.model_sampling.noise_scaling(sigmas, noise, image)
    levels = torch.tensor([1, 0])
    estimate = model.apply_model(state, sigmas, c_crossattn=levels.float().view(2, 1, 1))
    ve = sigmas / (1 - sigmas) if flow else sigmas
    z = image.double() + ve.double().view(-1, 1, 1, 1) * noise
    expected = world.denoise(z, ve.double(), levels)
    torch.testing.assert_close(estimate.double(), expected, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("together", [True, False])
def test_a_run_through_the_node_is_judged(host: Host, world: GaussianWorld, together: bool) -> None:
    run = Run("defaults", together=together)
    report = measure(host, world, PARAMETRIZATIONS[3], run, steps=6, runs=1)
    assert len(report.kl) == 2 and all(0 < value < 0.3 for value in report.kl)
    assert (report.consistency < 1e-3) == together
