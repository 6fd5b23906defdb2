"""Encode pictures of a procedural world once, for demo/train.py and train_lora.py. Run it again to add more.

    python demo/cache_latents.py --comfyui PATH --out FOLDER --vae demo_vae.safetensors --images 8000

Writes FOLDER/latents_00000.safetensors and so on: `latents` [each, C, size / 8, size / 8] in float16 and, in the
metadata, the scenes as JSON. Pictures are never mirrored or turned: the worlds have a light direction and a middle.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import astuple
from pathlib import Path
from typing import Any

import torch
from training import WORLDS, basic_parser, import_host, make_world, write_tensors


def main() -> None:
    made = basic_parser(__doc__, images=8_000, batch=8)
    made.add_argument("--vae", type=Path, required=True, metavar="FILE")
    made.add_argument("--size", type=int, default=256, help="of the pictures in pixels")
    made.add_argument("--world", choices=WORLDS, default="universe")
    made.add_argument("--each", type=int, default=512, help="pictures of one file")
    options = made.parse_args()
    import_host(options)
    fill(options)


def fill(options: argparse.Namespace) -> None:
    from pictures import Latents

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    world = make_world(options.world, options.size, options.seed, device)
    world.make_fields()
    source = Latents(world, options.vae)
    options.out.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    for number in range((options.images + options.each - 1) // options.each):
        path = options.out / f"latents_{number:05}.safetensors"
        if path.exists():
            continue
        if time.monotonic() - begun > 60 * options.minutes:
            break
        world.reseed(options.seed + 1 + number)
        scenes: list[Any] = []
        latents: list[torch.Tensor] = []
        while len(scenes) < options.each:
            drawn = world.scenes(min(options.batch, options.each - len(scenes)))
            latents.append(source.encode(world.pictures(drawn)).half().cpu())
            scenes += drawn
        words = json.dumps([astuple(scene) for scene in scenes])
        write_tensors(path, {"latents": torch.cat(latents)}, {"scenes": words})
        print(f"{path.name}: {options.each * (number + 1)} pictures", flush=True)


if __name__ == "__main__":
    main()
