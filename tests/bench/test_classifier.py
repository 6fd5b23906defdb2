"""The classifier of procedural scenes: labels, training and the share of right answers."""

from __future__ import annotations

import torch

from benchmarks.demo_model.classifier import SceneClassifier, accuracy, draw, load_or_train, train
from demo.canvas import Scene
from demo.universe import STAGES, Universe


def test_training_learns_and_is_kept(tmp_path):
    images, scenes = draw(Universe(64, 7), 10 * STAGES)
    assert images.shape == (10 * STAGES, 3, 64, 64) and {scene.stage for scene in scenes} == set(range(STAGES))
    before, network = accuracy(SceneClassifier().eval(), images, scenes), train(16, 32, 300, 64)
    after = accuracy(network, images, scenes)
    assert after.near_stage > before.near_stage and after.kind > 0.4
    larger = torch.nn.functional.interpolate(images, scale_factor=4)
    assert accuracy(network, larger, scenes) == after
    path = tmp_path / "classifier.safetensors"
    from safetensors.torch import save_file

    save_file(network.state_dict(), path)
    assert accuracy(load_or_train(path), images, scenes) == after


def test_answers_are_counted_where_they_show():
    class Says(torch.nn.Module):
        def forward(self, images):
            one = torch.nn.functional.one_hot
            count = len(images)
            ground, ocean, blue = torch.full((count,), 12), torch.zeros(count).long(), torch.zeros(count).long()
            return one(ground, STAGES).float(), one(ocean, 4).float(), one(blue, 4).float()

    scenes = [Scene(0, "blue", "red", "icy", False), Scene(11, "red", "red", "ocean", False),
              Scene(12, "red", "red", "icy", False)]  # fmt: skip
    found = accuracy(Says(), torch.zeros(3, 3, 64, 64), scenes)
    assert (found.stage, found.near_stage, found.kind, found.color) == (
        torch.tensor(1 / 3).item(), torch.tensor(2 / 3).item(), 0.5, 1.0,
    )  # fmt: skip
