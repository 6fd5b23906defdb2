"""What the training scripts share: options, a loop that resumes exactly, averaged weights, curve, measures, sheets.

The random numbers of a step depend on the seed and on the images seen so far alone, so a run that was stopped and
resumed ends with the same weights as one that was not.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from demo.world import World

WORLDS = ("universe", "forest")
HERE = Path(__file__).resolve().parent


def basic_parser(description: str | None, images: int, batch: int) -> argparse.ArgumentParser:
    """The options of every script that draws pictures, with this one's defaults."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("COMFYUI_PATH")
    made.add_argument("--comfyui", type=Path, default=default, required=default is None, help="the ComfyUI folder")
    made.add_argument("--out", type=Path, required=True)
    made.add_argument("--images", type=int, default=images, help="in all; a schedule ends there")
    made.add_argument("--minutes", type=float, default=math.inf, help="stop after so long; run it again to go on")
    made.add_argument("--batch", type=int, default=batch)
    made.add_argument("--threads", type=int, default=os.cpu_count())
    made.add_argument("--seed", type=int, default=0)
    return made


def parser(description: str | None, images: int, batch: int, lr: float) -> argparse.ArgumentParser:
    """`basic_parser`, and what every training script takes."""
    made = basic_parser(description, images, batch)
    made.add_argument("--init", type=Path, metavar="FILE", help="begin with what a run of this script has exported")
    made.add_argument("--by-time", action="store_true", help="the schedule ends with --minutes; no exact resuming")
    made.add_argument("--pause-at", type=int, default=sys.maxsize, metavar="IMAGES", help="stop there in the schedule")
    made.add_argument("--lr", type=float, default=lr)
    made.add_argument("--save-every", type=float, default=240.0, metavar="SECONDS")
    made.add_argument("--sheet-every", type=float, default=1800.0, metavar="SECONDS")
    return made


def import_host(options: argparse.Namespace) -> None:
    """Make the host's modules, those of this folder and the pack's core importable; the host reads the command line."""
    sys.argv = sys.argv[:1] + ([] if torch.cuda.is_available() else ["--cpu"])
    sys.path[:0] = [str(options.comfyui), str(HERE), str(HERE.parent)]
    import comfy.options

    comfy.options.enable_args_parsing()
    torch.set_num_threads(options.threads)


def make_world(
    name: str, size: int, seed: int, device: torch.device | str = "cpu", native: int | None = None
) -> World[Any]:
    """One of `WORLDS`."""
    from demo.forest import Forest
    from demo.universe import Universe

    worlds: dict[str, type[World[Any]]] = {"universe": Universe, "forest": Forest}
    return worlds[name](size, seed, device, native)


def half_precision(device: torch.device) -> torch.autocast:
    """bfloat16 for what can be computed in it; on processors that would only emulate it, ten times slower, nothing."""
    pays = device.type != "cpu" or torch.backends.cpu.get_cpu_capability() == "AVX512"
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=pays)


class Trainer(ABC):
    """One run of one network. A script's own trainer gives `step`, `export`, `write_sheet` and, if it likes, `measure`.

    Args:
        options: those of `parser`.
        model: what is trained; parameters that need no gradient stay as they are.
        ema: the averaged weights keep this share at each step, less at the beginning.
        warm: so many steps the learning rate rises.
    """

    def __init__(self, options: argparse.Namespace, model: torch.nn.Module, ema: float = 0.9993, warm: int = 600):
        self.options, self.model, self.ema, self.warm = options, model, ema, warm
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model.to(self.device)
        self.average = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        # also what is not trained now, so that the optimizer's state fits when that changes
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=options.lr, weight_decay=0.01, fused=True)
        self.images = 0
        self.seconds = 0.0
        self.begun = time.monotonic()
        options.out.mkdir(parents=True, exist_ok=True)
        self._resume()

    @abstractmethod
    def step(self) -> Tensor:
        """One step of the optimizer through `descend`; counts `images` on. Returns the loss."""

    @abstractmethod
    def export(self) -> None:
        """Write what the loader reads."""

    @abstractmethod
    def write_sheet(self) -> None:
        """Write sheet.png."""

    def measure(self) -> dict[str, float]:
        """Numbers of the averaged weights for measures.csv."""
        return {}

    def reseed(self, seed: int) -> None:
        torch.manual_seed(seed)

    def run(self) -> None:
        self.begun = begun = saved = drawn = time.monotonic()
        started, losses, first = begun - self.seconds, [], self.images
        end = min(self.options.images, self.options.pause_at)
        while self.images < end and time.monotonic() - begun < 60 * self.options.minutes:
            self.reseed(self.options.seed + self.images)
            losses.append(self.step())
            now = time.monotonic()
            self.seconds = now - started
            if len(losses) == 50:
                loss = torch.stack(losses).mean().item()
                losses.clear()
                speed = (self.images - first) / (now - begun)
                print(f"{self.images} images, loss {loss:.4f}, {speed:.1f} images/s", flush=True)
                self._append("curve.csv", [self.images, f"{loss:.5f}", f"{self.seconds:.0f}"])
            if now - saved > self.options.save_every:
                self.save()
                saved = time.monotonic()
            if now - drawn > self.options.sheet_every:
                self.write_sheet()
                drawn = time.monotonic()
        self.save()
        self.write_sheet()
        print(f"done: {self.images} images in {self.seconds / 60:.0f} min")

    def descend(self, loss: Tensor, images: int) -> Tensor:
        """One optimizer step for a loss over so many images."""
        progress = self.images / self.options.images
        if self.options.by_time:
            progress = max(progress, (time.monotonic() - self.begun) / (60 * self.options.minutes))
        warm = min(1.0, self.images / (self.warm * self.options.batch) + 0.02)
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.lr * warm * (0.5 + 0.5 * math.cos(math.pi * min(progress, 1.0)) + 0.01)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.images += images
        steps = self.images / self.options.batch
        weight = 1 - min(self.ema, (1 + steps) / (10 + steps))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self.model.state_dict().values()), weight)
        return loss.detach()

    @contextmanager
    def averaged(self):  # type: ignore[no-untyped-def]  # a generator of nothing
        """The model has its averaged weights inside."""
        current = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        try:
            with torch.no_grad():
                yield
        finally:
            self.model.load_state_dict(current)

    # --- files

    def save(self) -> None:
        state = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        state |= {f"average.{k}": v for k, v in self.average.items()}
        for i, slots in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{i}.{k}": v for k, v in slots.items()}
        progress = json.dumps({"images": self.images, "seconds": self.seconds})
        write_tensors(self.options.out / "state.safetensors", state, {"progress": progress})
        self.export()
        measures = self.measure()
        if measures:
            path = self.options.out / "measures.csv"
            if not path.exists():
                self._append(path.name, ["images", *measures])
            self._append(path.name, [self.images, *(f"{value:.4f}" for value in measures.values())])
            print(", ".join(f"{name} {value:.3f}" for name, value in measures.items()), flush=True)

    def _resume(self) -> None:
        from safetensors import safe_open

        path = self.options.out / "state.safetensors"
        if not path.exists():
            return
        with safe_open(path, "pt", device=str(self.device)) as file:
            progress = json.loads(file.metadata()["progress"])
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        # a part that a script has got since, such as a discriminator, begins now
        self.model.load_state_dict({k[6:]: v for k, v in state.items() if k.startswith("model.")}, strict=False)
        self.average = {name: state.get(f"average.{name}", average) for name, average in self.average.items()}
        slots: dict[int, dict[str, Tensor]] = {}
        for key, tensor in state.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                slots.setdefault(int(index), {})[name] = tensor
        self.optimizer.load_state_dict({"state": slots, "param_groups": self.optimizer.state_dict()["param_groups"]})
        self.images, self.seconds = progress["images"], progress["seconds"]
        print(f"resumed at {self.images} images")

    def _append(self, name: str, row: Sequence[Any]) -> None:
        with (self.options.out / name).open("a", newline="") as file:
            csv.writer(file).writerow(row)


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """A safetensors file that is whole or not there."""
    from safetensors.torch import save_file

    partial = path.with_suffix(".partial")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, metadata)
    partial.replace(path)


def write_picture(path: Path, rows: Sequence[Tensor]) -> None:
    """Rows of images [N, 3, H, W] in [0, 1], one below the other."""
    from PIL import Image

    pixels = torch.cat([torch.cat(list(row), dim=-1) for row in rows], dim=1).clamp(0, 1).cpu()
    Image.fromarray((pixels * 255).round().byte().permute(1, 2, 0).numpy()).save(path)


class Views:
    """A world's pictures, drawn when they are taken."""

    def __init__(self, world: World[Any]):
        self.world = world

    def take(self, count: int) -> Tensor:
        """[count, 3, size, size]."""
        return self.world.pictures(self.world.scenes(count))


class KeptViews:
    """Pictures that are drawn once, `count` of each world, and taken again and again.

    On a GPU many views are drawn in hardly more time than a few.
    """

    def __init__(self, worlds: Sequence[World[Any]], count: int):
        self.pictures = torch.cat([as_bytes(world.pictures(world.scenes(count))) for world in worlds])

    def take(self, count: int) -> Tensor:
        """[count, 3, size, size]."""
        return self.pictures[torch.randint(0, len(self.pictures), (count,))].float() / 255


def as_bytes(pictures: Tensor) -> Tensor:
    return (pictures.clamp(0, 1) * 255).round().byte().contiguous()


def random_crops(views: Tensor, size: int) -> Tensor:
    """One crop of each view [B, 3, H, W], [B, 3, size, size]."""
    places = torch.randint(0, views.shape[-1] - size + 1, (len(views), 2)).tolist()
    return torch.stack([v[:, y : y + size, x : x + size] for v, (y, x) in zip(views, places, strict=True)])


def difference(y: Tensor, x: Tensor, scales: int = 3) -> Tensor:
    """L1 of the pixels, and of the differences of neighbours at scales 1, 2, 4, …

    With squares of the pixels, since L1 alone leaves out what is rare, such as stars.
    """
    error = y - x
    total = error.abs().mean() + 30 * error.square().mean()
    for _ in range(scales):
        total = total + error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        error = torch.nn.functional.avg_pool2d(error, 2)
    return total
