"""What a value holds, as a short text that is the same in every process: for telling whether it changed.

Numbers, texts, tensors and collections of them count by all that they hold. Networks and patches count by names, shapes
and a sample of their values: what is trained or merged differs everywhere. Objects that are none of these count by
being this very object, so that they are never taken for another one; after a restart they are others.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import types
import uuid
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any

import comfy.controlnet
import comfy.hooks
import comfy.model_patcher
import comfy.sd
import torch
from torch import Tensor

SAMPLED_TENSORS, SAMPLED_VALUES = 64, 16  # of a network: so many of its tensors, and so many values of each

# Of the host's ControlNets: what nodes set, and the networks; not what they remember of a run.
CONTROL = (
    "cond_hint_original",
    "strength",
    "timestep_percent_range",
    "global_average_pooling",
    "extra_args",
    "strength_type",
    "concat_mask",
    "extra_concat_orig",
    "compression_ratio",
    "upscale_algorithm",
    "vae",
    "extra_hooks",
    "control_model",
    "control_weights",
    "t2i_model",
    "previous_controlnet",
)
# Of a MODEL, beside its weights: all that nodes patch.
PATCHES = (
    "patches",
    "object_patches",
    "weight_wrapper_patches",
    "model_options",
    "hook_patches",
    "wrappers",
    "callbacks",
    "injections",
    "attachments",
    "additional_models",
)

_networks: weakref.WeakKeyDictionary[torch.nn.Module, str] = weakref.WeakKeyDictionary()
# By the id of an object: that object, and what is said of it.
_Said = dict[int, tuple[weakref.ref[Any], str]]
_tokens: _Said = {}
_first: _Said = {}


def content(*values: Any) -> str:
    """What ``values`` hold, as a text of 32 characters: equal for equal values."""
    digest = hashlib.blake2b(digest_size=16)
    _Reader(digest.update).read(values)
    return digest.hexdigest()


class _Reader:
    """Feeds what values hold to ``update``.

    Args:
        whole: whether tensors count by all their values, or by a sample of them.
    """

    def __init__(self, update: Callable[[bytes], object], whole: bool = True) -> None:
        self._update, self._whole = update, whole
        self._open: set[int] = set()

    def read(self, value: Any) -> None:
        if value is None or isinstance(value, (bool, int, float, str, bytes, complex, torch.dtype, torch.device)):
            self._say(type(value).__name__, repr(value))
        elif isinstance(value, Tensor):
            self._read_tensor(value)
        elif id(value) in self._open:
            self._say("again")
        else:
            self._open.add(id(value))
            self._read_parts(value)
            self._open.discard(id(value))

    def _read_parts(self, value: Any) -> None:
        if isinstance(value, Mapping):
            names = sorted(value) if all(isinstance(key, str) for key in value) else list(value)
            self._read_all("mapping", ((key, value[key]) for key in names))
        elif isinstance(value, (list, tuple)):
            self._read_all("list", value)
        elif isinstance(value, (set, frozenset)):
            self._read_all("set", sorted(content(part) for part in value))
        elif isinstance(value, Enum):
            self._say("enum", type(value).__qualname__, value.name)
        elif isinstance(value, comfy.model_patcher.ModelPatcher):
            self._read_model(value)
        elif isinstance(value, comfy.sd.VAE):
            self._say("vae", type(value).__qualname__)
            self.read(value.patcher)
        elif isinstance(value, torch.nn.Module):
            self._read_network(value, {})
        elif isinstance(value, comfy.hooks.Hook):
            self._say("hook", type(value).__qualname__, _token(value.hook_ref))
            keyframes = [
                (key.strength, key.start_percent, key.guarantee_steps) for key in value.hook_keyframe.keyframes
            ]
            self.read([getattr(value, "_strength_model", None), keyframes])
        elif isinstance(value, comfy.controlnet.ControlBase):
            self._say("control", type(value).__qualname__)
            self._read_all("parts", (getattr(value, name, None) for name in CONTROL))
        elif isinstance(value, (type, types.BuiltinFunctionType)):
            self._say("named", value.__module__ or "", value.__qualname__)
        elif isinstance(value, types.MethodType):
            self._read_all("method", (value.__func__, value.__self__))
        elif isinstance(value, types.FunctionType):
            self._say("function", self._at_first_sight(value, _Reader._read_function))
        elif isinstance(value, functools.partial):
            self._read_all("partial", (value.func, value.args, value.keywords))
        elif dataclasses.is_dataclass(value):
            self._say("data", type(value).__qualname__)
            self.read({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
        elif type(value).__module__.startswith("comfy."):
            self._say("host", self._at_first_sight(value, _Reader._read_object))
        else:
            self._say("object", type(value).__qualname__, _token(value))

    def _at_first_sight(self, value: Any, read: Callable[[_Reader, Any], None]) -> str:
        """What ``value`` held when it was first seen: patches and the host's objects remember things of a run, and are
        still the same patches then. Nodes that change one make another."""
        known = _first.get(id(value))
        if known is not None and known[0]() is value:
            return known[1]
        digest = hashlib.blake2b(digest_size=16)
        reader = _Reader(digest.update)
        reader._open = self._open
        read(reader, value)
        return _remember(_first, value, digest.hexdigest())

    def _read_object(self, value: Any) -> None:
        self._say(type(value).__module__, type(value).__qualname__)
        self.read(dict(getattr(value, "__dict__", {})))

    def _read_all(self, kind: str, parts: Iterable[Any]) -> None:
        self._say(kind)
        for part in parts:
            self.read(part)
        self._say("end")

    def _read_tensor(self, value: Tensor) -> None:
        self._say("tensor", str(value.dtype), str(list(value.shape)))
        if value.is_meta:
            return
        values = value.detach()
        if not self._whole:
            values = _sample(values)
        self._update(values.to("cpu").contiguous().flatten().view(torch.uint8).numpy().tobytes())

    def _read_function(self, function: types.FunctionType) -> None:
        self._say("function", function.__module__, function.__qualname__, function.__code__.co_code.hex())
        constants = [part for part in function.__code__.co_consts if not isinstance(part, types.CodeType)]
        cells = []
        for cell in function.__closure__ or ():
            try:
                cells.append(cell.cell_contents)
            except ValueError:  # a name that has no value yet
                cells.append(None)
        self._read_all("bound", (constants, cells, function.__defaults__, function.__kwdefaults__))

    def _read_model(self, model: Any) -> None:
        network = model.model
        if network not in _networks:
            digest = hashlib.blake2b(digest_size=16)
            _Reader(digest.update)._read_network(network, model.backup)
            _networks[network] = digest.hexdigest()
        self._say("model", _networks[network])
        sampled = _Reader(self._update, whole=False)
        sampled._open = self._open
        sampled._read_all("patches", (getattr(model, name, None) for name in PATCHES))

    def _read_network(self, network: torch.nn.Module, backup: Mapping[str, Any]) -> None:
        """Its kind, its plain settings, and its tensors; ``backup`` has those that are patched at the moment."""
        plain = {key: part for key, part in vars(network).items() if isinstance(part, (bool, int, float, str))}
        changing = ("training", "model_loaded_weight_memory", "lowvram_patch_counter", "model_lowvram")
        plain = {key: part for key, part in plain.items() if key not in (*changing, "model_offload_buffer_memory")}
        self._say("network", type(network).__module__, type(network).__qualname__)
        self.read(plain)
        tensors = [*network.named_parameters(), *network.named_buffers()]
        step = max(1, len(tensors) // SAMPLED_TENSORS)
        for place, (name, tensor) in enumerate(tensors):
            tensor = backup[name].weight if name in backup else tensor
            self._say(name, str(list(tensor.shape)))
            if place % step == 0 and not tensor.is_meta:
                self.read(_sample(tensor.detach()).float().tolist())

    def _say(self, *words: str) -> None:
        for word in words:
            data = word.encode()
            self._update(len(data).to_bytes(8, "little") + data)


def _sample(values: Tensor) -> Tensor:
    """A few values [n] of a tensor, evenly among all."""
    flat = values.flatten()
    places = torch.linspace(0, max(0, len(flat) - 1), min(len(flat), SAMPLED_VALUES)).long()
    return flat[places.to(flat.device)]


def _token(value: Any) -> str:
    """A name for this very object, in this process."""
    known = _tokens.get(id(value))
    if known is not None and known[0]() is value:
        return known[1]
    return _remember(_tokens, value, uuid.uuid4().hex)


def _remember(said: _Said, value: Any, text: str) -> str:
    """``text``, for as long as ``value`` is there."""
    place = id(value)
    with suppress(TypeError):  # what cannot be watched is not remembered
        said[place] = weakref.ref(value, lambda _: said.pop(place, None)), text
    return text
