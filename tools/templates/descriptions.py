"""The workflows that the pack comes with, described by names; make_workflows.py writes them into workflows/."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from . import directed, endless, extend, family, forest, galaxy, off_center, photo, two_worlds
from .families import FAMILIES
from .workflow import Workflow


class Template(NamedTuple):
    """A workflow, and its title in the front end's template browser, which is the name of its file.

    The browser searches titles alone, and finds words only that begin within the first 33 letters: each title must hold
    what people look for, "ZoomStack" and "infinite zoom", early on. Of titles that fit equally well the one of fewer
    words comes first, so the demos do. The number is for the order.

    Attributes:
        demo: for a template that cannot run here, the key of the one whose picture it has.
        badge: what its picture says of the model.
    """

    title: str
    describe: Callable[[dict[str, Any]], Workflow]
    demo: str = ""
    badge: str = ""


TWIN = "infinite zoom with a checkpoint"
YOURS = "your checkpoint"

# The keys name the API files, which scripts use.
DESCRIPTIONS = (
    {
        "galaxy_to_planet_demo": Template("ZoomStack 1 galaxy demo, infinite zoom", galaxy.demo),
        "galaxy_to_planet": Template(f"ZoomStack 1 galaxy, {TWIN}", galaxy.checkpoint, "galaxy_to_planet_demo", YOURS),
        "forest_to_leaf_demo": Template("ZoomStack 1 leaf demo, infinite zoom", forest.demo),
        "off_center_zoom_demo": Template("ZoomStack 2 off-center demo, infinite zoom", off_center.demo),
        "off_center_zoom": Template(
            f"ZoomStack 2 off-center, {TWIN}", off_center.checkpoint, "off_center_zoom_demo", YOURS
        ),
        "photo_zoom_demo": Template("ZoomStack 3 photo demo, infinite zoom", photo.demo),
        "photo_zoom": Template(f"ZoomStack 3 photo, {TWIN}", photo.checkpoint, "photo_zoom_demo", YOURS),
        "extend_zoom_demo": Template("ZoomStack 4 extend demo, infinite zoom", extend.demo),
        "extend_zoom": Template(f"ZoomStack 4 extend, {TWIN}", extend.checkpoint, "extend_zoom_demo", YOURS),
    }
    | {
        key: Template(
            f"ZoomStack 5 {model.name}, infinite zoom with its settings",
            partial(family.describe, key),
            "galaxy_to_planet_demo",
            model.name,
        )
        for key, model in FAMILIES.items()
    }
    | {
        "two_worlds_demo": Template("ZoomStack 6 two worlds demo, infinite zoom", two_worlds.demo),
        "two_worlds": Template(f"ZoomStack 6 two worlds, {TWIN}", two_worlds.checkpoint, "two_worlds_demo", YOURS),
        "endless_zoom_demo": Template("ZoomStack 7 endless demo, infinite zoom", endless.demo),
        "endless_zoom": Template(f"ZoomStack 7 endless, {TWIN}", endless.checkpoint, "endless_zoom_demo", YOURS),
        "directed_zoom": Template(
            f"ZoomStack 8 directed, {TWIN}", directed.checkpoint, "galaxy_to_planet_demo", "directed, yours"
        ),
    }
)

# Workflows of above that open in the front end's app mode; their API files are those.
APPS = {"app_demo": Template("ZoomStack 9 app demo, infinite zoom", galaxy.app, "galaxy_to_planet_demo", "app")}
UI_FILES = DESCRIPTIONS | APPS


def workflows(definitions: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Path below workflows/ -> content of every workflow file."""
    made = {name: template.describe(definitions) for name, template in UI_FILES.items()}
    ui_files = {f"{UI_FILES[name].title}.json": workflow.ui() for name, workflow in made.items()}
    return ui_files | {f"api/{name}.json": made[name].api() for name in DESCRIPTIONS}
