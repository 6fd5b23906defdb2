"""Graphs around Zoom KSampler, and spies that see what the sampler and the network get during a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import comfy.model_base
import comfy.patcher_extension
import torch
from harness import Host, Prompt, call
from torch import Tensor

Conditioning = list[list[Any]]
SAMPLER_SAMPLE = comfy.patcher_extension.WrappersMP.SAMPLER_SAMPLE

BOTH: dict[str, Any] = {
    "seed": 7,
    "steps": 3,
    "cfg": 2.5,
    "sampler_name": "euler",
    "scheduler": "normal",
    "denoise": 1.0,
}
ZOOM_ONLY: dict[str, Any] = {"zoom_factor": 2.0, "alignment": 1.0, "blend": "laplacian", "focus_x": 0.5, "focus_y": 0.5}

# Of the nodes that render a zoom: half a second per level, and small.
PATH_WIDGETS: dict[str, Any] = {
    "seconds_per_level": 0.5,
    "fps": 10.0,
    "direction": "in",
    "easing": "sine",
    "loop": False,
    "width": 80,
    "height": 64,
    "hold_start": 0.0,
    "hold_end": 0.0,
}


@dataclass(frozen=True)
class Checkpoint:
    """What the host's checkpoint loader gives for one of the small checkpoints."""

    model: Any
    clip: Any
    vae: Any

    @property
    def channels(self) -> int:
        return self.model.model.latent_format.latent_channels

    @property
    def flow(self) -> bool:
        return isinstance(self.model.model.model_sampling, comfy.model_sampling.CONST)

    def encode(self, text: str, **options: Any) -> Conditioning:
        """What CLIPTextEncode gives, with ``options`` added to every entry."""
        encoded = self.clip.encode_from_tokens_scheduled(self.clip.tokenize(text))
        return [[embedding, {**entry, **options}] for embedding, entry in encoded]

    def schedule(self, *texts: str) -> Conditioning:
        """One entry per level, marked as Zoom Prompt Schedule marks them."""
        return [entry for level, text in enumerate(texts) for entry in self.encode(text, zoom_level=level)]

    def empty(self, levels: int, height: int = 8, width: int = 8) -> dict[str, Any]:
        """An empty LATENT."""
        return {"samples": torch.zeros(levels, self.channels, height, width)}


PROMPTS = ("a red galaxy", "a yellow sun", "an icy planet", "volcanic ground", "a stone")


def load(host: Host, name: str) -> Checkpoint:
    """One of the small checkpoints, by the host's loader."""
    prompt = {"loader": call("CheckpointLoaderSimple", ckpt_name=host.checkpoint(name))}
    return Checkpoint(*host.evaluate(prompt, *(["loader", slot] for slot in range(3))))


def load_demo(host: Host) -> Checkpoint:
    """The demo model that comes with the pack."""
    return Checkpoint(*host.evaluate({"demo": call("ZoomDemoModel")}, *(["demo", slot] for slot in range(3))))


def sampling(
    host: Host, model: Any, positive: Conditioning, negative: Conditioning, latent: dict[str, Any], **inputs: Any
) -> Prompt:
    """A graph with a "zoom" node (Zoom KSampler) and a "stock" one (KSampler) that get the same.

    Inputs that are no widget values or references come from a source.
    """
    widgets = (str, int, float, list)
    inputs = {name: value for name, value in inputs.items() if value is not None}
    optional = {name: host.source(value) for name, value in inputs.items() if not isinstance(value, widgets)}
    inputs = {**inputs, **{name: [name, 0] for name in optional}}
    links = {
        "model": host.source(model),
        "positive": host.source(positive),
        "negative": host.source(negative),
        "latent_image": host.source(latent),
    }
    ports = {name: [name, 0] for name in links}
    stock = {key: value for key, value in {**BOTH, **inputs}.items() if key in BOTH}
    return {
        **links,
        **optional,
        "zoom": call("ZoomKSampler", **{**ports, **BOTH, **ZOOM_ONLY, **inputs}),
        "stock": call("KSampler", **ports, **stock),
    }


def zoom(
    host: Host,
    model: Any,
    positive: Conditioning,
    negative: Conditioning,
    latent: dict[str, Any],
    preview_method: str | None = None,
    **inputs: Any,
) -> Tensor:
    """The levels [N, C, H, W] that Zoom KSampler gives."""
    extra_data = {"preview_method": preview_method} if preview_method else {}
    graph = sampling(host, model, positive, negative, latent, **inputs)
    (result,) = host.evaluate(graph, ["zoom", 0], **extra_data)
    return result["samples"]


@dataclass
class ModelCall:
    """One pass through the network: states as the model gets them, sigma of every row, and its prompt."""

    x: Tensor
    sigma: Tensor
    context: Tensor


@contextmanager
def model_calls() -> Iterator[list[ModelCall]]:
    """All passes through any network, below every wrapper."""
    calls: list[ModelCall] = []
    original = comfy.model_base.BaseModel._apply_model

    def spy(
        self: Any, x: Tensor, t: Tensor, c_concat: Any = None, c_crossattn: Any = None, *args: Any, **kw: Any
    ) -> Any:
        calls.append(ModelCall(x.clone(), t.clone(), c_crossattn.clone()))
        return original(self, x, t, c_concat, c_crossattn, *args, **kw)

    comfy.model_base.BaseModel._apply_model = spy
    try:
        yield calls
    finally:
        comfy.model_base.BaseModel._apply_model = original


@dataclass
class SamplerLog:
    """What a sampler saw: every state that it asked the guider about, with its sigma, and the answers."""

    states: list[Tensor] = field(default_factory=list)
    sigmas: list[float] = field(default_factory=list)
    denoised: list[Tensor] = field(default_factory=list)


def logged(model: Any) -> tuple[Any, SamplerLog]:
    """A clone of MODEL whose runs are logged between the sampler and the guider."""
    log = SamplerLog()

    def wrapper(executor: Any, guider: Any, *args: Any, **kwargs: Any) -> Tensor:
        return executor(_Logged(guider, log), *args, **kwargs)

    clone = model.clone()
    clone.add_wrapper_with_key(SAMPLER_SAMPLE, "log", wrapper)
    return clone, log


class _Logged:
    """A guider that notes what it is asked."""

    def __init__(self, guider: Any, log: SamplerLog) -> None:
        self._guider = guider
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._guider, name)

    def __call__(self, x: Tensor, sigma: Tensor, **kwargs: Any) -> Tensor:
        denoised = self._guider(x, sigma, **kwargs)
        self._log.states.append(x.clone())
        self._log.sigmas.append(float(sigma[0]))
        self._log.denoised.append(denoised.clone())
        return denoised
