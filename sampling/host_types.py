"""What the pack asks of the host's objects. ComfyUI has no types of its own that a checker could use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

Entry = dict[str, Any]
"""One entry of a guider's conditioning, in the host's converted form."""

Entries = dict[str, list[Entry]]
"""The entries of a guider by kind: "positive", "negative", …"""

Latent = dict[str, Any]
"""A LATENT: ``samples`` [N, C, …], and what goes with them."""

Executor = Callable[..., Any]
"""What a wrapper of the host's calls in the end: the next wrapper, or what is wrapped."""

Callback = Callable[[int, Tensor, Tensor, int], None]
"""A sampler's report: step from 0, estimates, states, number of steps."""


class LatentFormat(Protocol):
    """Of a model's latents."""

    latent_channels: int
    latent_dimensions: int
    spacial_downscale_ratio: int  # spelled as the host's


class ModelSampling(Protocol):
    """A model's noise levels."""

    @property
    def sigma_min(self) -> Tensor: ...
    @property
    def sigma_max(self) -> Tensor: ...
    def timestep(self, sigma: Tensor) -> Tensor: ...
    def percent_to_sigma(self, percent: float) -> float: ...


class Model(Protocol):
    """``comfy.model_base.BaseModel``: the network and how it is used."""

    latent_format: LatentFormat
    diffusion_model: torch.nn.Module

    def process_latent_in(self, latent: Tensor) -> Tensor: ...
    def process_latent_out(self, latent: Tensor) -> Tensor: ...

    scale_latent_inpaint: Callable[..., Tensor]


class ModelPatcher(Protocol):
    """A MODEL: a `Model` with other nodes' patches."""

    model: Model
    model_options: dict[str, Any]
    load_device: torch.device

    def get_model_object(self, name: str) -> Any: ...
    def get_attachment(self, key: str) -> Any: ...


class VAE(Protocol):
    """A VAE. Pictures are [N, H, W, 3], those of a video [N, T, H, W, 3]; colors in [0, 1]."""

    def decode(self, latents: Tensor) -> Tensor: ...
    def encode(self, pictures: Tensor) -> Tensor: ...


class Sampler(Protocol):
    """A SAMPLER."""

    def sample(
        self,
        guider: Guider,
        sigmas: Tensor,
        extra_args: dict[str, Any],
        callback: Callback | None,
        noise: Tensor,
        latent_image: Tensor | None = None,
        denoise_mask: Tensor | None = None,
        disable_pbar: bool = False,
    ) -> Tensor: ...


class Guider(Protocol):
    """A GUIDER while it samples, as samplers see it."""

    inner_model: Model
    model_patcher: ModelPatcher

    def __call__(self, x: Tensor, sigma: Tensor, *args: Any, **kwargs: Any) -> Tensor: ...


class Noise(Protocol):
    """A NOISE."""

    seed: int

    def generate_noise(self, latent: Latent) -> Tensor: ...
