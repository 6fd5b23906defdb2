"""Who sees the live preview of Zoom KSampler without having chosen one."""

import re
import sys

import latent_preview
import numpy as np
import pytest
from harness import Host
from PIL import Image
from zoom_graphs import PROMPTS, Checkpoint, sampling, zoom

FRONT_END = {"comfy_usage_source": "comfyui-frontend"}


@pytest.mark.parametrize(
    ("asked", "started_with", "shown"),
    [
        (FRONT_END, (), True),
        (FRONT_END | {"preview_method": "default"}, (), True),
        (FRONT_END | {"preview_method": "latent2rgb"}, ("--preview-method", "none"), True),
        (FRONT_END | {"preview_method": "none"}, (), False),
        (FRONT_END, ("--preview-method", "none"), False),
        (FRONT_END, ("--preview-method=none",), False),
        ({}, (), False),
        ({"comfy_usage_source": "a-script"}, (), False),
    ],
)
def test_who_has_not_chosen_gets_one_in_the_front_end(
    host: Host,
    eps: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    asked: dict[str, str],
    started_with: tuple[str, ...],
    shown: bool,
) -> None:
    monkeypatch.setattr(sys, "argv", ["main.py", *started_with])
    progress, labelled = host.module("sampling.progress").LevelProgress, []
    make = progress._labels
    monkeypatch.setattr(progress, "_labels", lambda self, step: labelled.append(step) or make(self, step))
    graph = sampling(host, eps.model, eps.schedule(*PROMPTS[:3]), eps.encode(""), eps.empty(1, 8, 12))
    host.evaluate(graph, ["zoom", 0], **asked)
    assert len(host.previews) == len(labelled) == (len(host.progress) if shown else 0)
    assert {preview.size for preview in host.previews} == ({(512, 341)} if shown else set())


@pytest.mark.parametrize("alignment", [0.0, 1.0])
def test_every_level_has_its_number_and_the_time_until_it_is_done(
    host: Host, eps: Checkpoint, monkeypatch: pytest.MonkeyPatch, alignment: float
) -> None:
    module, seen = host.module("sampling.live_preview"), []
    draw = module.labelled
    monkeypatch.setattr(module, "labelled", lambda *about: seen.append(about[1]) or draw(*about))
    positive = eps.schedule(*PROMPTS[:3])
    settings = {"alignment": alignment, "zoom_factor": 4.0, "steps": 12, "preview_method": "latent2rgb"}
    zoom(host, eps.model, positive, eps.encode(""), eps.empty(1, 16, 16), **settings)
    assert seen[0] == ["1", "2", "3"], "nobody knows yet how long it takes"
    assert seen[-1] == [f"{level}  done" for level in (1, 2, 3)]
    assert any(re.fullmatch(r"3  \d+:\d\d", labels[2]) for labels in seen[1:-1])
    first_done = [next(n for n, labels in enumerate(seen) if labels[level].endswith("done")) for level in range(3)]
    assert first_done == sorted(first_done) and (len(set(first_done)) == 3) == (alignment > 0)


def test_labels_lie_in_the_corners_of_their_levels(host: Host) -> None:
    labelled = host.module("sampling.previews").labelled
    shown = labelled(Image.new("RGB", (30, 20)), ["1  0:07", "2", "3", "4", "5  done"], 600)
    assert shown.size == (600, 400)
    bright = np.array(shown).max(-1) > 128
    corners = bright[:, :600].reshape(2, 200, 3, 200)[:, :50].any((1, 3))
    assert corners.tolist() == [[True, True, True], [True, True, False]]
    assert not bright.reshape(2, 200, 600)[:, 50:].any(), "something lies on the pictures' middle"
    assert labelled(Image.new("RGB", (900, 900)), ["1", "2"], 512).size == (900, 900), (
        "the host makes it smaller itself"
    )


def test_the_hosts_own_sampler_shows_what_it_did(host: Host, eps: Checkpoint) -> None:
    graph = sampling(host, eps.model, eps.schedule(*PROMPTS[:3]), eps.encode(""), eps.empty(1, 8, 12))
    assert graph["stock"]["class_type"] == "KSampler"
    host.evaluate(graph, ["zoom", 0], ["stock", 0], **FRONT_END)
    assert {preview.size for preview in host.previews} == {(512, 341)}, "one of its single pictures was shown"
    assert latent_preview.args.preview_method == latent_preview.default_preview_method
