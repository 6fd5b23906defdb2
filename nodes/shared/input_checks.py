"""What may come into a node: the values of its inputs, checked against its schema before it runs."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping
from typing import Any

import comfy.samplers
import numpy as np
import torch
from comfy_api.latest import Input, io
from torch import Tensor

from ...sampling.agreement.blend_options import BlendOptions
from ...sampling.agreement.photos import Photo
from ...sampling.checks import value_range
from ...zoomstack_core.errors import ArgumentError, shown
from ...zoomstack_core.method.stack import ZoomStack
from ...zoomstack_core.nesting import Nesting
from ...zoomstack_core.sound.sound import Sound

# Colors are meant to lie in 0 … 1. Upscalers and sharpeners overshoot, which is cut off in the end; 8-bit values, and
# pictures from -1 to 1, are something else.
COLORS = (-0.5, 2.0)
# Nodes of other packs send -1 for any seed; PyTorch takes it.
LOWEST_SEED = -(2**63)


def checked_inputs(schema: io.Schema, values: dict[str, Any]) -> dict[str, Any]:
    """The inputs of a node, numbers as Python's own.

    Args:
        values: by the names of the inputs; None for an optional socket counts as not connected.

    Raises:
        ArgumentError: for a value of another type or out of range, and for tensors that are empty or not finite.
    """
    inputs = {entry.id: entry for entry in schema.inputs}
    return {name: _checked(inputs[name], value) if name in inputs else value for name, value in values.items()}


def _checked(entry: io.Input, value: Any) -> Any:
    kind = entry.get_io_type()
    if isinstance(entry, (io.Int.Input, io.Float.Input)):
        return _number(entry, value)
    if isinstance(entry, io.Combo.Input):
        if not isinstance(value, str) or value not in entry.options:
            raise ArgumentError(entry.id, shown(value), f"one of {', '.join(map(str, entry.options))}")
        return value
    is_socket = not isinstance(entry, (io.String.Input, io.Boolean.Input)) or entry.force_input
    if kind not in _CHECKS or (value is None and entry.optional and is_socket):
        return value
    return _CHECKS[kind](entry.id, value)


def _number(entry: io.Int.Input | io.Float.Input, value: Any) -> int | float:
    whole = isinstance(entry, io.Int.Input)
    low, high = entry.min, entry.max
    if whole and entry.control_after_generate:
        low = LOWEST_SEED
    fits = isinstance(value, numbers.Real) and low <= value <= high and (not whole or value % 1 == 0)
    if not fits:
        raise ArgumentError(entry.id, shown(value), f"a {'whole ' if whole else ''}number from {low} to {high}")
    return int(value) if whole else float(value)


def check_order(first: str, start: float, last: str, end: float) -> None:
    """Raises ArgumentError where a range, given by two inputs, ends before it begins."""
    if start > end:
        raise ArgumentError(first, shown(start), f"at most {last}, which is {end}")


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, (numbers.Integral, np.bool_)) or value not in (0, 1):
        raise ArgumentError(name, shown(value), "true or false")
    return bool(value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ArgumentError(name, shown(value), "text")
    return value


def image(name: str, value: Any) -> Tensor:
    """Raises ArgumentError unless ``value`` is an IMAGE [N, H, W, 3 or 4] with colors of about 0 to 1."""
    expected = "images [number, height, width, 3 or 4] with colors from 0 to 1"
    if not isinstance(value, Tensor) or value.ndim != 4:
        raise ArgumentError(name, shown(value), expected)
    if not value.numel():
        raise ArgumentError(name, f"has the shape {list(value.shape)}, which holds nothing", "at least one image")
    if value.shape[-1] not in (3, 4):
        what = f"has {value.shape[-1]} channel{'s' * (value.shape[-1] != 1)} (shape {list(value.shape)})"
        raise ArgumentError(name, what, "3 (color) or 4 (color and alpha); for a gray picture repeat its channel")
    if not value.is_floating_point():
        raise ArgumentError(name, shown(value), "floating-point colors from 0 to 1: divide 8-bit values by 255")
    least, most = value_range(name, value, "pictures")
    if least < COLORS[0] or most > COLORS[1]:
        raise ArgumentError(name, f"has values from {least:g} to {most:g}", "colors from 0 to 1: scale or clamp them")
    return value


def latent(name: str, value: Any) -> dict[str, Any]:
    """Raises ArgumentError unless ``value`` is a LATENT whose tensors are finite."""
    if not isinstance(value, dict) or "samples" not in value:
        raise ArgumentError(name, shown(value), "a latent, from a latent node or VAE Encode")
    samples = value["samples"]
    if getattr(samples, "is_nested", False):  # of sound and pictures; what samples zoom levels says so
        return value
    if not isinstance(samples, Tensor):
        raise ArgumentError(name, f"holds samples that are no tensor: {type(samples).__name__}", "a latent")
    if samples.ndim < 3 or not samples.numel() or not samples.is_floating_point():
        raise ArgumentError(name, shown(samples), "floating-point latents [levels, channels, height, width], not empty")
    value_range(name, samples, "levels")
    mask = value.get("noise_mask")
    if mask is not None:
        if not isinstance(mask, Tensor) or not mask.numel() or mask.ndim < 2:
            raise ArgumentError(name, f"has a noise_mask that {shown(mask)}", "masks [levels, height, width]")
        least, most = value_range(name, mask.float(), "masks of its noise_mask")
        if least < COLORS[0] or most > COLORS[1]:
            found = f"has a noise_mask with values from {least:g} to {most:g}"
            raise ArgumentError(name, found, "0, to keep, to 1, to sample: divide 8-bit values by 255")
    return value


def sound_of(name: str, value: Any) -> Sound:
    """The first sound of an AUDIO [number, channels, time]; raises ArgumentError for what is none."""
    # nodes of other packs give mappings that are no dict, and read their file when they are asked for it
    if not isinstance(value, Mapping) or "waveform" not in value or "sample_rate" not in value:
        raise ArgumentError(name, shown(value), "a sound, as Load Audio gives it")
    waveform, rate = value["waveform"], value["sample_rate"]
    if not isinstance(waveform, Tensor) or waveform.ndim != 3 or not waveform.numel():
        raise ArgumentError(name, f"has a waveform that {shown(waveform)}", "[number, channels, samples], not empty")
    try:
        return Sound(waveform[0], int(rate) if isinstance(rate, numbers.Integral) else rate)
    except ArgumentError as error:
        argument = {"samples": "waveform", "rate": "sample_rate"}.get(error.argument, error.argument)
        raise ArgumentError(name, f"has a {argument} that {error.finding}", error.expected) from error


def _sound(name: str, value: Any) -> Any:
    sound_of(name, value)
    return value


def _conditioning(name: str, value: Any) -> Any:
    if not isinstance(value, list) or not all(
        isinstance(entry, (list, tuple)) and len(entry) == 2 and isinstance(entry[1], dict) for entry in value
    ):
        raise ArgumentError(name, shown(value), "conditioning, as from Zoom Prompt Schedule")
    if not value and name == "positive":  # without guidance nothing needs to be avoided
        raise ArgumentError(name, "is empty", "at least one prompt, as from Zoom Prompt Schedule")
    texts = [embedding for embedding, _ in value if isinstance(embedding, Tensor) and embedding.numel()]
    limits = [limit.float() for text in texts if text.is_floating_point() for limit in torch.aminmax(text.detach())]
    if limits and not torch.isfinite(torch.stack([limit.to(limits[0].device) for limit in limits])).all():
        what = (
            "finite numbers. The text encoder made them: start ComfyUI with --fp32-text-enc, or load another file of it"
        )
        raise ArgumentError(name, "holds NaN or infinity in the embedding of a prompt", what)
    return value


def _stack(name: str, value: Any) -> Any:
    if not isinstance(value, ZoomStack):
        raise ArgumentError(name, shown(value), "the stack that Zoom Stack gives")
    return value


def _anchors(name: str, value: Any) -> Any:
    if not isinstance(value, tuple) or not all(isinstance(photo, Photo) for photo in value):
        raise ArgumentError(name, shown(value), "the anchors that Zoom Photo Anchor gives")
    return value


def _of_class(kind: Any, expected: str) -> Callable[[str, Any], Any]:
    def check(name: str, value: Any) -> Any:
        if not isinstance(value, kind):
            raise ArgumentError(name, shown(value), expected)
        return value

    return check


def _with(attributes: tuple[str, ...], expected: str) -> Callable[[str, Any], Any]:
    """For the host's objects, which other packs make in classes of their own."""

    def check(name: str, value: Any) -> Any:
        if value is None or not all(hasattr(value, attribute) for attribute in attributes):
            raise ArgumentError(name, shown(value), expected)
        return value

    return check


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "AUDIO": _sound,
    "BOOLEAN": _boolean,
    "STRING": _text,
    "IMAGE": image,
    "LATENT": latent,
    "CONDITIONING": _conditioning,
    "MODEL": _with(("clone", "get_model_object", "model_options"), "a model, as a checkpoint loader gives it"),
    "CLIP": _with(
        ("tokenize", "encode_from_tokens_scheduled"),
        "a text encoder. If a checkpoint loader gave it, the checkpoint has no text encoder: use a CLIP loader",
    ),
    "VAE": _with(("encode", "decode"), "a VAE. If a checkpoint loader gave it, the checkpoint has none: use Load VAE"),
    "GUIDER": _of_class(comfy.samplers.CFGGuider, "a guider, such as CFG Guider gives"),
    "NOISE": _with(("seed", "generate_noise"), "noise, as Zoom Shared Noise or Random Noise gives"),
    "VIDEO": _of_class(Input.Video, "a video, as Zoom Video gives"),
    "ZOOM_ANCHORS": _anchors,
    "ZOOM_BLEND": _of_class(BlendOptions, "what Zoom Multi-Res Blend gives"),
    "ZOOM_GEOMETRY": _of_class(Nesting, "the geometry that Zoom Geometry gives"),
    "ZOOM_STACK": _stack,
}
