"""Train a small ×2 upscaler on the procedural universe. Resumable: run it again with the same --out to go on.

    python demo/train_upscaler.py --comfyui PATH --out FOLDER

Real-ESRGAN's compact network (SRVGG), which the host's Load Upscale Model reads. It learns to undo the mean of 2 × 2
pixels, with a little noise on what it sees, since a VAE's pictures are not clean. The loss is that of the VAE, L1 of
pixels and their differences, and a small discriminator's, for stars and grain that the mean has lost. An image is a
view of 2 × --size pixels a side, of which a crop is seen.

Writes FOLDER/state.safetensors (to resume), curve.csv, measures.csv, sheet.png (upscaled, above true views) and
demo_upscaler.safetensors with the averaged weights in float16.
"""

from __future__ import annotations

import argparse

import torch
from critic import Critic, adversarial
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate
from training import Trainer, Views, difference, import_host, parser, random_crops, write_picture, write_tensors

CROP = 64  # of what the network sees
NOISE = 0.02  # largest deviation of what is added to it


def main() -> None:
    made = parser(__doc__, images=100_000, batch=8, lr=5e-4)
    made.add_argument("--size", type=int, default=256, help="of what is upscaled, in pixels")
    made.add_argument("--at-once", type=int, default=0, metavar="VIEWS", help="drawn together, for a GPU")
    made.add_argument("--width", type=int, default=48, help="channels of the network")
    made.add_argument("--layers", type=int, default=12, help="between the first and the last")
    made.add_argument("--adversarial", type=float, default=0.02, help="weight of the discriminator's term")
    options = made.parse_args()
    import_host(options)
    UpscalerTrainer(options).run()


class UpscalerTrainer(Trainer):
    def __init__(self, options: argparse.Namespace):
        from safetensors.torch import load_file
        from spandrel.architectures.Compact import Compact

        from demo.universe import STAGES, Universe

        torch.manual_seed(options.seed)
        network = Compact(num_feat=options.width, num_conv=options.layers, upscale=2)
        network.body[-1].weight.data.mul_(0.1)
        if options.init is not None:
            network.load_state_dict({name: tensor.float() for name, tensor in load_file(options.init).items()})
        model = torch.nn.ModuleDict({"network": network, "critic": Critic()})
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in PyTorch's types
        super().__init__(options, model, ema=0.998, warm=50)
        self.network, self.critic = model["network"], model["critic"]
        self.universe = Universe(2 * options.size, options.seed, self.device)
        self.universe.make_fields()
        self.drawn = Views(self.universe, options.at_once)
        self.views = self.universe.pictures([self.universe.random_scene(stage) for stage in range(STAGES)])

    def reseed(self, seed: int) -> None:
        super().reseed(seed)
        self.universe.reseed(seed)

    def step(self) -> Tensor:
        views = self.drawn.take((self.options.batch + 3) // 4)
        sharp = random_crops(views.repeat(4, 1, 1, 1)[: self.options.batch], min(2 * CROP, 2 * self.options.size))
        sharp = sharp.contiguous(memory_format=torch.channels_last)
        seen = avg_pool2d(sharp, 2)
        seen = seen + NOISE * torch.rand(len(seen), 1, 1, 1, device=seen.device) * torch.randn_like(seen)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            made = self.network(seen)
            of_critic, of_network = adversarial(self.critic, sharp, made)
        loss = difference(made.float(), sharp) + self.options.adversarial * of_network.float()
        return self.descend(loss + of_critic.float(), len(seen))

    def measure(self) -> dict[str, float]:
        """PSNR and energy of the highest octave over the truth's, for the network and for bicubic enlargement."""
        from zoomstack_core import band_energy

        made = {
            "network": self._upscale(),
            "bicubic": interpolate(avg_pool2d(self.views, 2), scale_factor=2, mode="bicubic"),
        }
        true = band_energy(self.views.cpu())
        numbers: dict[str, float] = {}
        for name, pictures in made.items():
            psnr = -10 * (pictures - self.views).square().mean((1, 2, 3)).log10()
            high = (band_energy(pictures.cpu()) / true)[:, -1].log().mean().exp()
            numbers |= {f"{name} psnr": psnr.mean().item(), f"{name} high": high.item()}
        return numbers

    def _upscale(self) -> Tensor:
        with self.averaged(), torch.autocast(self.device.type, dtype=torch.bfloat16):
            return torch.cat([self.network(avg_pool2d(view[None], 2)).float().clamp(0, 1) for view in self.views])

    def write_sheet(self) -> None:
        write_picture(self.options.out / "sheet.png", [self._upscale()[1::2], self.views[1::2]])

    def export(self) -> None:
        kept = {name[8:]: tensor for name, tensor in self.average.items() if name.startswith("network.")}
        weights = {name: tensor.to(torch.float16) for name, tensor in kept.items()}
        write_tensors(self.options.out / "demo_upscaler.safetensors", weights, {"images": str(self.images)})


if __name__ == "__main__":
    main()
