"""Train a small ×4 upscaler on the procedural worlds. Resumable: run it again with the same --out to go on.

    python demo/train_upscaler.py --comfyui PATH --vae FILE --out FOLDER

Real-ESRGAN's compact network (SRVGG), which the host's Load Upscale Model reads. It sees what the demo model gives:
averages of a view that went through the VAE, with noise for it to make detail of; and it shall show the view itself,
whose finest octaves are those of the next stages (`native` of `World`). In a zoom the middle of its picture is such a
view, so detail that is missing around it would stand out as a soft frame. The loss is L1 of the averages, which can be
known; L1 of the pixels, weaker; the energy of each octave, place by place; and a small discriminator's. An image is a
crop of 32² pixels that are seen.

Writes FOLDER/views_WORLD.safetensors (drawn once for one VAE), state.safetensors (to resume), curve.csv, measures.csv,
sheet.png (upscaled, above true views) and demo_upscaler.safetensors with the averaged weights in float16.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from critic import Critic, adversarial
from octaves import energy_difference, octaves
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate
from training import (
    WORLDS,
    Trainer,
    as_bytes,
    difference,
    half_precision,
    import_host,
    make_world,
    parser,
    write_picture,
    write_tensors,
)

if TYPE_CHECKING:
    from demo.world import World

FACTOR = 4
CROP = 32  # of what the network sees
LATENT_NOISE = 0.15  # largest deviation of what is added to latents: a diffusion network's are not clean
NOISE = 0.02  # of what is seen, as Add Noise to Image adds it
PARTS = ("seen", "views", "test_seen", "test_views")


def main() -> None:
    made = parser(__doc__, images=200_000, batch=16, lr=5e-4)
    made.add_argument("--vae", type=Path, required=True, help="demo_vae.safetensors")
    made.add_argument("--size", type=int, default=256, help="of what is upscaled, in pixels")
    made.add_argument("--views", type=int, default=600, help="of each world, drawn before the first step and kept")
    made.add_argument("--worlds", nargs="+", choices=WORLDS, default=WORLDS)
    made.add_argument("--width", type=int, default=48, help="channels of the network")
    made.add_argument("--layers", type=int, default=12, help="between the first and the last")
    made.add_argument("--adversarial", type=float, default=0.2, help="weight of the discriminator's term")
    made.add_argument("--energy", type=float, default=0.05, help="weight of the octaves' energy")
    options = made.parse_args()
    import_host(options)
    UpscalerTrainer(options).run()


class UpscalerTrainer(Trainer):
    def __init__(self, options: argparse.Namespace):
        from spandrel.architectures.Compact import Compact

        torch.manual_seed(options.seed)
        network = Compact(num_feat=options.width, num_conv=options.layers, upscale=FACTOR)
        network.body[-1].weight.data.mul_(0.1)
        if options.init is not None:
            begin_with(network, options.init)
        model = torch.nn.ModuleDict({"network": network, "critic": Critic(finest=16)})
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in PyTorch's types
        super().__init__(options, model, ema=0.998, warm=50)
        self.network, self.critic = model["network"], model["critic"]
        kept = [self._views(name) for name in options.worlds]
        self.seen, self.views, self.test_seen, self.test_views = (torch.cat(each) for each in zip(*kept, strict=True))

    def _views(self, name: str) -> list[Tensor]:
        """What is seen and true, of training and of every stage for tests; kept, or drawn now."""
        from safetensors.torch import load_file

        options, path = self.options, self.options.out / f"views_{name}.safetensors"
        vae = hashlib.sha256(options.vae.read_bytes()).hexdigest()
        made_of = {"vae": vae, "size": str(options.size), "views": str(options.views), "seed": str(options.seed)}
        if _metadata(path) != made_of:
            world = make_world(name, FACTOR * options.size, options.seed, self.device, native=options.size)
            tests = [world.random_scene(stage) for stage in range(world.stages)]
            drawn = [*seen_and_true(world, world.scenes(options.views), options.vae)]
            drawn += seen_and_true(world, tests, options.vae)
            write_tensors(path, {part: tensor.cpu() for part, tensor in zip(PARTS, drawn, strict=True)}, made_of)
        kept = load_file(path, str(self.device))
        return [kept[part] for part in PARTS]

    def step(self) -> Tensor:
        picks = torch.randint(0, len(self.views), (self.options.batch,)).tolist()
        places = torch.randint(0, self.options.size - CROP + 1, (len(picks), 2)).tolist()
        seen, sharp = self._crops(self.seen, picks, places, 1), self._crops(self.views, picks, places, FACTOR)
        with half_precision(self.device):
            made = self.network(with_noise(seen))
            of_critic, of_network = adversarial(self.critic, sharp, made)
        made = made.float()
        known = difference(avg_pool2d(made, FACTOR), avg_pool2d(sharp, FACTOR))
        loss = known + 0.3 * difference(made, sharp) + self.options.energy * energy_difference(made, sharp)
        loss = loss + self.options.adversarial * of_network.float()
        return self.descend(loss + of_critic.float(), len(seen))

    @staticmethod
    def _crops(pictures: Tensor, picks: list[int], places: list[list[int]], scale: int) -> Tensor:
        crops = [
            pictures[pick, :, scale * y : scale * (y + CROP), scale * x : scale * (x + CROP)]
            for pick, (y, x) in zip(picks, places, strict=True)
        ]
        return (torch.stack(crops).float() / 255).contiguous(memory_format=torch.channels_last)

    def measure(self) -> dict[str, float]:
        """PSNR of the averages, and energy of octaves over the truth's, of the network and of bicubic enlargement."""
        true, seen = self.test_views.float() / 255, self.test_seen.float() / 255
        made = {"network": self._upscale(), "bicubic": interpolate(seen, scale_factor=FACTOR, mode="bicubic")}
        numbers: dict[str, float] = {}
        for name, pictures in made.items():
            error = avg_pool2d(pictures, FACTOR) - avg_pool2d(true, FACTOR)
            numbers[f"{name} psnr"] = (-10 * error.square().mean((1, 2, 3)).log10()).mean().item()
            for n, (ours, wanted) in enumerate(zip(octaves(pictures), octaves(true), strict=True)):
                ratio = ours.mean((1, 2, 3)).log() - wanted.mean((1, 2, 3)).log()
                numbers[f"{name} octave {n}"] = ratio.mean().exp().item()
        return numbers

    def _upscale(self) -> Tensor:
        with self.averaged(), half_precision(self.device):
            pictures = [self.network(with_noise(seen[None] / 255)).float().clamp(0, 1) for seen in self.test_seen]
        return torch.cat(pictures)

    def write_sheet(self) -> None:
        middle = slice(FACTOR * self.options.size // 4, FACTOR * self.options.size // 4 + 256)
        made = self._upscale()[..., middle, middle]
        write_picture(self.options.out / "sheet.png", [made, self.test_views[..., middle, middle] / 255])

    def export(self) -> None:
        kept = {name[8:]: tensor for name, tensor in self.average.items() if name.startswith("network.")}
        weights = {name: tensor.to(torch.float16) for name, tensor in kept.items()}
        write_tensors(self.options.out / "demo_upscaler.safetensors", weights, {"images": str(self.images)})


def _metadata(path: Path) -> dict[str, str] | None:
    from safetensors import safe_open

    if not path.exists():
        return None
    with safe_open(path, "pt") as file:
        metadata: dict[str, str] | None = file.metadata()
    return metadata


@torch.no_grad()
def seen_and_true(world: World[Any], scenes: list[Any], vae_file: Path) -> tuple[Tensor, Tensor]:
    """Averages through the VAE [N, 3, size, size], and views [N, 3, FACTOR · size, FACTOR · size], both of bytes."""
    from pictures import load_vae

    vae = load_vae(vae_file, world.device)
    seen, views = [], []
    for start in range(0, len(scenes), 16):
        true = world.pictures(scenes[start : start + 16])
        averages = avg_pool2d(true, FACTOR).contiguous(memory_format=torch.channels_last)
        with half_precision(world.device):
            latents = vae.taesd_encoder(averages)
            noise = LATENT_NOISE * torch.rand(len(latents), 1, 1, 1, device=latents.device)
            made = vae.taesd_decoder(latents + noise * torch.randn_like(latents))
        seen.append(as_bytes(made.float()))
        views.append(as_bytes(true))
    return torch.cat(seen), torch.cat(views)


def with_noise(pictures: Tensor) -> Tensor:
    return (pictures + NOISE * torch.randn_like(pictures)).clamp(0, 1)


def begin_with(network: torch.nn.Module, path: Path) -> None:
    """The weights of a network of the same width and depth; of another factor, with its subpixels repeated."""
    from safetensors.torch import load_file

    weights = {name: tensor.float() for name, tensor in load_file(path).items()}
    for name, mine in network.state_dict().items():
        if weights[name].shape != mine.shape:
            theirs = int((len(weights[name]) // 3) ** 0.5)
            grid = weights[name].unflatten(0, (3, theirs, theirs))
            for axis in (1, 2):
                grid = grid.repeat_interleave(FACTOR // theirs, axis)
            weights[name] = grid.flatten(0, 2)
    network.load_state_dict(weights)


if __name__ == "__main__":
    main()
