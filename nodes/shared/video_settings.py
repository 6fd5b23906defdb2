"""Settings for whole videos, such as those of a reel, above the single inputs."""

from typing import Any

from comfy_api.latest import io

from ...messages.node_text import NodeText
from ...zoomstack_core.geometry import ZoomGeometry

AS_SET = "as set here"
LOOP: dict[str, Any] = {"loop": True, "hold_start": 0.0, "hold_end": 0.0}

SETTINGS: dict[str, dict[str, Any]] = {
    "reel 9:16": {"width": 1080, "height": 1920, "fps": 30.0, "format": "h264", "bit_depth": 8},
    "1080p": {"width": 1920, "height": 1080, "fps": 30.0, "format": "h264", "bit_depth": 8},
    "4K": {"width": 3840, "height": 2160, "fps": 30.0, "format": "h264", "bit_depth": 8},
    "square loop": {"width": 1080, "height": 1080, "fps": 30.0, **LOOP, "format": "h264", "bit_depth": 8},
    "gif loop": {"width": 480, "height": 480, "fps": 25.0, **LOOP, "format": "gif", "bit_depth": 8},
}


def settings_input() -> io.Input:
    """Which settings to take in place of single inputs."""
    return io.Combo.Input(
        "settings_for",
        options=[AS_SET, *SETTINGS],
        default=AS_SET,
        optional=True,
        tooltip="Sets width, height, fps and format for a use, whatever the inputs say; the loops also set loop, the "
        "holds, and direction in_out, in a ring in. The node says what was taken. All other inputs count as they are.",
    )


def with_settings(
    text: NodeText, settings_for: str, geometry: ZoomGeometry, visit: str, inputs: dict[str, Any]
) -> dict[str, Any]:
    """A node's inputs with those that the settings name in their place; says which."""
    if settings_for == AS_SET:
        return inputs
    chosen = dict(SETTINGS[settings_for])
    if chosen.get("loop"):
        chosen["direction"] = "in" if geometry.closed and not visit.strip() else "in_out"
    told = ", ".join(f"{name} {_shown(value)}" for name, value in chosen.items())
    text.notice(f"settings_for {settings_for} takes {told}.")
    return {**inputs, **chosen}


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
