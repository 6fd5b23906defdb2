"""Levels that are asked one by one, for patches of other nodes that decide once for a whole call.

Most patches treat every picture of a batch by itself, and then all active levels go through the host's guidance at
once. Some take the first picture's sigma, a mean over all of them, or what they remember of the last call. With them
every level has calls of its own, as in a run of it alone, and a copy of its own of what they remember.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from types import CellType, FunctionType
from typing import Any

# Files of the host's nodes whose patches take all pictures of a call for one …
FOR_ALL = {
    "nodes_easycache": "EasyCache, LazyCache: the change of all pictures together",
    "nodes_eps": "Temporal Score Rescaling: takes one picture",
    "nodes_mahiro": "Mahiro: a mean similarity",
    "nodes_sag": "Self-Attention Guidance: the attention of one layout",
    "nodes_video_model": "Video Linear CFG Guidance, Triangle: a scale for each frame of a video",
}
# … and those that ask for the first one's sigma.
BY_THE_FIRST_SIGMA = {
    "lllite": "Anima LLLite over a part of a run",
    "nodes_chroma_radiance": "Chroma Radiance Options over a part of a run",
    "nodes_custom_sampler": "CFG Override",
    "nodes_lt": "LTXV reference guidance",
    "nodes_lumina2": "RenormCFG",
    "nodes_model_downscale": "Kohya Deep Shrink",
    "nodes_model_patch": "Uni3C, and guidance by sigma",
    "nodes_slg": "Skip Layer Guidance over a part of a run",
}


def must_be_asked_one_by_one(model_options: dict[str, Any], sigmas_differ: bool) -> bool:
    """Whether some patch in a model's options decides for all levels of a call.

    Args:
        sigmas_differ: whether levels of one call have sigmas of their own.
    """
    found = {file_of(patch) for patch in patches_in(model_options)}
    return bool(found & FOR_ALL.keys()) or (sigmas_differ and bool(found & BY_THE_FIRST_SIGMA.keys()))


def patches_in(options: Any) -> Iterator[Any]:
    """Functions and objects that can be called, in dictionaries and lists of any depth."""
    if isinstance(options, dict):
        for value in options.values():
            yield from patches_in(value)
    elif isinstance(options, (list, tuple)):
        for value in options:
            yield from patches_in(value)
    elif callable(options):
        yield options


def file_of(thing: Any) -> str:
    """The file that a function, class or object is from; the host names modules of its nodes by their path."""
    return str(getattr(thing, "__module__", "")).replace("\\", "/").rpartition("/")[2].rpartition(".")[2]


def with_own_memory(options: Any) -> Any:
    """Options whose functions and objects remember by themselves what they remember.

    Variables of the function around a patch, where it keeps what it remembers, are new ones with the same values;
    caches of `FOR_ALL` are copied whole. All else, such as models and tensors, is shared.
    """
    return _copied(options, {})


def _copied(thing: Any, done: dict[int, Any]) -> Any:
    if id(thing) in done:
        return done[id(thing)]
    if isinstance(thing, dict):
        made: Any = type(thing)()
        done[id(thing)] = made
        made.update({key: _copied(value, done) for key, value in thing.items()})
        return made
    if isinstance(thing, list):
        done[id(thing)] = made = type(thing)()
        made.extend(_copied(value, done) for value in thing)
        return made
    if type(thing) is tuple:
        return tuple(_copied(value, done) for value in thing)
    if isinstance(thing, FunctionType) and thing.__closure__:
        cells = tuple(CellType() for _ in thing.__closure__)
        cells = tuple(done.setdefault(id(old), new) for old, new in zip(thing.__closure__, cells, strict=True))
        made = FunctionType(thing.__code__, thing.__globals__, thing.__name__, thing.__defaults__, cells)
        made.__kwdefaults__, made.__dict__ = thing.__kwdefaults__, {**thing.__dict__}
        made.__module__, made.__qualname__ = thing.__module__, thing.__qualname__
        done[id(thing)] = made
        for old, new in zip(thing.__closure__, cells, strict=True):
            if _is_empty(new) and not _is_empty(old):
                value = old.cell_contents
                new.cell_contents = _copied(value, done) if isinstance(value, (FunctionType, dict, list)) else value
        return made
    if not isinstance(thing, type) and file_of(type(thing)) in FOR_ALL:
        done[id(thing)] = made = copy.deepcopy(thing)
        return made
    return thing


def _is_empty(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - it raises
    except ValueError:
        return True
    return False
