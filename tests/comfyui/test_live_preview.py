"""Who sees the live preview of Zoom KSampler without having chosen one."""

import sys

import latent_preview
import pytest
from harness import Host
from zoom_graphs import PROMPTS, Checkpoint, sampling

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
    graph = sampling(host, eps.model, eps.schedule(*PROMPTS[:3]), eps.encode(""), eps.empty(1, 8, 12))
    host.evaluate(graph, ["zoom", 0], **asked)
    assert len(host.previews) == (len(host.progress) if shown else 0)
    assert {preview.size for preview in host.previews} == ({(24, 16)} if shown else set())


def test_the_hosts_own_sampler_shows_what_it_did(host: Host, eps: Checkpoint) -> None:
    graph = sampling(host, eps.model, eps.schedule(*PROMPTS[:3]), eps.encode(""), eps.empty(1, 8, 12))
    assert graph["stock"]["class_type"] == "KSampler"
    host.evaluate(graph, ["zoom", 0], ["stock", 0], **FRONT_END)
    assert {preview.size for preview in host.previews} == {(24, 16)}, "one of its single pictures was shown"
    assert latent_preview.args.preview_method == latent_preview.default_preview_method
