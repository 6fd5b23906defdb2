"""python -m benchmarks.parametrizations: are the sampler's defaults right for EPS, V and flow models?

The denoiser of the exact benchmark, whose truth is known, as a network of ComfyUI's own: it predicts noise (EPS), v or
the flow's velocity from the host's scaled states and timesteps, and Zoom KSampler samples it through ComfyUI's
executor, with the model's own sigmas. Each change towards the paper is measured alone. Levels are
judged by the covariance of many samples: one per channel of a latent with as many channels.

Needs ComfyUI, as the tests do: COMFYUI_PATH.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from benchmarks.exact import GaussianWorld
from benchmarks.exact.report import Report, judge
from zoomstack_core.geometry import ZoomGeometry

ROOT = Path(__file__).resolve().parents[1]
CHANNELS = 2048  # samples of one run


@dataclass(frozen=True)
class Parametrization:
    """A kind of model of the host: a name in ``comfy.model_base.ModelType``, and how far a flow's times are shifted."""

    name: str
    model_type: str
    shift: float = 1.0


PARAMETRIZATIONS = (
    Parametrization("EPS", "EPS"),
    Parametrization("V", "V_PREDICTION"),
    Parametrization("flow, shift 1", "FLOW", 1.0),
    Parametrization("flow, shift 3", "FLOW", 3.0),
)


@dataclass(frozen=True)
class Run:
    """Inputs of Zoom KSampler. Without ``together`` every level is a run of its own."""

    name: str
    sampler_name: str = "dpmpp_2m_sde"
    blend: str = "border"
    alignment: float = 1.0
    scheduler: str = "exponential"
    together: bool = True


# all levels at one sigma but for a permille, so that the steps are those of an aligned run: even in log sigma, VE terms
ONE_SIGMA = 0.001

RUNS = (
    Run("every level alone: dpmpp_2m_sde, exponential", together=False),
    Run("dpmpp_2m_sde, border, alignment 1"),
    Run("the same with dpmpp_2m, which is the default", sampler_name="dpmpp_2m"),
    Run("the same with ddpm", sampler_name="ddpm"),
    Run("the same with laplacian", blend="laplacian"),
    Run("the same with one sigma", alignment=ONE_SIGMA),
    Run("ddpm, laplacian, one sigma", "ddpm", "laplacian", ONE_SIGMA),
    Run("the paper: ddpm, laplacian, alignment 0, exponential", "ddpm", "laplacian", 0.0),
    Run("the same, normal", "ddpm", "laplacian", 0.0, "normal"),
    Run("the same, normal, euler_ancestral", "euler_ancestral", "laplacian", 0.0, "normal"),
)


class ExactNetwork(nn.Module):
    """A network, as the host calls one, that estimates a Gaussian world's levels exactly.

    Its context [n, 1, 1] is the number of the level; the timestep says how strong signal and noise are in its input.
    """

    def __init__(self, **_: Any) -> None:
        super().__init__()
        self.dtype = torch.float32
        self.world: GaussianWorld
        self.sampling: Any
        self.model_type = ""

    def forward(self, x: Tensor, timesteps: Tensor, context: Tensor, **_: Any) -> Tensor:
        """What this kind of model predicts from x = a · image + s · noise [n, C, H, W]."""
        levels = context.flatten(1)[:, 0].round().long().tolist()
        # a flow's timesteps are its times as they are: the shift is in the choice of times, not in their meaning
        times = timesteps / self.sampling.multiplier if self.model_type == "FLOW" else self.sampling.sigma(timesteps)
        sigmas = times.double().tolist()
        states = zip(x, sigmas, levels, strict=True)
        return torch.stack([self._predict(state, sigma, level) for state, sigma, level in states])

    def _predict(self, state: Tensor, sigma: float, level: int) -> Tensor:
        flow = self.model_type == "FLOW"
        signal, noise = (1 - sigma, sigma) if flow else (1 / (1 + sigma**2) ** 0.5, sigma / (1 + sigma**2) ** 0.5)
        values, vectors = (part.to(state) for part in self.world.eigen[level])
        gain = signal * values / (signal**2 * values + noise**2)
        image = ((state.flatten(1) @ vectors * gain) @ vectors.T).view_as(state)
        epsilon = (state - signal * image) / noise
        if flow:
            return epsilon - image
        return epsilon if self.model_type == "EPS" else signal * epsilon - noise * image


def exact_model(world: GaussianWorld, kind: Parametrization) -> Any:
    """MODEL: an `ExactNetwork` in the host's own model and sampling classes."""
    import comfy.latent_formats
    import comfy.model_base
    import comfy.model_patcher
    import comfy.supported_models_base

    class Latents(comfy.latent_formats.LatentFormat):  # type: ignore[misc]
        latent_channels = CHANNELS

    class Config(comfy.supported_models_base.BASE):  # type: ignore[misc]
        unet_extra_config: dict[str, Any] = {}  # noqa: RUF012 - the host's own convention
        latent_format = Latents
        sampling_settings = {"shift": kind.shift} if kind.model_type == "FLOW" else {}
        memory_usage_factor = 0.001

    model_type = comfy.model_base.ModelType[kind.model_type]
    model = comfy.model_base.BaseModel(Config({}), model_type, torch.device("cpu"), ExactNetwork)
    network = model.diffusion_model
    network.world, network.sampling, network.model_type = world, model.model_sampling, kind.model_type
    cpu = torch.device("cpu")
    return comfy.model_patcher.CoreModelPatcher(model, load_device=cpu, offload_device=cpu)


def sample(host: Any, model: Any, geometry: ZoomGeometry, run: Run, steps: int, seed: int) -> Tensor:
    """Finished levels [N, samples, H, W] of one run of Zoom KSampler."""
    from zoom_graphs import zoom  # type: ignore[import-not-found]

    levels = range(geometry.levels)
    parts = [list(levels)] if run.together else [[level] for level in levels]
    finished = []
    for part in parts:
        prompt = [[torch.full((1, 1, 1), float(level)), {"zoom_level": n}] for n, level in enumerate(part)]
        latent = {"samples": torch.zeros(len(part), CHANNELS, geometry.height, geometry.width)}
        settings = {"alignment": run.alignment, "blend": run.blend, "zoom_factor": geometry.factors[0]}
        schedule = {"sampler_name": run.sampler_name, "scheduler": run.scheduler, "steps": steps, "seed": seed}
        finished.append(zoom(host, model, prompt, prompt, latent, cfg=1.0, **settings, **schedule))
    return torch.cat(finished)


def measure(host: Any, world: GaussianWorld, kind: Parametrization, run: Run, steps: int, runs: int) -> Report:
    """Judges the covariance of ``runs`` · CHANNELS samples."""
    model, total = exact_model(world, kind), torch.zeros(())
    for seed in range(runs):
        finished = sample(host, model, world.geometry, run, steps, seed).double()
        flat = rearrange(finished, "levels samples height width -> samples (levels height width)")
        total = total + flat.T @ flat / (runs * len(flat))
    return judge(world, total)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parametrizations", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--levels", type=int, default=3)
    parser.add_argument("--size", type=int, default=12, help="height and width")
    parser.add_argument("--zoom", type=float, default=2.0)
    parser.add_argument("--steps", type=int, nargs="+", default=[20, 40])
    parser.add_argument("--runs", type=int, default=2, help=f"runs of {CHANNELS} samples each")
    parser.add_argument("--out", type=Path, help="JSON file")
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests" / "comfyui"))
    from harness import Host, prepare  # type: ignore[import-not-found]

    host = Host(prepare())
    world = GaussianWorld(ZoomGeometry(args.levels, args.size, args.size, args.zoom))
    results = []
    for steps in args.steps:
        print(
            f"\n{args.levels} levels of {args.size}², p = {args.zoom:g}, {steps} steps; {args.runs * CHANNELS} samples"
        )
        print("KL of the levels (1e-3 nats/pixel), seams over the truth's\n")
        print("| run | " + " | ".join(kind.name for kind in PARAMETRIZATIONS) + " |")
        print("|---" * (len(PARAMETRIZATIONS) + 1) + "|", flush=True)
        for run in RUNS:
            cells = []
            for kind in PARAMETRIZATIONS:
                report = measure(host, world, kind, run, steps, args.runs)
                cells.append(_cell(report, run))
                results.append({"parametrization": kind.name, **asdict(run), "steps": steps, **asdict(report)})
            print(f"| {run.name} | " + " | ".join(cells) + " |", flush=True)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(results, indent=1))


def _cell(report: Report, run: Run) -> str:
    seams = " ".join(f"{value:.2f}" for value in report.seams) if run.together else "no stack"
    kl = (1000 * value for value in report.kl)
    return " ".join(f"{value:.0f}" if value >= 10 else f"{value:.2g}" for value in kl) + f", {seams}"


if __name__ == "__main__":
    main()
