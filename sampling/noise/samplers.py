"""What must be known about the host's samplers to carry zoom levels at different noise levels."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import comfy.model_management
import comfy.samplers
import torch

from ..host_types import Sampler

logger = logging.getLogger("zoomstack")

# Samplers that add noise at every step. With independent initial noise they keep their low frequencies (the paper's
# choice); the others wash out unless the initial noise is shared.
STOCHASTIC_MARKS = ("ancestral", "sde", "ddpm", "lcm", "seeds", "sa_solver")

# Samplers that extrapolate from the estimates of earlier steps. A distilled model's estimate is where its way ends and
# no mean of what may come: extrapolated, it gets too strong.
LOOKING_BACK = (
    "lms",
    "dpmpp_2m",
    "dpmpp_2m_cfg_pp",
    "dpmpp_2m_sde",
    "dpmpp_2m_sde_gpu",
    "dpmpp_2m_sde_heun",
    "dpmpp_2m_sde_heun_gpu",
    "dpmpp_3m_sde",
    "dpmpp_3m_sde_gpu",
    "ipndm",
    "ipndm_v",
    "deis",
    "res_multistep",
    "res_multistep_cfg_pp",
    "res_multistep_ancestral",
    "res_multistep_ancestral_cfg_pp",
    "gradient_estimation",
    "gradient_estimation_cfg_pp",
    "er_sde",
    "sa_solver",
    "sa_solver_pece",
    "unipc",
    "unipc_bh2",
)

# They add noise as in VE terms whatever the model is: with a flow model's times for sigmas images get the wrong
# strength. Aligned runs of several levels are in VE terms and thus right.
WRONG_FOR_FLOW = (
    "ddpm",
    "dpmpp_2s_ancestral_cfg_pp",
    "res_multistep_ancestral",
    "res_multistep_ancestral_cfg_pp",
)

# The host's tolerances are meant for sigmas of 15 or for flow times; at those of a flow model in VE terms they let
# estimates come out up to twice too strong.
_FLOW_OPTIONS = {"dpm_adaptive": {"rtol": 0.005, "atol": 0.001}}

# Fourth powers of sigma, as in ancestral steps, must fit into the floating-point format.
_LARGEST = {torch.float64: 1e60, torch.float32: 1e9}


def has_float64(device: torch.device) -> bool:
    """Whether tensors on ``device`` can be float64.

    The host knows it of the device that it runs on; of other kinds than CPU and CUDA (which is ROCm too) few can.
    """
    return device.type in ("cpu", "cuda") and comfy.model_management.supports_fp64(device)


@dataclass(frozen=True)
class SigmaRoom:
    """The sigmas that a sampler computes with well, whatever those of the levels are.

    Attributes:
        largest: where the common ladder may begin at most; None for the model's own sigma_max.
        lowest: where it must end at least.
        double: whether the sampler can compute in float64, where the device can.
    """

    largest: float | None = 1e60
    lowest: float = 0.0
    double: bool = True

    def dtype(self, device: torch.device) -> torch.dtype:
        """Of the sampler's state and sigmas on ``device``."""
        return torch.float64 if self.double and has_float64(device) else torch.float32

    def largest_sigma(self, device: torch.device, sigma_max: float) -> float:
        """The largest common sigma on ``device`` for a model with this ``sigma_max``."""
        if self.largest is None:
            return sigma_max
        return min(self.largest, _LARGEST[self.dtype(device)] if self.double else self.largest)


_ROOMS = {
    # 1 - exp(-sigma²) in float32, and a last sigma of 0.001
    "unipc": SigmaRoom(1e18, 2e-3, double=False),
    "unipc_bh2": SigmaRoom(1e18, 2e-3, double=False),
    "deis": SigmaRoom(1e18, 2e-3),
    "ddpm": SigmaRoom(lowest=1e-6),  # 1 - 1 / (1 + sigma²)
    "er_sde": SigmaRoom(None),  # exp(sigma^0.3); its noise is made for the sigmas of a model
}


def sampler_id(sampler: Sampler) -> str:
    """The host's name of a SAMPLER object, such as "euler"; the name of its class or function for others."""
    if not isinstance(sampler, comfy.samplers.KSAMPLER):
        return type(sampler).__name__
    name = getattr(sampler.sampler_function, "__name__", type(sampler.sampler_function).__name__)
    return name.removeprefix("sample_").removesuffix("_function")


def is_stochastic(sampler: Sampler) -> bool:
    """Whether the sampler adds noise on its way."""
    if getattr(sampler, "extra_options", {}).get("eta", 1) == 0:
        return False
    return any(mark in sampler_id(sampler) for mark in STOCHASTIC_MARKS)


def looks_back(sampler: Sampler) -> bool:
    """Whether a step of the sampler extrapolates from the estimates of earlier ones."""
    return sampler_id(sampler) in LOOKING_BACK


def flow_options(sampler: Sampler) -> dict[str, float]:
    """Options of a sampler that steps a flow model in VE terms; what the user chose goes before."""
    return _FLOW_OPTIONS.get(sampler_id(sampler), {})


def warn_of_flow(sampler: Sampler, flow: bool) -> None:
    """One line in the log where the host's own sampler does not suit flow models."""
    if flow and sampler_id(sampler) in WRONG_FOR_FLOW:
        logger.warning(
            "ComfyUI's sampler %s gives flow models images of the wrong contrast, with KSampler too. "
            "Choose another one, or an alignment above 0.",
            sampler_id(sampler),
        )


def sigma_room(sampler: Sampler) -> SigmaRoom:
    """Which sigmas ``sampler`` can be given."""
    return _ROOMS.get(sampler_id(sampler), SigmaRoom())
