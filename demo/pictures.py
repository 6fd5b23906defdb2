"""What the demo model is trained on: a world's pictures as pixels, or as latents made on the way or cached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from training import half_precision

from demo.world import World

CACHED = "latents_*.safetensors"


class Source(Protocol):
    """Training examples; `shape` is that of one, [C, H, W]."""

    shape: tuple[int, int, int]
    channels: int
    patch: int

    def batch(self, count: int) -> tuple[Tensor, list[str]]:
        """Examples [count, C, H, W] of about unit deviation and their captions."""

    def decode(self, x: Tensor) -> Tensor:
        """Pictures [B, 3, size, size], values about [0, 1]."""

    def clamp(self, x: Tensor) -> Tensor:
        """Estimates of examples, without what no example has."""

    def exported(self) -> dict[str, Tensor]:
        """What the model's file needs beside the weights."""

    def look_again(self) -> None:
        """Take in what a cache has got since."""


def source(world: World[Any], vae: Path | None, cache: Path | None) -> Source:
    if vae is None:
        return Pixels(world)
    return Latents(world, vae) if cache is None else CachedLatents(world, vae, cache)


class Pixels:
    channels, patch = 3, 2

    def __init__(self, world: World[Any]):
        self.world = world
        self.shape = (3, world.size, world.size)

    def batch(self, count: int) -> tuple[Tensor, list[str]]:
        images, captions = self.world.batch(count)
        return images * 2 - 1, captions

    def decode(self, x: Tensor) -> Tensor:
        return x / 2 + 0.5

    def clamp(self, x: Tensor) -> Tensor:
        return x.clamp(-1, 1)

    def exported(self) -> dict[str, Tensor]:
        return {}

    def look_again(self) -> None:
        pass


class Latents:
    """A world's pictures through the encoder of a demo_vae.safetensors."""

    patch = 1

    def __init__(self, world: World[Any], vae: Path):
        self.world = world
        self.vae = load_vae(vae, world.device)
        self.channels = self.vae.taesd_decoder[1].in_channels
        self.shape = (self.channels, world.size // 8, world.size // 8)

    def batch(self, count: int) -> tuple[Tensor, list[str]]:
        images, captions = self.world.batch(count)
        return self.encode(images), captions

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        images = images.contiguous(memory_format=torch.channels_last)
        with half_precision(images.device):
            latents: Tensor = self.vae.taesd_encoder(images)
        return latents.float().contiguous()

    def decode(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        return torch.cat([self.vae.taesd_decoder(each[None]) for each in x]).float()

    def clamp(self, x: Tensor) -> Tensor:
        return x

    def exported(self) -> dict[str, Tensor]:
        """`latent.rgb` [C + 1, 3]: the linear map from latents to colors in [-1, 1], fitted by least squares."""
        images, _ = self.world.batch(32)
        latents = self.encode(images).movedim(1, -1).flatten(0, 2)
        colors = torch.nn.functional.avg_pool2d(images, 8).movedim(1, -1).flatten(0, 2) * 2 - 1
        ones = torch.ones_like(latents[:, :1])
        return {"latent.rgb": torch.linalg.lstsq(torch.cat([latents, ones], 1), colors).solution}

    def look_again(self) -> None:
        pass


class CachedLatents(Latents):
    """Latents that cache_latents.py keeps in a folder, with captions drawn anew each time."""

    def __init__(self, world: World[Any], vae: Path, folder: Path):
        super().__init__(world, vae)
        self.folder = folder
        self.latents = torch.empty(0, *self.shape, dtype=torch.float16, device=world.device)
        self.scenes: list[Any] = []
        self.files: set[Path] = set()
        self.look_again()
        if not self.files:
            raise FileNotFoundError(f"{folder} has no {CACHED}; fill it with demo/cache_latents.py")

    def batch(self, count: int) -> tuple[Tensor, list[str]]:
        generator = self.world.choices
        picks = torch.randint(0, len(self.scenes), (count,), generator=generator).tolist()
        return self.latents[picks].float(), [self.world.caption(self.scenes[pick]) for pick in picks]

    def look_again(self) -> None:
        from safetensors import safe_open

        parts = [self.latents]
        for path in sorted(set(self.folder.glob(CACHED)) - self.files):
            with safe_open(path, "pt", device=str(self.world.device)) as file:
                parts.append(file.get_tensor("latents"))
                self.scenes += [self.world.scene_type(*words) for words in json.loads(file.metadata()["scenes"])]
            self.files.add(path)
        self.latents = torch.cat(parts)


def load_vae(path: Path, device: torch.device) -> Any:
    """The host's TAESD with the weights of a file, as the host's VAE loader makes it."""
    from comfy.taesd.taesd import TAESD
    from safetensors.torch import load_file

    weights = load_file(path)
    vae = TAESD(latent_channels=weights["taesd_decoder.1.weight"].shape[1])
    vae.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    vae.requires_grad_(False)
    return vae.to(device, memory_format=torch.channels_last)
