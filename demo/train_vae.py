"""Train the demo model's VAE on the procedural universe. Resumable: run it again with the same --out to go on.

    python demo/train_vae.py --comfyui PATH --out FOLDER --channels 16

TAESD's architecture, which the host's VAE loader knows by the names of the weights: 8 times smaller latents. The loss
is L1 of the pixels and of their differences at three scales, and keeps each channel near mean 0 and deviation 1. The
decoder is given noisy latents, as a diffusion network's are. With --adversarial a small discriminator adds what the
mean of all that could be there has lost, such as stars; with --energy the octaves shall be as strong as the truth's,
place by place; with --again what is decoded shall be encoded as it was, since levels that agree as pictures go both
ways at every step. An image is 64² pixels here: seven steps of eight see crops, the eighth whole views. With
--decoder-only, latents that were cached stay valid.

Writes FOLDER/state.safetensors (to resume), curve.csv, measures.csv, sheet.png (views above their reconstructions) and
demo_vae.safetensors with the averaged weights in float16.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from critic import Critic, adversarial
from octaves import energy_difference, octaves
from torch import Tensor
from torch.nn.functional import avg_pool2d
from training import (
    WORLDS,
    KeptViews,
    Trainer,
    Views,
    difference,
    half_precision,
    import_host,
    make_world,
    parser,
    random_crops,
    write_picture,
    write_tensors,
)

CROP = 64
PER_VIEW = 4  # crops of one picture: drawing it costs as much as a step on one of them
SKIES = 2, 3  # stages of the universe that show stars and little else
NOISE = 0.1  # largest deviation of what is added to the latents


def main() -> None:
    options = parse_options()
    import_host(options)
    VAETrainer(options).run()


def parse_options() -> argparse.Namespace:
    made = parser(__doc__, images=200_000, batch=16, lr=1e-3)
    made.add_argument("--channels", type=int, default=16, help="of the latents")
    made.add_argument("--size", type=int, default=256, help="of a whole view in pixels")
    made.add_argument("--adversarial", type=float, default=0.0, help="weight of a small discriminator's term")
    made.add_argument("--decoder-only", action="store_true", help="the encoder stays as it is")
    made.add_argument("--energy", type=float, default=0.0, help="weight of the octaves' energy")
    made.add_argument(
        "--pixels", type=float, default=1.0, help="weight of pixels; below 1, averages of 2 × 2 have the rest"
    )
    made.add_argument("--again", type=float, default=0.0, help="weight of what encoding again changes in the latents")
    made.add_argument("--worlds", nargs="+", choices=WORLDS, default=WORLDS[:1])
    made.add_argument("--kept", type=int, default=0, metavar="VIEWS", help="of each world, drawn first, and no others")
    made.add_argument("--test-views", type=int, default=2, help="of each stage, for measures.csv")
    options = made.parse_args()
    if len(options.worlds) > 1 and not options.kept:
        raise SystemExit("--worlds: several are drawn first; give --kept")
    if options.again and not options.decoder_only:
        raise SystemExit("--again: what encodes must stay as it is; give --decoder-only")
    if options.size % CROP or options.batch % (options.size // CROP) ** 2:
        raise SystemExit(f"--size must be a multiple of {CROP}, and --batch of the crops that a whole view has")
    return options


class VAETrainer(Trainer):
    def __init__(self, options: argparse.Namespace):
        from comfy.taesd.taesd import TAESD
        from safetensors.torch import load_file

        torch.manual_seed(options.seed)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.worlds = [make_world(name, options.size, options.seed, device) for name in options.worlds]
        for world in self.worlds:
            world.make_fields()
        self.drawn = KeptViews(self.worlds, options.kept) if options.kept else Views(self.worlds[0])
        vae = TAESD(latent_channels=options.channels)
        if options.init is None:
            initialize(vae, self.drawn.take(64).cpu())
        else:
            vae.load_state_dict({name: tensor.float() for name, tensor in load_file(options.init).items()})
        vae.critic = Critic()
        vae.vae_scale.requires_grad_(False)
        vae.vae_shift.requires_grad_(False)
        vae.taesd_encoder.requires_grad_(not options.decoder_only)
        vae.to(memory_format=torch.channels_last)
        super().__init__(options, vae, ema=0.995, warm=50)
        self.scenes: list[tuple[int, Any]] = []  # and which of the worlds each is of
        views = []
        for number, world in enumerate(self.worlds):
            scenes = [world.random_scene(stage) for stage in range(world.stages) for _ in range(options.test_views)]
            views.append(world.pictures(scenes))
            self.scenes += [(number, scene) for scene in scenes]
        self.views = torch.cat(views)

    def reseed(self, seed: int) -> None:
        super().reseed(seed)
        self.worlds[0].reseed(seed)

    def step(self) -> Tensor:
        batch, per_view = self.options.batch, (self.options.size // CROP) ** 2
        if self.images // batch % 8 == 7:
            x = self.drawn.take(batch // per_view)
        else:
            x = random_crops(self.drawn.take(batch // PER_VIEW).repeat(PER_VIEW, 1, 1, 1), CROP)
        x = x.contiguous(memory_format=torch.channels_last)
        with half_precision(self.device):
            z = self.model.taesd_encoder(x).float()
            noisy = z + NOISE * torch.rand(len(z), 1, 1, 1, device=z.device) * torch.randn_like(z)
            y = self.model.taesd_decoder(noisy).float()
            of_critic, of_decoder = adversarial(self.model.critic, x, y) if self.options.adversarial else (0, 0)
            again = self._again(y, noisy) if self.options.again else 0
        deviation, mean = torch.std_mean(z, (0, 2, 3))
        spread = (deviation.clamp(min=1e-3).log() ** 2).mean() + (mean**2).mean()
        loss = self._difference(y, x) + 0.3 * spread + self.options.adversarial * of_decoder
        if self.options.energy:
            loss = loss + self.options.energy * energy_difference(y, x)
        return self.descend(loss + self.options.again * again + of_critic, batch)

    def _difference(self, made: Tensor, true: Tensor) -> Tensor:
        """What latents cannot keep, such as the ground's finest grain, is right by its energy, not by its places."""
        pixels = self.options.pixels
        if pixels == 1:
            return difference(made, true)
        averages = difference(avg_pool2d(made, 2), avg_pool2d(true, 2))
        return pixels * difference(made, true) + (1 - pixels) * averages

    def _again(self, pictures: Tensor, latents: Tensor) -> Tensor:
        """How far the encoder puts pictures from the latents that they are of; it does not learn here itself."""
        return (self.model.taesd_encoder(pictures).float() - latents).square().mean()

    # --- what came of it

    def measure(self) -> dict[str, float]:
        """Of views not trained on: see `_measures`; and the mean square of what decoding and encoding changes."""
        made, latents = self._reconstruct()
        numbers: dict[str, float] = {}
        for number, name in enumerate(self.options.worlds):
            of_world = torch.tensor([number == world for world, _ in self.scenes])
            numbers |= _measures(name, made[of_world], self.views[of_world])
        if "universe" in self.options.worlds:
            world = self.options.worlds.index("universe")
            skies = torch.tensor([which == world and scene.stage in SKIES for which, scene in self.scenes])
            numbers |= _measures("skies", made[skies], self.views[skies])
        with self.averaged():
            again = torch.cat([self.model.taesd_encoder(picture[None]) for picture in made])
        return {**numbers, "deviation": latents.std().item(), "again": (again - latents).square().mean().item()}

    def _reconstruct(self) -> tuple[Tensor, Tensor]:
        with self.averaged(), half_precision(self.device):
            latents = [self.model.taesd_encoder(view[None]) for view in self.views]
            made = [self.model.taesd_decoder(latent).float().clamp(0, 1) for latent in latents]
        return torch.cat(made), torch.cat(latents).float()

    def write_sheet(self) -> None:
        made, _ = self._reconstruct()
        step = self.options.test_views
        write_picture(self.options.out / "sheet.png", [self.views[::step], made[::step]])

    def export(self) -> None:
        kept = {name: tensor for name, tensor in self.average.items() if not name.startswith("critic.")}
        weights = {name: tensor.to(torch.float16) for name, tensor in kept.items()}
        write_tensors(self.options.out / "demo_vae.safetensors", weights, {"images": str(self.images)})


def _measures(of: str, made: Tensor, true: Tensor) -> dict[str, float]:
    """PSNR, and band energies and that of the finest octave over the truth's; of the octave all pictures are one."""
    from zoomstack_core import band_energy

    psnr = -10 * (made - true).square().mean((1, 2, 3)).log10()
    low, middle, high = (band_energy(made.cpu()) / band_energy(true.cpu())).log().mean(0).exp().tolist()
    finest = (octaves(made)[0].mean() / octaves(true)[0].mean()).item()
    numbers = {"psnr": psnr.mean().item(), "low": low, "middle": middle, "high": high, "finest octave": finest}
    return {f"{of} {name}": number for name, number in numbers.items()}


def initialize(vae: Any, views: Tensor) -> None:
    """The host's layers come without values. Blocks begin as the identity, the encoder as principal components.

    Random weights would spend all channels on the mean color of 8 × 8 pixels, and details come out of that slowly. So
    some channels carry pixels through the strided layers, and the last of these projects them onto the principal
    components of the views [B, 3, H, W], each in two channels of opposite sign since what follows cuts at zero. The
    decoder begins with the mean colors, enlarged smoothly.
    """
    from comfy.taesd.taesd import Block

    for parameter in (p for p in vae.parameters() if p.ndim > 0):
        if parameter.ndim < 2:
            parameter.data.zero_()
        else:
            parameter.data.normal_(std=(2 / parameter[0].numel()) ** 0.5)
    for module in vae.modules():
        if isinstance(module, Block):
            module.conv[-1].weight.data.zero_()
    encoder, decoder = vae.taesd_encoder, vae.taesd_decoder
    first, *strided = (layer.weight.data for layer in list(encoder)[:-1] if isinstance(layer, torch.nn.Conv2d))
    first[:3] = 0
    first[range(3), range(3), 1, 1] = 1
    components, mean = principal_components(views, encoder[-1].out_channels)
    for weight, colors in zip(strided[:2], (3, 12), strict=True):
        weight[: 4 * colors] = torch.nn.functional.pad(pixels_apart(colors), (1, 0, 1, 0, 0, 64 - colors))
    taps = torch.einsum("kcij,cdyx->kdyx", components.reshape(-1, 48 * 4, 1, 1), pixels_apart(48))
    count = len(components)
    strided[2][: 2 * count] = torch.nn.functional.pad(torch.cat([taps, -taps]), (1, 0, 1, 0, 0, 16))
    encoder[-1].weight.data.zero_()
    for sign, start in ((1, 0), (-1, count)):
        encoder[-1].weight.data[range(count), range(start, start + count), 1, 1] = sign
    encoder[-1].bias.data = -(components @ mean)
    colors = torch.linalg.pinv(components).view(3, 64, count).mean(1)  # of each component
    decoder[1].weight.data[:3] = 0
    decoder[1].weight.data[:3, :, 1, 1] = colors
    decoder[1].bias.data[:3] = mean.view(3, 64).mean(1)
    smooth = torch.tensor([0.25, 0.5, 0.25])  # linear interpolation, of pixels that were doubled
    for layer in decoder:
        if isinstance(layer, torch.nn.Conv2d) and layer.bias is None:
            layer.weight.data.mul_(0.5)
            layer.weight.data[range(64), range(64), 1, 1] += 1
            layer.weight.data[:3] = 0
            layer.weight.data[range(3), range(3)] = smooth[:, None] * smooth
    decoder[-1].weight.data.mul_(0.02)
    decoder[-1].weight.data[range(3), range(3), 1, 1] += 1


def pixels_apart(channels: int) -> Tensor:
    """The weights of a strided layer that puts 2 × 2 pixels into channels: [4 C, C, 2, 2]."""
    return torch.eye(4 * channels).view(4 * channels, channels, 2, 2)


def principal_components(views: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Of 8 × 8 pixels as the strided layers put them: projections to unit deviation [count, 192], the mean [192]."""
    blocks = views
    for _ in range(3):
        blocks = torch.nn.functional.pixel_unshuffle(blocks, 2)
    blocks = blocks.movedim(1, -1).flatten(0, 2).double()
    mean = blocks.mean(0)
    variances, vectors = torch.linalg.eigh((blocks - mean).T.cov())
    projections = vectors[:, -count:] / variances[-count:].clamp(min=1e-8).sqrt()
    return projections.T.float(), mean.float()


if __name__ == "__main__":
    main()
