"""A second pass over upscaled levels: they stay one scene."""

from typing import Any

import pytest
import torch
from harness import Host, call
from test_guider import relative_gap
from torch.nn.functional import interpolate
from zoom_graphs import BOTH, PROMPTS, ZOOM_ONLY, Checkpoint, logged, sampling

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:comfy", "ignore:To copy construct")

UPSCALERS: dict[str, dict[str, Any]] = {
    "LatentUpscaleBy": {"scale_by": 1.5},
    "LatentUpscale": {"width": 96, "height": 96, "crop": "disabled"},
}


@pytest.mark.parametrize("alignment", [0.0, 1.0])
@pytest.mark.parametrize(("upscaler", "sampler"), [("LatentUpscaleBy", "euler"), ("LatentUpscale", "dpmpp_2m_sde")])
def test_a_hires_pass_stays_consistent(
    host: Host, checkpoint: Checkpoint, upscaler: str, sampler: str, alignment: float
) -> None:
    model, log = logged(checkpoint.model)
    prompts, latent = (checkpoint.schedule(*PROMPTS[:3]), checkpoint.encode("")), checkpoint.empty(3)
    graph = sampling(host, checkpoint.model, *prompts, latent, cfg=1.0)
    graph["upscale"] = call(upscaler, samples=["zoom", 0], upscale_method="bilinear", **UPSCALERS[upscaler])
    graph["logged"] = host.source(model)
    ports = {name: [name, 0] for name in ("positive", "negative")}
    inputs = {**BOTH, **ZOOM_ONLY, "denoise": 0.4, "sampler_name": sampler, "alignment": alignment, "cfg": 1.0}
    graph["hires"] = call("ZoomKSampler", model=["logged", 0], latent_image=["upscale", 0], **ports, **inputs)
    first, upscaled, result = (r["samples"] for r in host.evaluate(graph, ["zoom", 0], ["upscale", 0], ["hires", 0]))
    assert result.shape == (3, checkpoint.channels, 12, 12)
    assert relative_gap(result) < 1e-5
    assert max(map(relative_gap, log.denoised)) < 1e-4
    if alignment:
        assert relative_gap(upscaled) > 1e-2  # upscaling takes the levels apart
        assert max(map(relative_gap, log.states)) < 1e-4
    if sampler == "euler":  # what was there still shows
        small = interpolate(result, size=(8, 8), mode="area")
        assert torch.corrcoef(torch.stack([small.flatten(), first.flatten()]))[0, 1] > 0.4
    assert (result - upscaled).std() > 0.02 * upscaled.std()
