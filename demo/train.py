"""Train a demo model on the procedural universe. Resumable: run it again with the same --out to go on.

    python demo/train.py --comfyui PATH --out FOLDER                                             64² pixels
    python demo/train.py --comfyui PATH --out FOLDER --vae demo_vae.safetensors --latents CACHE  latents of 256²
    python demo/train.py --comfyui PATH --out FOLDER --vae demo_vae.safetensors                  the same, drawn afresh

v-prediction with a cosine schedule, sigma = tan(t π/2), t uniform in [0, 1]; AdamW, cosine learning rate, averaged
weights. CACHE is what cache_latents.py fills; it may still grow. Writes FOLDER/state.safetensors (to resume),
curve.csv, sheet.png (training images above samples of the same captions) and demo_model.safetensors with the averaged
weights in float16: the file that demo/loader.py reads.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from training import Trainer, half_precision, import_host, make_world, parser, write_picture, write_tensors

FIRST_MARK = 49406  # of CLIP's tokens: begin and end of a text; words come before
WARM_IMAGES = 9600


def main() -> None:
    options = parse_options(__doc__)
    import_host(options)
    ModelTrainer(options).run()


def parse_options(
    description: str | None, more: Callable[[argparse.ArgumentParser], None] | None = None
) -> argparse.Namespace:
    """Those of this script, and ``more``."""
    made = parser(description, images=400_000, batch=16, lr=5e-4)
    if more is not None:
        more(made)
    made.add_argument("--vae", type=Path, metavar="FILE", help="train on latents of this VAE instead of pixels")
    made.add_argument("--latents", type=Path, metavar="FOLDER", help="cached ones; without it they are made on the way")
    made.add_argument("--size", type=int, help="of the pictures in pixels: 64, or 256 with a VAE")
    made.add_argument("--sheet-steps", type=int, default=30, help="sampling steps of the sheet")
    options = made.parse_args()
    if options.latents and not options.vae:
        made.error("--latents needs the --vae that they were made with")
    options.size = options.size or (256 if options.vae else 64)
    return options


class ModelTrainer(Trainer):
    exported = "demo_model.safetensors"
    world_name = "universe"

    def __init__(self, options: argparse.Namespace):
        import architecture
        from comfy.sd1_clip import SD1Tokenizer
        from pictures import source

        torch.manual_seed(options.seed)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.world = make_world(self.world_name, options.size, options.seed, device)
        self.world.make_fields()
        self.source = source(self.world, options.vae, options.latents)
        self.tokenizer = SD1Tokenizer()
        self.known = self._known_tokens([options.init, options.out / self.exported])
        self.row_of = {token: row for row, token in enumerate(self.known)}
        self.rows: dict[str, tuple[Tensor, Tensor]] = {}
        self.unet = architecture.build_unet(self.source.channels, self.source.patch)
        self.text = architecture.build_text_encoder()
        width = architecture.TEXT_CONFIG["hidden_size"]
        self.text.text_model.embeddings.token_embedding = torch.nn.Embedding(len(self.known) + 1, width)
        model = torch.nn.ModuleDict({"unet": self.unet, "text": self.text})
        initialize(model)
        if options.init is not None:
            self._load_weights(model, options.init)
        self.prepare(model)
        super().__init__(options, model, warm=max(100, WARM_IMAGES // options.batch))

    def prepare(self, model: torch.nn.ModuleDict) -> None:
        """Before training begins, with the weights that it begins with."""

    def reseed(self, seed: int) -> None:
        super().reseed(seed)
        self.world.reseed(seed)

    def step(self) -> Tensor:
        x, captions = self.source.batch(self.options.batch)
        captions = ["" if torch.rand(()) < 0.1 else caption for caption in captions]
        t = torch.rand(len(x), device=self.device)
        alpha, sigma = (f(t * math.pi / 2).view(-1, 1, 1, 1) for f in (torch.cos, torch.sin))
        noise = torch.randn_like(x)
        noisy = alpha * x + sigma * noise
        with half_precision(self.device):
            context = self.encode(captions, drop=0.03)
            v = self.unet(noisy, t, context=context)
        loss = torch.nn.functional.mse_loss(v.float(), alpha * noise - sigma * x)
        return self.descend(loss, len(x))

    def encode(self, captions: list[str], drop: float = 0.0) -> Tensor:
        """Text conditioning [B, 77, C]. Words that the captions never use, and a share of the others, are "unknown"."""
        rows, words = (torch.stack(each) for each in zip(*map(self._rows, captions), strict=True))
        dropped = words & (torch.rand(rows.shape) < drop)
        return self._text_states(torch.where(dropped, len(self.known), rows).to(self.device))

    def _rows(self, caption: str) -> tuple[Tensor, Tensor]:
        """Of the token table, [77], and which of them are words. Kept: captions are few, and images many."""
        if caption not in self.rows:
            ids = [token for token, _ in self.tokenizer.tokenize_with_weights(caption)["l"][0]]
            rows = torch.tensor([self.row_of.get(token, len(self.known)) for token in ids])
            self.rows[caption] = rows, torch.tensor(ids) < FIRST_MARK
        return self.rows[caption]

    def _text_states(self, rows: Tensor) -> Tensor:
        """What the host's CLIPTextModel_ computes; it adds in place, which autograd cannot follow."""
        text = self.text.text_model
        x = text.embeddings.token_embedding(rows) + text.embeddings.position_embedding.weight
        mask = torch.full((x.shape[1], x.shape[1]), -torch.finfo(x.dtype).max, device=x.device).triu_(1)
        attention = comfy_attention(x.device)
        for layer in text.encoder.layers:
            x = x + layer.self_attn(layer.layer_norm1(x), mask, attention)
            x = x + layer.mlp(layer.layer_norm2(x))
        return text.final_layer_norm(x)

    def _known_tokens(self, begun: Sequence[Path | None]) -> list[int]:
        """Those of every caption of this world and of files that training begins with, in increasing order."""
        from safetensors import safe_open

        world, tokens = make_world(self.world_name, 8, seed=1), set()
        for path in begun:
            if path is not None and path.exists():
                with safe_open(path, "pt") as file:
                    tokens |= {*file.get_tensor("known_tokens").tolist()}
        for caption in {world.caption(world.random_scene()) for _ in range(20_000)} | {""}:
            tokens |= {token for token, _ in self.tokenizer.tokenize_with_weights(caption)["l"][0]}
        return sorted(tokens)

    def save(self) -> None:
        self.source.look_again()
        super().save()

    def write_sheet(self, guidance: float = 2.0) -> None:
        """Every stage, one of them twice: a training image, and below it a sample of its caption."""

        def sample(shape: tuple[int, ...], context: Tensor, empty: Tensor) -> Tensor:
            z = torch.randn(shape, device=self.device)
            times = torch.linspace(1, 0, self.options.sheet_steps + 1).tolist()
            for t, t_next in zip(times, times[1:], strict=False):  # DDIM in v-prediction
                when = torch.full((len(z),), t, device=self.device)
                v, v_empty = (self.unet(z, when, context=c).float() for c in (context, empty))
                v = v_empty + guidance * (v - v_empty)
                angle, angle_next = t * math.pi / 2, t_next * math.pi / 2
                x = self.source.clamp(math.cos(angle) * z - math.sin(angle) * v)
                noise = (z - math.cos(angle) * x) / max(math.sin(angle), 1e-3)
                z = math.cos(angle_next) * x + math.sin(angle_next) * noise
            return z

        self._sheet(sample)

    def _sheet(self, sample: Callable[[tuple[int, ...], Tensor, Tensor], Tensor]) -> None:
        world = self.world
        scenes = [world.random_scene(stage) for stage in [*range(world.stages), 6]]
        real, captions = world.pictures(scenes), [world.caption(scene) for scene in scenes]
        with self.averaged(), half_precision(self.device):
            context, empty = self.encode(captions), self.encode([""] * len(captions))
            made = self.source.decode(sample((len(scenes), *self.source.shape), context, empty))
        half = len(scenes) // 2
        write_picture(self.options.out / "sheet.png", [real[:half], made[:half], real[half:], made[half:]])

    def _load_weights(self, model: torch.nn.Module, path: Path) -> None:
        from safetensors.torch import load_file

        weights = {name: tensor.float() for name, tensor in load_file(path).items()}
        rows = {int(token): row for row, token in enumerate(weights.pop("known_tokens"))}
        table = "text.text_model.embeddings.token_embedding.weight"
        # words that are new to the captions begin as "unknown", the last row
        weights[table] = weights[table][[*(rows.get(token, len(rows)) for token in self.known), len(rows)]]
        shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
        fitting = {name: tensor for name, tensor in weights.items() if shapes.get(name) == tensor.shape}
        model.load_state_dict(fitting, strict=False)
        print(f"began with {len(fitting)} of {len(shapes)} weights of {path.name}")

    def export(self) -> None:
        """The averaged weights in float16, the token table with only the known rows plus "unknown"."""
        weights = {name: tensor.to(torch.float16) for name, tensor in self.average.items()}
        weights["known_tokens"] = torch.tensor(self.known, dtype=torch.int32)
        weights |= self.source.exported()
        write_tensors(self.options.out / self.exported, weights, {"images": str(self.images)})


def comfy_attention(device: torch.device) -> Callable[..., Tensor]:
    from comfy.ldm.modules.attention import optimized_attention_for_device

    attention: Callable[..., Tensor] = optimized_attention_for_device(device, mask=True, small_input=True)
    return attention


def initialize(model: torch.nn.ModuleDict) -> None:
    """The host's layers come without values: fan-in normal weights, unit norms, zero biases, zero last layers."""
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2:
            parameter.data.fill_(1.0 if is_norm(model, name) else 0.0)
        elif "embedding" in name:
            parameter.data.normal_(std=0.3 if "token" in name else 0.05)
        else:
            parameter.data.normal_(std=parameter[0].numel() ** -0.5)
    unet: Any = model["unet"]
    for module in unet.modules():
        for last in ("out_layers", "proj_out"):
            child = getattr(module, last, None)
            if child is not None:
                layer: Any = child[-1] if isinstance(child, torch.nn.Sequential) else child
                layer.weight.data.zero_()
    unet.out[-1].weight.data.zero_()


def is_norm(model: torch.nn.Module, parameter: str) -> bool:
    module, _, leaf = parameter.rpartition(".")
    return leaf == "weight" and isinstance(model.get_submodule(module), (torch.nn.GroupNorm, torch.nn.LayerNorm))


if __name__ == "__main__":
    main()
