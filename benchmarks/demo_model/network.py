"""The demo model of the pack as a plain denoiser, inside the real host but without its executor."""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .overlap import AS_OFFERED, Overlap

ROOT = Path(__file__).resolve().parents[2]


class DemoNetwork:
    """The demo model with classifier-free guidance, as `sample_joint` calls a denoiser.

    Args:
        prompts: one per level.
        guidance: cfg, 1 for none.

    Raises:
        RuntimeError: when COMFYUI_PATH does not say where ComfyUI is.
    """

    def __init__(self, prompts: list[str], guidance: float = 3.0) -> None:
        self.guidance = guidance
        model, clip = load()
        self._model = model
        encode = lambda text: clip.encode_from_tokens(clip.tokenize(text))  # noqa: E731
        self._prompts = torch.cat([encode(text) for text in prompts])
        self._empty = encode("")

    def __call__(self, z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        """x0 [n, 3, H, W] in [-1, 1] of the states z = x + sigma · noise."""
        return self._estimate(z, sigma, self._prompts[levels], self.guidance)

    def overlap(self, crop: Tensor, sigma: Tensor, level: int, variant: Overlap = AS_OFFERED) -> Tensor:
        """The network on that part of `level` alone which the next deeper one covers."""
        prompts = {"wider": self._prompts[level : level + 1], "deeper": self._prompts[level + 1 : level + 2]}
        context = prompts.get(variant.prompt, self._empty)
        guidance = self.guidance if variant.guidance is None else variant.guidance
        return self._estimate(crop[None], sigma[None], context, guidance)[0]

    @torch.inference_mode()
    def _estimate(self, z: Tensor, sigma: Tensor, prompts: Tensor, guidance: float) -> Tensor:
        sampling = self._model.model_sampling
        # beyond the model's own sigmas a state is noise alone: scaled to the nearest one it looks the same
        own = sigma.clamp(float(sampling.sigma_min), float(sampling.sigma_max))
        z = (z * (own / sigma).view(-1, 1, 1, 1)).float()
        context = torch.cat([prompts, self._empty.expand(len(z), -1, -1)])
        both = self._model.apply_model(z.repeat(2, 1, 1, 1), own.float().repeat(2), c_crossattn=context)
        told, free = both.chunk(2)
        return (free + guidance * (told - free)).clamp(-1, 1).to(sigma.dtype)


def load() -> tuple[Any, Any]:
    """The pack's demo model and text encoder, on the CPU."""
    comfyui = os.environ.get("COMFYUI_PATH", str(ROOT / ".host" / "ComfyUI"))
    if not (Path(comfyui) / "comfy").is_dir():
        raise RuntimeError(f"no ComfyUI in COMFYUI_PATH={comfyui!r}")
    if comfyui not in sys.path:
        sys.path.insert(0, comfyui)
    argv, sys.argv = sys.argv, ["main.py", "--cpu", "--disable-api-nodes"]
    try:
        import comfy.options

        comfy.options.enable_args_parsing()
        import comfy.cli_args
    finally:
        sys.argv = argv
    # the two outer packages without what they import: the nodes need a running server
    for name, folder in (("zoomstack_pack", ROOT), ("zoomstack_pack.nodes", ROOT / "nodes")):
        if name not in sys.modules:
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = [str(folder)]
    model, clip, _ = importlib.import_module("zoomstack_pack.demo.loader").load_demo_model()
    return model.model.eval(), clip
