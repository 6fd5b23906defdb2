"""Files and settings of the families' templates are those of ComfyUI's own, which come with it as a package."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from harness import PACK
from templates.descriptions import DESCRIPTIONS
from templates.families import FAMILIES
from templates.pieces import LORA

PACKAGE = find_spec("comfyui_workflow_templates_json")
OFFICIAL = {
    "chroma_radiance": "image_chroma1_radiance_text_to_image",
    "flux2_klein": "image_flux2_klein_text_to_image",
    "krea2_turbo": "image_krea2_turbo_t2i",
    "sd15": "default",
    "sdxl_lora": "sdxl_simple_example",
    "z_image_turbo": "image_z_image_turbo",
}
KSAMPLERS = {"KSampler": slice(2, 6), "KSamplerAdvanced": slice(3, 7)}  # where steps, cfg, sampler and scheduler stand
OF_THE_MODEL = ("CheckpointLoaderSimple", "UNETLoader", "CLIPLoader", "VAELoader", "ChromaRadianceOptions")
OF_THE_RUN = ("CFGGuider", "KSamplerSelect", "BetaSamplingScheduler", "Flux2Scheduler")

Node = dict[str, Any]

pytestmark = pytest.mark.skipif(PACKAGE is None, reason="this ComfyUI brings its templates in another package")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def graphs(workflow: Any) -> Iterator[list[Node]]:
    """The nodes of a workflow and of each of its subgraphs."""
    yield workflow["nodes"]
    for subgraph in workflow.get("definitions", {}).get("subgraphs", []):
        yield subgraph["nodes"]


def models(nodes: list[Node]) -> set[tuple[str, str, str]]:
    """Name, link and folder of every file that the nodes ask for."""
    found = [model for node in nodes for model in node["properties"].get("models", [])]
    return {(m["name"], m["url"].removesuffix("?download=true"), m["directory"]) for m in found}


def ours(key: str) -> list[Node]:
    nodes: list[Node] = read(PACK / "workflows" / f"{DESCRIPTIONS[key].title}.json")["nodes"]
    return nodes


def official(key: str) -> list[Node]:
    """The nodes of the official graph that loads the same files."""
    assert PACKAGE is not None and PACKAGE.submodule_search_locations
    folder = Path(PACKAGE.submodule_search_locations[0]) / "templates"
    wanted = models(ours(key)) - {tuple(LORA)}
    fitting = [nodes for nodes in graphs(read(folder / f"{OFFICIAL[key]}.json")) if wanted <= models(nodes)]
    assert len(fitting) == 1, f"no official graph, or several, load {wanted}"
    return fitting[0]


def settings(nodes: list[Node], *types: str) -> list[tuple[str, list[Any]]]:
    return [(node["type"], node["widgets_values"]) for node in nodes if node["type"] in types]


def test_only_what_comfyui_has_no_template_for_is_not_compared() -> None:
    assert FAMILIES.keys() - OFFICIAL.keys() == {"sdxl_lightning"}


@pytest.mark.parametrize("key", OFFICIAL)
def test_loaders_patches_and_sizes_are_the_official_ones(key: str) -> None:
    theirs = official(key)
    patches = {n["type"] for n in theirs if n["type"].startswith("ModelSampling") or n["type"].endswith("Options")}
    mine = settings(ours(key), *OF_THE_MODEL, *OF_THE_RUN, *patches, FAMILIES[key].latent)
    assert patches <= {node_type for node_type, _ in mine}
    for node_type, values in mine:
        # a newer input has its default, where the official file is older
        known = [v for _, v in settings(theirs, node_type)]
        assert any(v and v == values[: len(v)] for v in known), (node_type, values, known)


@pytest.mark.parametrize("key", [key for key in OFFICIAL if isinstance(FAMILIES[key].scheduler, str)])
def test_the_sampler_has_the_official_settings(key: str) -> None:
    theirs = [values[KSAMPLERS[node_type]] for node_type, values in settings(official(key), *KSAMPLERS)]
    ((_, values),) = settings(ours(key), "ZoomKSampler")
    assert values[KSAMPLERS["KSampler"]] in theirs
