"""A device that knows no float64, for tests: its tensors are the CPU's, but say that they are on "cuda".

As on a real device, float64 is refused there, and so are operations that mix its tensors with the CPU's. Only the
weights of a network may stay on the CPU.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("cuda", 0)  # the one kind of device whose guards torch can do without

_MOVES = {"_to_copy", "to", "type_as", "copy_"}
_TAKES_INDICES = {"index", "index_put", "index_put_"}

_weights: set[int] = set()  # addresses of the storages of parameters that were used


class DeviceTensor(torch.Tensor):
    """A tensor on the device; ``held`` is the CPU's."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> "DeviceTensor":
        if held.dtype in (torch.float64, torch.complex128):
            raise TypeError(f"{DEVICE.type} has no {held.dtype}: a tensor of shape {list(held.shape)}")
        layout = {"strides": held.stride(), "storage_offset": held.storage_offset(), "dtype": held.dtype}
        self = torch.Tensor._make_wrapper_subclass(cls, held.size(), **layout, device=DEVICE)
        self.held = held
        return self

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class SinglePrecisionDevice(TorchDispatchMode):
    """While it is entered, tensors can be made on `DEVICE`."""

    def __enter__(self) -> "SinglePrecisionDevice":
        torch._C._ensureCUDADeviceGuardSet()
        torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor asks this mode for the move to the device
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        torch._C._set_only_lift_cpu_tensors(False)
        super().__exit__(*error)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def on_device(tensor: Tensor) -> Tensor:
    """A copy on the device."""
    return DeviceTensor(tensor.clone())


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name = func.overloadpacket.__name__
    flat, _ = tree_flatten((args, kwargs))
    tensors = [value for value in flat if isinstance(value, Tensor)]
    devices = [value for value in flat if isinstance(value, torch.device)]
    here = any(isinstance(tensor, DeviceTensor) for tensor in tensors)
    _weights.update(t.untyped_storage().data_ptr() for t in tensors if isinstance(t, torch.nn.Parameter))
    if here and name not in _MOVES | _TAKES_INDICES:
        others = [t for t in tensors if t.ndim and not isinstance(t, DeviceTensor)]
        strangers = [t for t in others if t.untyped_storage().data_ptr() not in _weights]
        assert not strangers, f"{func} mixes devices: a tensor of shape {list(strangers[0].shape)} is on the CPU"
    if devices:
        here = devices[0].type == DEVICE.type
    elif name in _MOVES and len(tensors) == 2:
        here = isinstance(tensors[0 if name == "copy_" else 1], DeviceTensor)
    given = {id(t.held): t for t in tensors if isinstance(t, DeviceTensor)}
    args, kwargs = tree_map(_held, (args, kwargs))
    out = func(*args, **kwargs)
    if not here:
        return out

    def placed(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        return given[id(value)] if id(value) in given else DeviceTensor(value)

    return tree_map(placed, out)


def _held(value: Any) -> Any:
    if isinstance(value, DeviceTensor):
        return value.held
    return torch.device("cpu") if isinstance(value, torch.device) else value
