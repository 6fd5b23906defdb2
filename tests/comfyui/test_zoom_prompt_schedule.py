"""ZoomPromptSchedule in real graphs: what it encodes, how it marks levels, and that stock nodes keep the marks."""

import json
from typing import Any

import pytest
import torch
from harness import Host, NodeFailed, Prompt, call

PROMPTS = "# zoom\n1. a (red:1.3) galaxy\n\n2. a star\n3. an icy planet"
LEVELS = ["a (red:1.3) galaxy", "a star", "an icy planet"]
Entries = list[list[Any]]


def schedule(host: Host, **inputs: Any) -> Prompt:
    """A graph with the schedule node, as "schedule", and a small text encoder, as ["loader", 1]."""
    loader = call("CheckpointLoaderSimple", ckpt_name=host.checkpoint("tiny_pixel"))
    return {"loader": loader, "schedule": call("ZoomPromptSchedule", clip=["loader", 1], **inputs)}


def encode(host: Host, *texts: str) -> list[Entries]:
    """What the host's own CLIPTextEncode gives for each text."""
    graph = schedule(host)
    del graph["schedule"]
    graph |= {str(i): call("CLIPTextEncode", clip=["loader", 1], text=text) for i, text in enumerate(texts)}
    return host.evaluate(graph, *([str(i), 0] for i in range(len(texts))))


def levels_of(conditioning: Entries) -> list[int | None]:
    return [options.get("zoom_level") for _, options in conditioning]


def assert_same_encoding(entry: list[Any], expected: list[Any]) -> None:
    assert torch.equal(entry[0], expected[0])
    assert torch.equal(entry[1]["pooled_output"], expected[1]["pooled_output"])


def test_every_level_is_encoded_as_the_host_encodes_it(host: Host) -> None:
    graph = schedule(host, prompts=PROMPTS, prefix="photo", suffix="8k", negative="blurry")
    positive, negative, levels, prompts = host.evaluate(graph, *(["schedule", slot] for slot in range(4)))
    assert levels == 3
    assert prompts.splitlines() == LEVELS
    assert levels_of(positive) == [0, 1, 2]
    expected = encode(host, *(f"photo, {prompt}, 8k" for prompt in LEVELS), "blurry")
    for entry, (expected_entry,) in zip([*positive, *negative], expected, strict=True):
        assert_same_encoding(entry, expected_entry)
    assert not torch.equal(positive[0][0], positive[1][0])


def test_without_prefix_and_suffix_the_prompts_are_encoded_as_they_are(host: Host) -> None:
    (positive,) = host.evaluate(schedule(host, prompts=", a star,"), ["schedule", 0])
    ((expected,),) = encode(host, ", a star,")
    assert_same_encoding(positive[0], expected)


@pytest.mark.parametrize("negative", ["blurry, text", "\n# all levels\nblurry, text\n"])
def test_one_negative_line_is_for_all_levels(host: Host, negative: str) -> None:
    (conditioning,) = host.evaluate(schedule(host, prompts=PROMPTS, negative=negative), ["schedule", 1])
    ((expected,),) = encode(host, "blurry, text")
    assert levels_of(conditioning) == [None]
    assert_same_encoding(conditioning[0], expected)


@pytest.mark.parametrize("inputs", [{}, {"negative": ""}, {"negative": " \n"}])
def test_no_negative_is_the_empty_prompt(host: Host, inputs: dict[str, str]) -> None:
    (conditioning,) = host.evaluate(schedule(host, prompts=PROMPTS, **inputs), ["schedule", 1])
    ((expected,),) = encode(host, "")
    assert_same_encoding(conditioning[0], expected)


def test_negative_lines_are_one_per_level(host: Host) -> None:
    (conditioning,) = host.evaluate(schedule(host, prompts=PROMPTS, negative="- x\n- blurry\n- text"), ["schedule", 1])
    assert levels_of(conditioning) == [0, 1, 2]
    for entry, (expected,) in zip(conditioning, encode(host, "x", "blurry", "text"), strict=True):
        assert_same_encoding(entry, expected)


def test_a_branch_is_marked_with_the_level_that_it_lies_in(host: Host) -> None:
    text = "a star\na planet\nfrom 1: a moon\nits ground"
    graph = schedule(host, prompts=text, prefix="photo", negative="w\nx\ny\nz")
    positive, negative, prompts = host.evaluate(graph, ["schedule", 0], ["schedule", 1], ["schedule", 3])
    expected = encode(host, "photo, a star", "photo, a planet", "photo, a moon", "photo, its ground", *"wxyz")
    for entry, (expected_entry,) in zip([*positive, *negative], expected, strict=True):
        assert_same_encoding(entry, expected_entry)
    for conditioning in (positive, negative):
        assert levels_of(conditioning) == [0, 1, 2, 3]
        assert [options.get("zoom_parent") for _, options in conditioning] == [None, None, 0, None]
        marks = host.module("sampling.network.level_marks")
        assert marks.marked_parents(options for _, options in conditioning) == (None, 0, 0, 2)
    assert prompts == text


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"prompts": "a\nfrom 3: b"}, "prompts: row 2 begins with from 3, which is no row above it"),
        ({"prompts": PROMPTS, "negative": "x\ny"}, "negative has 2 lines for 3 prompts"),
        ({"prompts": "# nothing"}, "at least one prompt"),
        ({}, "at least one prompt"),
        ({"prompts": '["a", 1]'}, "list of strings"),
        ({"prompts": PROMPTS, "negative": "#"}, "negative: expected at least one prompt"),
        ({"prompts": PROMPTS, "expected_levels": 4}, "prompts has 3 levels, expected_levels is 4"),
    ],
)
def test_a_wrong_schedule_is_a_clear_error(host: Host, inputs: dict[str, str], message: str) -> None:
    with pytest.raises(NodeFailed, match=f"ZoomPromptSchedule: ValueError: .*{message}"):
        host.evaluate(schedule(host, **inputs), ["schedule", 0])


LISTED = json.dumps({"prePrompt": "photo", "negPrompt": "blurry", "prompts": {"0": "a star", "500": "a planet"}})
KEYFRAMES = '"0": "a star --neg sun",\n"30": "a planet --neg moon"'


@pytest.mark.parametrize(
    ("prompts", "negative", "expected", "notice"),
    [
        (LISTED, "", ["blurry"], "which count because negative is empty"),
        (KEYFRAMES, "", ["sun", "moon"], "which count because negative is empty"),
        (LISTED, "text", ["text"], "which do not count: negative does"),
        ("a star\na planet", "Negative prompt: text", ["text"], None),
    ],
)
def test_a_list_brings_its_own_negative_prompts(
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    prompts: str,
    negative: str,
    expected: list[str],
    notice: str | None,
) -> None:
    shown: list[str] = []
    server = host.module("messages.node_text").PromptServer.instance
    monkeypatch.setattr(server, "send_progress_text", lambda text, node_id: shown.append(f"{node_id}: {text}"))
    graph = schedule(host, prompts=prompts, negative=negative)
    avoided, texts = host.evaluate(graph, ["schedule", 1], ["schedule", 3])
    assert texts.splitlines() == [f"photo, {text}" if prompts is LISTED else text for text in ("a star", "a planet")]
    for entry, (wanted,) in zip(avoided, encode(host, *expected), strict=True):
        assert_same_encoding(entry, wanted)
    assert levels_of(avoided) == ([None] if len(expected) == 1 else [0, 1])
    assert len(shown) == (notice is not None)
    assert not notice or (shown[0].startswith("schedule: ") and notice in shown[0])


def test_broken_json_is_said(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    server = host.module("messages.node_text").PromptServer.instance
    monkeypatch.setattr(server, "send_progress_text", lambda text, node_id: shown.append(f"{node_id}: {text}"))
    assert host.evaluate(schedule(host, prompts='{"prompts": ["a galaxy", }'), ["schedule", 2]) == [1]
    assert shown[0].startswith(
        "schedule: prompts begins as JSON does, but cannot be read as JSON: its one line is a prompt"
    )


ANSWER = f"""Sure! Here are the 3 prompts you asked for:

```json
{json.dumps([{"level": level, "prompt": prompt} for level, prompt in enumerate(LEVELS, 1)], indent=2)}
```

Let me know if you want more levels."""


@pytest.mark.parametrize("expected", [0, 3])
def test_text_from_another_node_is_read(host: Host, expected: int) -> None:
    """What a text node gives, talk and all: the input is a widget that takes links."""
    graph = schedule(host, prompts=["text", 0], expected_levels=expected)
    graph["text"] = call("PrimitiveStringMultiline", value=ANSWER)
    positive, levels = host.evaluate(graph, ["schedule", 0], ["schedule", 2])
    assert levels == 3
    for entry, (wanted,) in zip(positive, encode(host, *LEVELS), strict=True):
        assert_same_encoding(entry, wanted)


def test_a_wrong_number_of_levels_shows_what_was_read(host: Host) -> None:
    with pytest.raises(NodeFailed, match=r"another seed; or set .* to 0. Read were:\n1. a galaxy\n2. a star\n"):
        host.evaluate(schedule(host, prompts="a galaxy\na star", expected_levels=3), ["schedule", 0])


def test_a_checkpoint_without_a_text_encoder_is_a_clear_error(host: Host) -> None:
    graph = {"clip": host.source(None), "schedule": call("ZoomPromptSchedule", clip=["clip", 0], prompts=PROMPTS)}
    with pytest.raises(NodeFailed, match=r"ValueError: Zoom Prompt Schedule: .*no text encoder"):
        host.evaluate(graph, ["schedule", 0])


STOCK_NODES: dict[str, dict[str, Any]] = {
    "ConditioningSetArea": {"width": 64, "height": 64, "x": 0, "y": 0, "strength": 0.5},
    "ConditioningSetTimestepRange": {"start": 0.1, "end": 0.9},
    "ConditioningZeroOut": {},
    "ConditioningSetAreaStrength": {"strength": 0.5},
    "FluxGuidance": {"guidance": 2.0},
}


@pytest.mark.parametrize("node", STOCK_NODES)
def test_stock_conditioning_nodes_keep_the_levels(host: Host, node: str) -> None:
    graph = schedule(host, prompts=PROMPTS)
    graph["stock"] = call(node, conditioning=["schedule", 0], **STOCK_NODES[node])
    before, after = host.evaluate(graph, ["schedule", 0], ["stock", 0])
    assert levels_of(after) == [0, 1, 2]
    assert any(not torch.equal(a[0], b[0]) or a[1].keys() != b[1].keys() for a, b in zip(before, after, strict=True))


def test_stock_nodes_that_join_conditionings_keep_the_levels(host: Host) -> None:
    graph = schedule(host, prompts=PROMPTS)
    graph["everywhere"] = call("CLIPTextEncode", clip=["loader", 1], text="grainy film")
    graph["combine"] = call("ConditioningCombine", conditioning_1=["schedule", 0], conditioning_2=["everywhere", 0])
    graph["concat"] = call("ConditioningConcat", conditioning_to=["schedule", 0], conditioning_from=["everywhere", 0])
    graph["average"] = call(
        "ConditioningAverage",
        conditioning_to=["schedule", 0],
        conditioning_from=["everywhere", 0],
        conditioning_to_strength=0.5,
    )
    combined, concatenated, averaged = host.evaluate(graph, ["combine", 0], ["concat", 0], ["average", 0])
    assert levels_of(combined) == [0, 1, 2, None]
    assert levels_of(concatenated) == levels_of(averaged) == [0, 1, 2]
    assert [entry[0].shape[1] for entry in concatenated] == [2 * 77] * 3


def test_marking_leaves_its_input_as_it_is(host: Host) -> None:
    marks = host.module("sampling.network.level_marks")
    conditioning = [[torch.zeros(1, 77, 4), {"pooled_output": None}], [torch.ones(1, 77, 4), {"zoom_level": 5}]]
    marked = marks.mark_level(conditioning, 2)
    assert levels_of(marked) == [2, 2]
    assert levels_of(conditioning) == [None, 5]
    assert marked[0][0] is conditioning[0][0]


def test_the_prompts_are_the_last_widget(host: Host) -> None:
    """The front end puts required inputs first, then optional ones; its row editor stands below the last."""
    info = host.node("ZoomPromptSchedule").GET_NODE_INFO_V1()
    optional = ["prefix", "suffix", "negative", "expected_levels"]
    assert info["input_order"]["required"] == ["clip"]
    assert info["input_order"]["optional"] == [*optional, "prompts", "geometry"]  # which is a socket alone
    assert info["input"]["optional"]["geometry"][0] == "ZOOM_GEOMETRY"


def test_the_default_prompts_are_a_schedule(host: Host) -> None:
    options = host.node("ZoomPromptSchedule").GET_NODE_INFO_V1()["input"]["optional"]
    default: str = options["prompts"][1]["default"]
    (levels,) = host.evaluate(schedule(host, prompts=default), ["schedule", 2])
    assert levels == len(default.splitlines()) == 13


OF_A_DRAFT = json.dumps(
    [
        {"level": 1, "seen": "a galaxy", "prompt": "a", "focus": {"x": 300, "y": 700}, "factor": 3},
        {"level": 2, "seen": "a star", "prompt": "b", "focus": "the star", "factor": None},
        {"level": 3, "seen": "a planet", "prompt": "c", "focus": {"x": 600, "y": 400}, "factor": None},
        {"level": 4, "seen": "ground", "prompt": "d", "focus": None, "factor": None},
    ]
)


def test_focus_and_factors_of_an_answer_reach_the_geometry(host: Host) -> None:
    graph = schedule(host, prompts=OF_A_DRAFT, geometry=["geometry", 0])
    graph["geometry"] = call("ZoomGeometry", zoom_factors="2, 4, 4", focus="0.1, 0.1", prefilter="gaussian")
    geometry, prompts = host.evaluate(graph, ["schedule", 4], ["schedule", 3])
    assert prompts.splitlines() == ["a", "b", "c", "d"]
    assert geometry.zoom_factors == (3.0, 4.0, 4.0)
    assert geometry.focus == ((0.3, 0.7), (0.1, 0.1), (0.6, 0.4))
    assert geometry.prefilter == "gaussian"
    unread, counts = host.notices("schedule")
    assert unread.startswith("Where the zoom goes on could not be read of level 2: focus 'the star'. Expected")
    assert counts == "of 3 steps the prompts give 2 a focus and 1 a factor; geometry gives the rest"


def test_without_a_geometry_the_other_steps_are_the_default(host: Host) -> None:
    directed, plain = schedule(host, prompts=OF_A_DRAFT), schedule(host, prompts=PROMPTS)
    (geometry,) = host.evaluate(directed, ["schedule", 4])
    assert (geometry.zoom_factors, geometry.focus) == ((3.0, 2.0, 2.0), ((0.3, 0.7), (0.5, 0.5), (0.6, 0.4)))
    assert host.notices("schedule") == []
    (geometry,) = host.evaluate(plain, ["schedule", 4])
    assert geometry == host.module("zoomstack_core.nesting").Nesting()


def test_the_branches_of_a_draft_stay(host: Host) -> None:
    """A language model that writes lines anew says nothing of them."""
    nesting = host.module("zoomstack_core.nesting").Nesting((4.0,), parents=(None, 0, 0))
    graph = schedule(host, prompts="a\nb\nc", geometry=["geometry", 0]) | {"geometry": host.source(nesting)}
    positive, prompts, geometry = host.evaluate(graph, ["schedule", 0], ["schedule", 3], ["schedule", 4])
    assert [options.get("zoom_parent") for _, options in positive] == [None, None, 0]
    assert prompts == "a\nb\nfrom 1: c"
    assert geometry == nesting
    graph["schedule"]["inputs"]["prompts"] = "a\nb\nc\nd"
    message = "ZoomPromptSchedule: ValueError: Zoom Prompt Schedule: geometry is a tree of 3 levels; expected one of 4"
    with pytest.raises(NodeFailed, match=message):
        host.evaluate(graph, ["schedule", 0])


def test_a_geometry_of_other_levels_is_a_clear_error(host: Host) -> None:
    graph = schedule(host, prompts=PROMPTS, geometry=["geometry", 0])
    graph["geometry"] = call("ZoomGeometry", zoom_factors="2, 4, 4", focus="")
    with pytest.raises(
        NodeFailed, match="Zoom Prompt Schedule: geometry has 3 zoom factors for 3 levels; expected one"
    ):
        host.evaluate(graph, ["schedule", 0])
