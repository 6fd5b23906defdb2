"""Write what distill.py has changed of a model as a LoRA, which the host's LoRA loaders read.

    python demo/extract_lora.py demo_model.safetensors demo_few_steps.safetensors zoomstack_demo_few_steps.safetensors

Matrices and convolutions become the products of rank --rank that are nearest to their differences; biases and norms are
kept whole.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from training import write_tensors

NETWORK = "unet."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("student", type=Path)
    parser.add_argument("lora", type=Path)
    parser.add_argument("--rank", type=int, default=32)
    options = parser.parse_args()
    lora, kept = extract(load_file(options.model), load_file(options.student), options.rank)
    write_tensors(options.lora, lora)
    print(f"{kept:.1%} of the squared differences, {options.lora.stat().st_size / 1e6:.1f} MB")


def extract(model: dict[str, Tensor], student: dict[str, Tensor], rank: int) -> tuple[dict[str, Tensor], float]:
    """The LoRA, and its share of the squared differences of matrices and convolutions."""
    lora: dict[str, Tensor] = {}
    kept = whole = 0.0
    for name in (name for name in model if name.startswith(NETWORK)):
        difference = student[name].float() - model[name].float()
        layer, _, leaf = name.removeprefix(NETWORK).rpartition(".")
        key = f"diffusion_model.{layer}"
        if difference.ndim < 2:
            lora[f"{key}.{'diff' if leaf == 'weight' else 'diff_b'}"] = difference.half()
            continue
        left, values, right = torch.linalg.svd(difference.flatten(1), full_matrices=False)
        kept += values[:rank].square().sum().item()
        whole += values.square().sum().item()
        scale = values[:rank].sqrt()
        up, down = left[:, :rank] * scale, scale[:, None] * right[:rank]
        # of convolutions the second one is of a single pixel
        lora[f"{key}.lora_up.weight"] = up.reshape(*up.shape, *[1] * (difference.ndim - 2)).half()
        lora[f"{key}.lora_down.weight"] = down.reshape(len(down), *difference.shape[1:]).half()
    return lora, kept / whole


if __name__ == "__main__":
    main()
