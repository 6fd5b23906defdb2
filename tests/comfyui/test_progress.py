"""What a node says of itself while levels are sampled: how many are done, the step, the time left; and what stays."""

import re
import struct

import comfy.model_management
import comfy.utils
import pytest
from custom_sampling import custom_sampling
from harness import Host, NodeFailed, Prompt, call
from zoom_graphs import BOTH, PROMPTS, ZOOM_ONLY, Checkpoint

TEXT = 3  # the host's binary event for text on a node
RUNNING = re.compile(r"(?:(\d) of 4 levels done\n|4 levels, )step (\d) of 5(?:, \d+:\d\d left)?")


def said(host: Host) -> list[tuple[str, str]]:
    """The texts of the last run, as (node id, text)."""
    texts = []
    for event, data in host.messages:
        if event == TEXT:
            (length,) = struct.unpack(">I", data[:4])
            texts.append((data[4 : 4 + length].decode(), data[4 + length :].decode()))
    return texts


def graph(host: Host, checkpoint: Checkpoint, levels: int, node: str = "ZoomKSampler", **inputs: object) -> Prompt:
    """One sampling node, named sampler, with every step to be told."""
    return {
        "model": host.source(checkpoint.model),
        "positive": host.source(checkpoint.schedule(*PROMPTS[:levels])),
        "negative": host.source(checkpoint.encode("")),
        "latent": host.source(checkpoint.empty(levels)),
        "sampler": call(
            node,
            **{key: [key, 0] for key in ("model", "positive", "negative")},
            latent_image=["latent", 0],
            **{**BOTH, **ZOOM_ONLY, **inputs},
        ),
    }


@pytest.fixture
def every_step(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts however soon they follow each other."""
    monkeypatch.setattr(host.module("sampling.progress"), "TEXT_EVERY", 0.0)


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp_2m_sde", "dpm_fast"])
@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_levels_and_steps_are_told_and_a_summary_stays(
    host: Host, every_step: None, eps: Checkpoint, alignment: float, sampler: str
) -> None:
    inputs = {"steps": 5, "zoom_factor": 4.0, "alignment": alignment, "sampler_name": sampler, "denoise": 1.0}
    host.evaluate(graph(host, eps, 4, **inputs), ["sampler", 0])
    nodes, texts = zip(*said(host), strict=True)
    assert set(nodes) == {"sampler"}
    *running, last = texts
    found = [RUNNING.fullmatch(text) for text in running]
    assert all(found), texts
    steps = [int(match[2]) for match in found if match]
    levels = [int(match[1] or 0) for match in found if match]
    assert steps == sorted(steps)
    assert steps[-1] == 5 or sampler == "dpm_fast"  # which takes several evaluations as one, in the host's bar too
    assert levels == sorted(levels)
    assert set(levels) == ({0} if alignment == 0 else {0, 1, 2, 3}) or sampler == "dpm_fast"
    assert any("left" in text for text in running)
    assert re.fullmatch(r"4 levels, \d+ evaluations, 0:\d\d", last)
    evaluations = int(last.split()[2])
    assert evaluations >= (2 * len(running) - 1 if sampler == "heun" else len(running))
    if sampler == "euler":
        assert evaluations == len(running)


def test_one_level_says_nothing_of_its_own(host: Host, every_step: None, eps: Checkpoint) -> None:
    host.evaluate(graph(host, eps, 1), ["sampler", 0])
    assert said(host) == []
    assert host.progress[-1] == (BOTH["steps"], BOTH["steps"])


def test_a_part_of_the_steps_counts_its_own(host: Host, every_step: None, eps: Checkpoint) -> None:
    inputs = {key: value for key, value in BOTH.items() if key not in ("seed", "denoise", "steps")}
    part = {"noise_seed": 3, "steps": 10, "start_at_step": 2, "end_at_step": 7, "alignment": 1.0, "zoom_factor": 4.0}
    whole = {"add_noise": "enable", "return_with_leftover_noise": "disable"}
    prompt = graph(host, eps, 4, "ZoomKSamplerAdvanced")
    prompt["sampler"]["inputs"] = {
        **{key: value for key, value in prompt["sampler"]["inputs"].items() if key not in BOTH},
        **inputs,
        **whole,
        **part,
    }
    host.evaluate(prompt, ["sampler", 0], preview_method="latent2rgb")
    assert {total for _, total in host.progress} == {5}
    assert all(RUNNING.fullmatch(text) for _, text in said(host)[:-1])


def test_zoom_guider_says_it_on_the_node_that_samples(host: Host, every_step: None, eps: Checkpoint) -> None:
    host.evaluate(custom_sampling(host, eps, eps.model, 4, steps=5, alignment=1.0), ["run", 0])
    nodes, texts = zip(*said(host), strict=True)
    assert set(nodes) == {"run"}
    assert all(RUNNING.fullmatch(text) for text in texts[:-1])
    assert re.fullmatch(r"4 levels, \d+ evaluations, 0:\d\d", texts[-1])


def test_an_interrupted_run_says_how_far_it_came(
    host: Host, every_step: None, monkeypatch: pytest.MonkeyPatch, eps: Checkpoint
) -> None:
    hook, reports = comfy.utils.PROGRESS_BAR_HOOK, []

    def interrupt_in_third_step(*args: object, **kwargs: object) -> None:
        reports.append(args)
        if len(reports) == 3:
            comfy.model_management.interrupt_current_processing()
        hook(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(comfy.utils, "PROGRESS_BAR_HOOK", interrupt_in_third_step)
        with pytest.raises(NodeFailed, match="interrupted"):
            inputs = {"steps": 5, "alignment": 0.0}
            host.evaluate(graph(host, eps, 4, **inputs), ["sampler", 0], preview_method="latent2rgb")
    assert said(host)[-1] == ("sampler", "stopped at step 3 of 5")


def test_times_are_written_as_people_read_them(host: Host) -> None:
    clock = host.module("messages.node_text").clock
    assert [clock(seconds) for seconds in (0, 7.4, 59.6, 750, 3599.7, 3750, -1)] == [
        "0:00",
        "0:07",
        "1:00",
        "12:30",
        "1:00:00",
        "1:02:30",
        "0:00",
    ]
