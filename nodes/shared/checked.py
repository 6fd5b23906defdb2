"""What every node's ``execute`` is wrapped in: its inputs are checked, and its errors name the node."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from comfy_api.latest import io

from ...messages.errors import telling
from .input_checks import checked_inputs


def checked(**names: str) -> Callable[[Callable[..., io.NodeOutput]], Callable[..., io.NodeOutput]]:
    """For ``execute`` of a node, below ``@classmethod``: its inputs are what its schema says, and errors are told.

    The host checks what is typed into widgets. What comes by a link is any value of any type.

    Args:
        names: as of `telling`.
    """

    def decorate(execute: Callable[..., io.NodeOutput]) -> Callable[..., io.NodeOutput]:
        @functools.wraps(execute)
        def run(cls: type[io.ComfyNode], **inputs: Any) -> io.NodeOutput:
            schema = cls.define_schema()
            with telling(schema.display_name or schema.node_id, **names):
                return execute(cls, **checked_inputs(schema, inputs))

        return run

    return decorate
