"""python -m benchmarks.memory_table: what 8 levels take on GPUs of several sizes, computed, as a table for the README.

* Weights: parameters of the network, built by ComfyUI's classes without memory, times the bytes of the file's type.
* A picture: ComfyUI's own estimate (`memory_required`), by which it sizes its calls, for 16 bits and PyTorch's
  attention.
* Levels a call: as many as ComfyUI puts into one, by its rule: one and a half times the estimate must be free. With
  its dynamic memory, the default on NVIDIA, the network's weights count as free, as they make room. A star: not all of
  them stay beside such a call.
* Seconds: operations of the network for a whole run, counted by PyTorch, at 50 · 10¹² a second. Without the time for
  weights that have to be fetched, and without blending through the VAE, which the last line has.

Needs ComfyUI, as the tests do: COMFYUI_PATH.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.joint_overhead import ROOT
from benchmarks.networks import KLEIN, KREA2, QWEN_IMAGE, SD15, SDXL, Z_IMAGE, Network, autoencoder, network_on
from benchmarks.real_sizes import markdown

LEVELS = 8
SIZES = (8, 12, 16, 24)  # of GPUs, in GB
TAKEN = 0.8  # GB of a GPU: its driver, CUDA and PyTorch's own
REACHED = 50e12  # operations a second
META = torch.device("meta")


class Model(NamedTuple):
    """A network as its file has it."""

    network: Network
    type: str
    bytes: int


MODELS = (
    Model(SD15, "fp16", 2),
    Model(SDXL, "fp16", 2),
    Model(KLEIN, "bf16", 2),
    Model(Z_IMAGE, "bf16", 2),
    Model(KREA2, "fp8", 1),
    Model(QWEN_IMAGE, "fp8", 1),
)


def table() -> str:
    """The README's."""
    header = ["model", "weights, GB", "a level, GB", *(f"{size} GB" for size in SIZES), f"{LEVELS} levels take"]
    return markdown(header, [row(model) for model in MODELS])


def row(model: Model) -> list[str]:
    """Of the table."""
    import comfy.model_management

    network = model.network
    built = network_on(network, META, torch.bfloat16)
    weights = model.bytes * sum(value.numel() for value in built.diffusion_model.parameters()) / 2**30
    with patch.object(comfy.model_management, "pytorch_attention_flash_attention", lambda: True):
        picture = built.memory_required(network.shape(1, network.size)) / 2**30
    cells = []
    for size in SIZES:
        free = size - TAKEN
        pictures = pictures_per_call(picture, LEVELS * network.prompts, free)
        star = "*" if weights + pictures * picture > free else ""
        cells.append(f"{pictures / network.prompts:.2g}{star}")
    work = LEVELS * network.steps * network.prompts * operations(network, built)
    name = f"{network.name}, {model.type}, {network.size}², {network.steps} steps"
    return [name, f"{weights:.1f}", f"{picture:.2f} × {network.prompts}", *cells, f"{work / REACHED:.0f} s"]


def pictures_per_call(picture: float, pictures: int, free: float) -> int:
    """How many of a batch the host puts into one call, where ``picture`` is its estimate for one."""
    portions = (pictures // i for i in range(1, pictures + 1))
    return next((n for n in portions if 1.5 * n * picture < free), 1)


def operations(network: Network, model: Any) -> float:
    """Of one evaluation of one picture."""
    x = torch.empty(network.shape(1, network.size), dtype=torch.bfloat16, device=META)
    ((context, _),) = network.prompt(0)
    more: dict[str, Any] = {"num_tokens": network.tokens} if network.config == "ZImage" else {}
    if network.pooled:
        more["y"] = torch.empty(1, network.unet["adm_in_channels"], dtype=x.dtype, device=META)
    return _counted(lambda: model.diffusion_model(x, torch.empty(1, device=META), context=context.to(x), **more))


def round_trip(network: Network) -> float:
    """Operations of blending one level through the VAE once: it is decoded once and encoded twice."""
    with META:
        coder = autoencoder(network)
        latent = torch.empty(network.shape(1, network.size))
        picture = torch.empty(1, 3, network.size, network.size)
    return _counted(lambda: [coder.decode(latent), coder.encode(picture), coder.encode(picture)])


def _counted(work: Callable[[], Any]) -> float:
    import comfy.model_management

    def plenty(device: Any = None, torch_free_too: bool = False) -> Any:
        return (2**40, 2**40) if torch_free_too else 2**40

    with (
        patch.object(comfy.model_management, "get_free_memory", plenty),  # there is no device to ask
        FlopCounterMode(display=False) as counter,
        torch.no_grad(),
    ):
        work()
    return counter.get_total_flops()


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests" / "comfyui"))
    from harness import prepare  # type: ignore[import-not-found]

    prepare()
    print(table())
    print(f"\nThrough SDXL's VAE: {round_trip(SDXL) / REACHED:.2f} s more for each level and step.")


if __name__ == "__main__":
    main()
