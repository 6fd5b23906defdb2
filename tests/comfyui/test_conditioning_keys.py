"""Every key that the host's models and nodes know in a conditioning entry has a place in the pack's table."""

import ast
from collections.abc import Iterator
from pathlib import Path

import comfy.model_base
import pytest
from harness import Host

ROOT = Path(comfy.model_base.__file__).parents[1]

# Functions of comfy/samplers.py that read entries, and what they call one.
READERS = {
    "get_area_and_mult": {"conds"},
    "resolve_areas_and_cond_masks_multidim": {"c", "modified"},
    "create_cond_with_same_area_if_none": {"c", "x", "smallest"},
    "calculate_start_end_timesteps": {"x"},
    "pre_run_control": {"x"},
    "apply_empty_x_to_equal_area": {"x", "o"},
    "_calc_cond_batch": {"x"},
    "encode_model_conds": {"x", "params"},
    "preprocess_conds_hooks": {"kk"},
}
# What a run adds to an entry for the model: not of the entry itself.
OF_THE_RUN = {"device", "noise", "denoise_mask", "latent_image", "latent_shapes", "seed"}


def keys_read(tree: ast.AST, names: set[str]) -> Iterator[str]:
    """Keys of the dicts ``names``: x["key"], x.get("key"), "key" in x."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            found, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            found, key = node.func.value, node.args[0]
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            found, key = node.comparators[0], node.left
        else:
            continue
        if isinstance(found, ast.Name) and found.id in names and isinstance(key, ast.Constant):
            yield str(key.value)


def keys_written(tree: ast.AST) -> Iterator[str]:
    """Keys that nodes set by the host's helper, or give to a text encoder to add."""
    dicts = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        given = [keyword.value for keyword in node.keywords if keyword.arg == "add_dict"]
        if ast.unparse(node.func).split(".")[-1].startswith("conditioning_set_values"):
            given += node.args[1:2]
        for value in given:
            value = dicts.get(value.id, value) if isinstance(value, ast.Name) else value
            yield from (str(k.value) for k in getattr(value, "keys", []) if isinstance(k, ast.Constant))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def host_keys() -> dict[str, str]:
    """Every key, and a file that knows it."""
    keys = dict.fromkeys(keys_read(parsed(ROOT / "comfy/model_base.py"), {"kwargs", "args"}), "comfy/model_base.py")
    functions = {f.name: f for f in parsed(ROOT / "comfy/samplers.py").body if isinstance(f, ast.FunctionDef)}
    for name, entries in READERS.items():
        keys |= dict.fromkeys(keys_read(functions[name], entries), "comfy/samplers.py")
    for path in (ROOT / "nodes.py", *sorted((ROOT / "comfy_extras").glob("*.py"))):
        keys |= dict.fromkeys(keys_written(parsed(path)), path.name)
    for path in sorted((ROOT / "comfy/text_encoders").glob("*.py")):
        stores = [n for n in ast.walk(parsed(path)) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)]
        for node in stores:
            if ast.unparse(node.value) == "extra" and isinstance(node.slice, ast.Constant):
                keys[str(node.slice.value)] = path.name
    return {key: path for key, path in keys.items() if key not in OF_THE_RUN}


INTERNAL = {"deepstack", "deepstack_embeds", "grid", "num_layers_stacked", "visual_pos_masks"}  # of text encoders


def test_every_key_of_the_host_is_decided(host: Host) -> None:
    tables = host.module("sampling.network.batches")
    decided = [tables.BATCHED, tables.MASKS, tables.NUMBERS, tables.OBJECTS, tables.SHARED]
    known = frozenset().union(*decided)
    assert sum(map(len, decided)) == len(known), "every key in one table"
    keys = host_keys()
    missing = {key: path for key, path in keys.items() if key not in known | INTERNAL}
    assert not missing, (
        "ComfyUI knows keys of a conditioning entry that sampling/network/batches.py does not decide. Put each into "
        f"the table that says how a batch of it is shared out among levels, and into docs/compatibility.md: {missing}"
    )
    assert len(keys) > 80
    assert {"cross_attn", "concat_latent_image", "mask", "guiding_frame_index", "reference_latents"} <= set(keys)


def test_the_documentation_has_the_tables(host: Host) -> None:
    tables = host.module("sampling.network.batches")
    text = (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text(encoding="utf-8")
    for key in sorted(tables.BATCHED | tables.MASKS | tables.NUMBERS):
        assert f"`{key}`" in text or key == "cross_attn", key


@pytest.mark.parametrize("source", ["kwargs.get('new_key', None)", "'new_key' in kwargs", "kwargs['new_key']"])
def test_a_new_key_is_noticed(source: str) -> None:
    assert list(keys_read(ast.parse(source), {"kwargs"})) == ["new_key"]
