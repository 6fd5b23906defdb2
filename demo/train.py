"""Train the demo model on the procedural universe. Resumable: run it again with the same --out to go on.

    python demo/train.py --comfyui PATH --out FOLDER --images 400000

v-prediction with a cosine schedule, sigma = tan(t π/2), t uniform in [0, 1]; AdamW, cosine learning rate, averaged
weights. Writes FOLDER/state.safetensors (to resume), curve.csv, sheet.png (training images above samples of the same
captions) and demo_model.safetensors with the averaged weights in float16: the file that demo/ ships.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

HERE = Path(__file__).resolve().parent


def main() -> None:
    options = parse_options()
    sys.argv = sys.argv[:1] + ([] if torch.cuda.is_available() else ["--cpu"])
    sys.path[:0] = [str(options.comfyui), str(HERE)]
    import comfy.options

    comfy.options.enable_args_parsing()
    Trainer(options).run()


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("COMFYUI_PATH")
    parser.add_argument("--comfyui", type=Path, default=default, required=default is None, help="the ComfyUI folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--init", type=Path, metavar="FILE", help="begin with the weights of a demo_model.safetensors")
    parser.add_argument("--images", type=int, default=400_000, help="training images in all; the schedule ends there")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=5e-4)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--save-every", type=float, default=240.0, metavar="SECONDS")
    parser.add_argument("--sheet-every", type=float, default=1800.0, metavar="SECONDS")
    parser.add_argument("--sheet-steps", type=int, default=30, help="sampling steps of the sheet")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


class Trainer:
    """Networks, optimizer and data of one run; `run` trains until the image count is reached."""

    def __init__(self, options: argparse.Namespace):
        import architecture
        from comfy.sd1_clip import SD1Tokenizer
        from universe import Universe

        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.options = options
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tokenizer = SD1Tokenizer()
        self.universe = Universe(architecture.IMAGE_SIZE, options.seed)
        self.known = self._known_tokens()
        self.unet, self.text = architecture.build_unet(), architecture.build_text_encoder()
        width = architecture.TEXT_CONFIG["hidden_size"]
        self.text.text_model.embeddings.token_embedding = torch.nn.Embedding(len(self.known) + 1, width)
        self.model = torch.nn.ModuleDict({"unet": self.unet, "text": self.text})
        initialize(self.model)
        if options.init is not None:
            self._load_weights(options.init)
        # contiguous on CPU: its group norm takes a third of the step in channels_last
        self.format = torch.channels_last if self.device.type == "cuda" else torch.contiguous_format
        self.model.to(self.device, memory_format=self.format)  # type: ignore[call-overload]  # not in PyTorch's types
        self.average = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=options.lr, weight_decay=0.01, fused=True)
        self.images = 0
        self.seconds = 0.0
        options.out.mkdir(parents=True, exist_ok=True)
        self._resume()

    def run(self) -> None:
        started, losses, step = time.monotonic() - self.seconds, [], 0
        saved = drawn = time.monotonic()
        while self.images < self.options.images:
            losses.append(self.step())
            step += 1
            self.seconds = time.monotonic() - started
            if step % 50 == 0:
                loss = sum(losses) / len(losses)
                losses.clear()
                print(f"{self.images} images, loss {loss:.4f}, {self.images / self.seconds:.1f} images/s", flush=True)
                with (self.options.out / "curve.csv").open("a", newline="") as file:
                    csv.writer(file).writerow([self.images, f"{loss:.5f}", f"{self.seconds:.0f}"])
            if time.monotonic() - saved > self.options.save_every:
                self.save()
                saved = time.monotonic()
            if time.monotonic() - drawn > self.options.sheet_every:
                self.write_sheet()
                drawn = time.monotonic()
        self.save()
        self.write_sheet()
        print(f"done: {self.images} images in {self.seconds / 60:.0f} min")

    def step(self) -> float:
        progress = self.images / self.options.images
        warm = min(1.0, self.images / 10_000 + 0.02)
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.lr * warm * (0.5 + 0.5 * math.cos(math.pi * min(progress, 1.0)) + 0.01)
        images, captions = self.universe.batch(self.options.batch)
        captions = ["" if torch.rand(()) < 0.1 else caption for caption in captions]
        x = (images * 2 - 1).to(self.device)
        t = torch.rand(len(x), device=self.device)
        alpha, sigma = (f(t * math.pi / 2).view(-1, 1, 1, 1) for f in (torch.cos, torch.sin))
        noise = torch.randn_like(x)
        noisy = (alpha * x + sigma * noise).contiguous(memory_format=self.format)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            context = self.encode(captions, drop=0.03)
            v = self.unet(noisy, t, context=context)
        loss = torch.nn.functional.mse_loss(v.float(), alpha * noise - sigma * x)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.images += len(x)
        self._update_average()
        return loss.item()

    def encode(self, captions: list[str], drop: float = 0.0) -> Tensor:
        """Text conditioning [B, 77, C]. Words that the captions never use, and a share of the others, are "unknown"."""
        ids = torch.tensor([[token for token, _ in self.tokenizer.tokenize_with_weights(c)["l"][0]] for c in captions])
        index = torch.full((int(ids.max()) + 1,), len(self.known))
        for row, token in enumerate(self.known):
            if token < len(index):
                index[token] = row
        rows = index[ids]
        words = (ids < 49406) & (torch.rand(ids.shape) < drop)
        rows = torch.where(words, len(self.known), rows).to(self.device)
        return self._text_states(rows)

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

    def _known_tokens(self) -> list[int]:
        """Every token of every caption, in increasing order."""
        from universe import Universe

        source, tokens = Universe(8, seed=1), set()
        for caption in {source.caption(source.random_scene()) for _ in range(20_000)} | {""}:
            tokens |= {token for token, _ in self.tokenizer.tokenize_with_weights(caption)["l"][0]}
        return sorted(tokens)

    @torch.no_grad()
    def _update_average(self) -> None:
        steps = self.images / self.options.batch
        decay = min(0.9993, (1 + steps) / (10 + steps))
        for name, tensor in self.model.state_dict().items():
            self.average[name].lerp_(tensor, 1 - decay)

    # --- files

    def save(self) -> None:
        from safetensors.torch import save_file

        self._export()
        state = {f"model.{k}": v.contiguous() for k, v in self.model.state_dict().items()}
        state |= {f"average.{k}": v.contiguous() for k, v in self.average.items()}
        for i, (_, slots) in enumerate(sorted(self.optimizer.state_dict()["state"].items())):
            state |= {f"optimizer.{i}.{k}": v.contiguous() for k, v in slots.items()}
        partial = self.options.out / "state.partial"
        save_file(state, partial, {"progress": json.dumps({"images": self.images, "seconds": self.seconds})})
        partial.replace(self.options.out / "state.safetensors")

    @torch.no_grad()
    def write_sheet(self, guidance: float = 2.0) -> None:
        """Every stage twice: a training image, and below it a sample of its caption by the averaged weights."""
        from PIL import Image
        from universe import STAGES

        scenes = [self.universe.random_scene(stage) for stage in range(STAGES) for _ in range(2)]
        real = torch.cat([self.universe.draw([scene]) for scene in scenes])
        captions = [self.universe.caption(scene) for scene in scenes]
        current = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        context, empty = self.encode(captions), self.encode([""] * len(captions))
        z = torch.randn(real.shape, device=self.device)
        times = torch.linspace(1, 0, self.options.sheet_steps + 1).tolist()
        for t, t_next in zip(times, times[1:], strict=False):  # DDIM in v-prediction
            when = torch.full((len(z),), t, device=self.device)
            v, v_empty = (self.unet(z, when, context=c) for c in (context, empty))
            v = v_empty + guidance * (v - v_empty)
            angle, angle_next = t * math.pi / 2, t_next * math.pi / 2
            x = (math.cos(angle) * z - math.sin(angle) * v).clamp(-1, 1)
            noise = (z - math.cos(angle) * x) / max(math.sin(angle), 1e-3)
            z = math.cos(angle_next) * x + math.sin(angle_next) * noise
        self.model.load_state_dict(current)
        made = (z.cpu() / 2 + 0.5).clamp(0, 1)
        rows = [torch.cat(list(images[i::2]), dim=-1) for i in (0, 1) for images in (real, made)]
        pixels = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0)
        Image.fromarray(pixels.numpy()).save(self.options.out / "sheet.png")

    def _resume(self) -> None:
        from safetensors import safe_open

        path = self.options.out / "state.safetensors"
        if not path.exists():
            return
        with safe_open(path, "pt", device=str(self.device)) as file:
            progress = json.loads(file.metadata()["progress"])
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        self.model.load_state_dict({k[6:]: v for k, v in state.items() if k.startswith("model.")})
        self.average = {k[8:]: v for k, v in state.items() if k.startswith("average.")}
        slots: dict[int, dict[str, Tensor]] = {}
        for key, tensor in state.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                slots.setdefault(int(index), {})[name] = tensor
        self.optimizer.load_state_dict({"state": slots, "param_groups": self.optimizer.state_dict()["param_groups"]})
        self.images, self.seconds = progress["images"], progress["seconds"]
        # the data stream goes on from a seed of its own instead of repeating the first images
        torch.manual_seed(self.options.seed + self.images)
        self.universe.generator.manual_seed(self.options.seed + self.images)
        print(f"resumed at {self.images} images")

    def _load_weights(self, path: Path) -> None:
        from safetensors.torch import load_file

        weights = {name: tensor.float() for name, tensor in load_file(path).items()}
        rows = {int(token): row for row, token in enumerate(weights.pop("known_tokens"))}
        table = "text.text_model.embeddings.token_embedding.weight"
        # words that are new to the captions begin as "unknown", the last row
        weights[table] = weights[table][[*(rows.get(token, len(rows)) for token in self.known), len(rows)]]
        self.model.load_state_dict(weights)

    def _export(self) -> None:
        """The shipped file: averaged weights in float16, the token table with only the known rows plus "unknown"."""
        from safetensors.torch import save_file

        weights = {name: tensor.to(torch.float16).contiguous().cpu() for name, tensor in self.average.items()}
        weights["known_tokens"] = torch.tensor(self.known, dtype=torch.int32)
        partial = self.options.out / "demo_model.partial"
        save_file(weights, partial, {"images": str(self.images)})
        partial.replace(self.options.out / "demo_model.safetensors")


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
