"""The demo model of the pack as a plain denoiser with its VAE, inside the real host but without its executor."""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]


class DemoNetwork:
    """The demo model with classifier-free guidance, as `sample_joint` calls a denoiser.

    Args:
        prompts: one per level.
        guidance: cfg, 1 for none.
        few_steps: with the LoRA for 4 to 8 evaluations.

    Attributes:
        vae: between latents and pictures in [0, 1], the pack's `VaeSpace`.

    Raises:
        RuntimeError: when COMFYUI_PATH does not say where ComfyUI is.
    """

    def __init__(self, prompts: list[str], guidance: float = 3.0, few_steps: bool = False) -> None:
        self.guidance = guidance
        model, clip, vae = pack("demo.loader").load_demo_model()
        if few_steps:
            model = _with_few_steps(model)
        model.patch_model()
        self._model = model.model.eval()
        self.vae = pack("sampling.agreement.vae_round_trip").VaeSpace(vae, self._model, "demo")
        encode = lambda text: clip.encode_from_tokens(clip.tokenize(text))  # noqa: E731
        self._prompts = torch.cat([encode(text) for text in prompts])
        self._empty = encode("")

    @torch.inference_mode()
    def __call__(self, z: Tensor, sigma: Tensor, levels: Tensor) -> Tensor:
        """Estimated latents x0 [n, C, H, W] of the states z = x + sigma · noise."""
        sampling = self._model.model_sampling
        # beyond the model's own sigmas a state is noise alone: scaled to the nearest one it looks the same
        own = sigma.clamp(float(sampling.sigma_min), float(sampling.sigma_max)).float()
        z = (z * (own / sigma).view(-1, 1, 1, 1)).float()
        told = self._prompts[levels]
        if self.guidance == 1:
            return self._model.apply_model(z, own, c_crossattn=told).to(sigma.dtype)
        context = torch.cat([told, self._empty.expand(len(z), -1, -1)])
        both = self._model.apply_model(z.repeat(2, 1, 1, 1), own.repeat(2), c_crossattn=context)
        with_prompt, without = both.chunk(2)
        return (without + self.guidance * (with_prompt - without)).to(sigma.dtype)


def pack(module: str) -> Any:
    """A module of the pack, such as "demo.loader", without its nodes, on the CPU.

    Raises:
        RuntimeError: when COMFYUI_PATH does not say where ComfyUI is.
    """
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
    # the outer packages without what they import: the nodes need a running server
    for name, folder in (("", ROOT), (".nodes", ROOT / "nodes"), (".sampling", ROOT / "sampling")):
        name = f"zoomstack_pack{name}"
        if name not in sys.modules:
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = [str(folder)]
    return importlib.import_module(f"zoomstack_pack.{module}")


def _with_few_steps(model: Any) -> Any:
    import comfy.sd
    import comfy.utils

    lora = comfy.utils.load_torch_file(str(ROOT / "demo" / "loras" / pack("demo.folders").FEW_STEPS))
    return comfy.sd.load_lora_for_models(model, None, lora, 1.0, 0.0)[0]
