"""The workflows that the pack comes with, described by names; make_workflows.py writes them into workflows/."""

from __future__ import annotations

from typing import Any

import workflow_extend
import workflow_galaxy
import workflow_off_center
import workflow_photo

DESCRIPTIONS = {
    "extend_zoom": workflow_extend.checkpoint,
    "extend_zoom_demo": workflow_extend.demo,
    "galaxy_to_planet": workflow_galaxy.checkpoint,
    "galaxy_to_planet_demo": workflow_galaxy.demo,
    "off_center_zoom": workflow_off_center.checkpoint,
    "off_center_zoom_demo": workflow_off_center.demo,
    "photo_zoom": workflow_photo.checkpoint,
    "photo_zoom_demo": workflow_photo.demo,
}


def workflows(definitions: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Path below workflows/ -> content of every workflow file."""
    made = {name: describe(definitions) for name, describe in DESCRIPTIONS.items()}
    ui_files = {f"{name}.json": workflow.ui() for name, workflow in made.items()}
    return ui_files | {f"api/{name}.json": workflow.api() for name, workflow in made.items()}
