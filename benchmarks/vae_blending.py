"""python -m benchmarks.vae_blending ENCODER DECODER PHOTO …: how levels agree through a VAE that others trained.

A photograph's middle part is the deeper of two levels. Their latents are what a model estimates, but that the deeper
level's estimate is another one than the wider level's: moved by some pixels and brighter. They agree by the pack's
own code, once or several times over, as pictures or as latents, and are decoded. What should be there is known: the
pictures that blending makes of the decoded estimates.

ENCODER and DECODER are a small VAE's two files (TAESD's architecture, here FLUX.2's latents), as ComfyUI has them in
models/vae_approx. Needs COMFYUI_PATH.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kornia
import numpy as np
import torch
from kornia.metrics import psnr
from PIL import Image
from torch import Tensor

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.joint_step import JointStep
from zoomstack_core.method.ladder import Front
from zoomstack_core.method.metrics import band_energy, seam_ratio
from zoomstack_core.method.resample import links_into

from .demo_model.agree import agreement, moment
from .demo_model.network import pack
from .pictures import read_picture

SIZE = 256
MOVED, BRIGHTER = 4.0, 1.1  # pixels to the right; how the deeper level's estimate differs
REPEATS = (1, 4)
WAYS = "pixels", "latent"
BOTH = Front((), (0, 1), ())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vae_blending", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("encoder", type=Path)
    parser.add_argument("decoder", type=Path)
    parser.add_argument("photos", type=Path, nargs="+", help=f"at least {2 * SIZE} pixels wide and high")
    parser.add_argument("--sigma", type=float, nargs="+", default=[0.05, 1.0], help="noise of the estimates' states")
    parser.add_argument("--out", type=Path, help="folder for the decoded levels, as pictures beside each other")
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    space = load(args.encoder, args.decoder)
    pictures = ZoomGeometry(2, SIZE, SIZE, 2.0)
    latent_size = space.encode_picture(torch.zeros(1, SIZE, SIZE, 3)).shape[-1]
    latents = pictures.resized(latent_size, latent_size)
    print(
        "| sigma | agree as | times | PSNR, dB: wider level's middle | deeper level | high band over target's | seam |"
    )
    print("|---" * 7 + "|")
    for sigma in args.sigma:
        for way in WAYS:
            for times in REPEATS:
                found = []
                for path in args.photos:
                    made, target = agree(space, photo_levels(path), way, times, sigma, pictures, latents)
                    found.append(judge(made, target, pictures))
                    if args.out:
                        save(args.out / f"{path.stem} {sigma:g} {way} {times}.png", [*target, *made])
                middle, deeper, high, seam = torch.tensor(found).mean(0).tolist()
                cells = f"{middle:.1f} | {deeper:.1f} | {high:.2f} | {np.exp(seam):.2f}"
                print(f"| {sigma:g} | {way} | {times} | {cells} |", flush=True)


def load(encoder: Path, decoder: Path) -> Any:
    """The `VaeSpace` of the two files, by the host's own classes."""
    pack("sampling.moment")  # the host's modules can be imported from here on
    import comfy.latent_formats
    import comfy.sd
    import comfy.utils

    files = {"taesd_encoder": encoder, "taesd_decoder": decoder}
    weights = {
        f"{part}.{name}": tensor
        for part, path in files.items()
        for name, tensor in comfy.utils.load_torch_file(str(path)).items()
    }
    own_format = comfy.latent_formats.Flux2()
    model = SimpleNamespace(
        latent_format=own_format, process_latent_in=own_format.process_in, process_latent_out=own_format.process_out
    )
    vae = comfy.sd.VAE(sd=weights, metadata={"tae_latent_channels": own_format.latent_channels})  # as its loader does
    return pack("sampling.agreement.vae_round_trip").VaeSpace(vae, model, "benchmark")


def photo_levels(path: Path) -> Tensor:
    """A photograph's middle and the middle of that, both SIZE² [2, 3, SIZE, SIZE] in [0, 1]."""
    pixels = read_picture(path)[None]
    side = min(pixels.shape[-2:])
    if side < 2 * SIZE:
        raise ValueError(f"{path}: is {side} pixels wide or high; expected at least {2 * SIZE}")
    whole = kornia.geometry.center_crop(pixels, (side, side))
    fine = torch.nn.functional.interpolate(whole, (2 * SIZE, 2 * SIZE), mode="area")
    return torch.cat([torch.nn.functional.avg_pool2d(fine, 2), kornia.geometry.center_crop(fine, (SIZE, SIZE))])


def agree(
    space: Any, levels: Tensor, way: str, times: int, sigma: float, pictures: ZoomGeometry, latents: ZoomGeometry
) -> tuple[Tensor, Tensor]:
    """The decoded levels after they agreed, and the pictures that they should be [2, 3, SIZE, SIZE]."""
    shifted = kornia.geometry.translate(levels[1:], torch.tensor([[MOVED, 0.0]]), padding_mode="reflection")
    other = torch.cat([levels[:1], (shifted * BRIGHTER).clamp(0, 1)])
    estimates = torch.cat([space.encode_picture(picture[None].movedim(1, -1)) for picture in other])
    sigmas = torch.full((2,), sigma)
    joint = JointStep(pictures, grain=pictures.width / latents.width)
    decoded = space.decode(estimates)
    target = joint.update(decoded, BOTH.active, [0.5, 0.5], sigmas=sigmas.tolist(), waiting=BOTH.waiting)
    for left in reversed(range(times)):
        estimates = agreement(way, "border", space, latents, pictures)(estimates, BOTH, moment(left + 1, sigmas))
    return space.decode(estimates), target


def judge(made: Tensor, target: Tensor, geometry: ZoomGeometry) -> tuple[float, float, float, float]:
    """PSNR of the wider level's middle and of the deeper level, high band over the target's, log of the seam ratio."""
    link = links_into(geometry, 1, 1, made)
    assert link is not None
    middle = psnr(link.window.crop(made[0]), link.window.crop(target[0]), 1.0)
    high = band_energy(made)[1, -1] / band_energy(target)[1, -1]
    return float(middle), float(psnr(made[1], target[1], 1.0)), float(high), float(seam_ratio(made, geometry).log())


def save(path: Path, images: list[Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = torch.cat(images, dim=-1).clamp(0, 1).movedim(0, -1)
    Image.fromarray((beside * 255).round().byte().numpy()).save(path)


if __name__ == "__main__":
    main()
