"""Language models that see, in the host's own classes, with few and random weights.

Each is what a CLIP loader gives: the host's tokenizer, vision network, language model and generation. Their widths are
cut down in the tables of the host's modules, where these have a row for every size.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import comfy.sd
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

_SIZE = {"hidden_size": 64, "intermediate_size": 64, "num_attention_heads": 2, "num_key_value_heads": 1}
_VISION = {"hidden_size": 64, "num_heads": 4, "intermediate_size": 64, "depth": 3}


def qwen3vl(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Qwen3-VL, which injects what its vision network sees into the first layers."""
    module = _module("qwen3vl")
    config = partial(module.Qwen3VL_4BConfig, **_SIZE, num_hidden_layers=2)
    monkeypatch.setitem(module.QWEN3VL_CONFIGS, "tiny", config)
    monkeypatch.setitem(module.QWEN3VL_VISION, "tiny", {**_VISION, "deepstack_visual_indexes": [0, 1]})
    monkeypatch.delitem(module.QWEN3VL_VISION_COMMON, "num_heads")
    return _clip(module.te(model_type="tiny"), module.tokenizer(model_type="tiny"))


def qwen35(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Qwen3.5, three of whose four layers have linear attention."""
    module = _module("qwen35")
    linear = {"linear_num_key_heads": 2, "linear_num_value_heads": 2}
    monkeypatch.setitem(module.QWEN35_MODELS, "tiny", {**_SIZE, **linear, "num_hidden_layers": 4, "vision": _VISION})
    return _clip(module.te(model_type="tiny"), module.tokenizer(model_type="tiny"))


def gemma4(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gemma 4. Its tokenizer is a part of its file: this one has a token per byte and those that the host looks for."""
    module = _module("gemma4")
    narrow = {"hidden_size": 64, "intermediate_size": 64, "num_attention_heads": 1, "num_hidden_layers": 2}
    vision = module.GEMMA4_VISION_CONFIG | narrow

    @dataclass
    class Config(module.Gemma4Config):
        hidden_size: int = 64
        intermediate_size: int = 64
        num_hidden_layers: int = 2
        num_attention_heads: int = 2
        num_key_value_heads: int = 1
        hidden_size_per_layer_input: int = 0
        num_kv_shared_layers: int = 0
        sliding_attention = (512, False)
        audio_config = None
        vision_config = vision

    variant = module._make_variant(Config)
    return _clip(module.gemma4_te(model_class=variant), variant.tokenizer, {"tokenizer_json": _bytes_tokenizer()})


FAMILIES: dict[str, Callable[[pytest.MonkeyPatch], Any]] = {"Qwen3-VL": qwen3vl, "Qwen3.5": qwen35, "Gemma 4": gemma4}


def pictures_seen(clip: Any, monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The pictures that the model's vision network is given from now on, in their order."""
    seen: list[torch.Tensor] = []
    network = _network(clip)
    encode = network.preprocess_embed

    def preprocess_embed(embed: dict[str, Any], device: Any) -> Any:
        seen.append(embed["data"].clone())
        return encode(embed, device)

    monkeypatch.setattr(network, "preprocess_embed", preprocess_embed)
    return seen


def recite(clip: Any, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model choose the tokens of ``answer``, whatever its random weights make of what it reads."""
    network = _network(clip)
    tokens = getattr(clip.tokenizer, clip.tokenizer.clip).tokenizer(answer)["input_ids"]
    rest = iter([*tokens, network.model.config.stop_tokens[-1]])

    def sample_token(logits: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        assert torch.isfinite(logits).all()
        return torch.tensor([[next(rest)]])

    monkeypatch.setattr(network, "sample_token", sample_token)


def _network(clip: Any) -> Any:
    model = clip.cond_stage_model
    return getattr(model, model.clip).transformer


def _module(name: str) -> Any:
    return pytest.importorskip(f"comfy.text_encoders.{name}", reason="this ComfyUI is older than the model")


def _clip(model: Any, tokenizer: Any, tokenizer_data: dict[str, Any] | None = None) -> Any:
    target = type("Target", (), {"params": {}, "clip": model, "tokenizer": tokenizer})
    clip = comfy.sd.CLIP(target, tokenizer_data=tokenizer_data or {}, model_options={"dtype": torch.float32})
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in clip.cond_stage_model.named_parameters():
            weight.copy_(torch.ones(()) if "norm" in name else 0.05 * torch.randn(weight.shape, generator=generator))
        for name, weight in clip.cond_stage_model.named_buffers():
            if name.endswith("layer_scalar"):  # of a file as well, though no parameter
                weight.fill_(1.0)
    return clip


def _bytes_tokenizer() -> bytes:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<|image|>": 258880, "<|audio|>": 258881, "<turn|>": 106}
    vocabulary = special | {sign: 1000 + number for number, sign in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(special))
    return json.dumps(json.loads(tokenizer.to_str())).encode()
