"""Teach a trained demo model another world, as a LoRA. Resumable: run it again with the same --out to go on.

    python demo/train_lora.py --comfyui PATH --out FOLDER --model demo_model.safetensors \\
        --vae demo_vae.safetensors --latents CACHE

The forest of forest.py, encoded by cache_latents.py --world forest. The network stays as it is, but for products of
rank --rank that are added to its matrices and convolutions; of the text encoder only the words learn that no caption
has used so far. So what the model knows stays the same to the bit, with the LoRA left out. With --init a LoRA of that
rank learns on; the words of the model that came with it stay as they are.

Writes the files of train.py; demo_lora.safetensors, which the host's LoRA loaders read, and demo_model.safetensors, the
model that knows the words.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import parametrize
from train import ModelTrainer, parse_options
from training import import_host, write_tensors

TABLE = "text_model.embeddings.token_embedding"
ADDED = "parametrizations.weight"


def main() -> None:
    options = parse_options(__doc__, lora_options)
    import_host(options)
    LoraTrainer(options).run()


def lora_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="what train.py wrote")
    parser.add_argument("--rank", type=int, default=40)


class LoraTrainer(ModelTrainer):
    world_name = "forest"

    def __init__(self, options: argparse.Namespace):
        from safetensors.torch import load_file

        self.lora = None if options.init is None else load_file(options.init)
        options.init = options.model
        self.options, self.before = options, load_file(options.model)
        super().__init__(options)

    def prepare(self, model: torch.nn.ModuleDict) -> None:
        model.requires_grad_(False)
        for name, module in list(model["unet"].named_modules()):
            if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)):
                product = Product(module.weight, self.options.rank)
                if self.lora is not None:
                    factors = {each: self.lora[f"{key_of(name)}.lora_{each}.weight"] for each in ("down", "up")}
                    product.load_state_dict(factors)
                parametrize.register_parametrization(module, "weight", product)
        known = set(self.before["known_tokens"].tolist())
        new = [row for row, token in enumerate(self.known) if token not in known]
        words = model["text"].get_submodule(TABLE)
        assert isinstance(words, torch.nn.Embedding)
        if new:
            parametrize.register_parametrization(words, "weight", Rows(words.weight, new))

    def export(self) -> None:
        write_tensors(self.options.out / "demo_lora.safetensors", self._lora(), {"images": str(self.images)})
        write_tensors(self.options.out / self.exported, self._model(), {"images": str(self.images)})

    def _lora(self) -> dict[str, Tensor]:
        lora = {}
        for name, tensor in self.average.items():
            layer, added, factor = name.partition(f".{ADDED}.0.")
            if added and layer.startswith("unet."):
                lora[f"{key_of(layer.removeprefix('unet.'))}.lora_{factor}.weight"] = tensor.half()
        return lora

    def _model(self) -> dict[str, Tensor]:
        """What there was, and rows of the new words."""
        if not parametrize.is_parametrized(self.text.get_submodule(TABLE)):
            return self.before
        rows = self.average[f"text.{TABLE}.{ADDED}.original"].half()
        rows[self.text.get_submodule(TABLE).parametrizations["weight"][0].rows] = self.average[
            f"text.{TABLE}.{ADDED}.0.values"
        ].half()
        known = torch.tensor(self.known, dtype=torch.int32)
        return {**self.before, f"text.{TABLE}.weight": rows, "known_tokens": known}


def key_of(layer: str) -> str:
    """What LoRAs of the host call a layer of the network."""
    return f"diffusion_model.{layer}"


class Product(torch.nn.Module):
    """Adds up · down to a matrix or convolution, as LoRAs do: of a convolution `up` is one of a single pixel."""

    def __init__(self, weight: Tensor, rank: int):
        super().__init__()
        rank = min(rank, len(weight), weight[0].numel())
        self.down = torch.nn.Parameter(torch.randn(rank, *weight.shape[1:]) * weight[0].numel() ** -0.5)
        self.up = torch.nn.Parameter(torch.zeros(len(weight), rank, *[1] * (weight.ndim - 2)))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (self.up.flatten(1) @ self.down.flatten(1)).view_as(weight)


class Rows(torch.nn.Module):
    """Puts rows that learn in the place of some of a table."""

    rows: Tensor

    def __init__(self, table: Tensor, rows: list[int]):
        super().__init__()
        self.register_buffer("rows", torch.tensor(rows), persistent=False)
        self.values = torch.nn.Parameter(table[rows].clone() + 0.1 * torch.randn(len(rows), table.shape[1]))

    def forward(self, table: Tensor) -> Tensor:
        return table.index_copy(0, self.rows, self.values)


if __name__ == "__main__":
    main()
