"""The per-step hook: blend and render, and what becomes of finished and waiting levels."""

from __future__ import annotations

import pytest
import torch

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.blend import BLEND_MODES, blend_levels
from zoomstack_core.method.joint_step import JointStep
from zoomstack_core.method.ladder import aligned_ladder
from zoomstack_core.method.metrics import consistency_error
from zoomstack_core.method.render import render_images
from zoomstack_core.method.resample import links_into


def test_joint_denoiser_is_blend_then_render(geometry, white):
    denoised = white(geometry)
    joint = JointStep(geometry)(denoised)
    assert torch.equal(joint, render_images(blend_levels(denoised, geometry), geometry))
    assert consistency_error(joint, geometry) < 1e-10


@pytest.mark.parametrize("blend", BLEND_MODES)
def test_joint_denoiser_of_one_level_is_the_identity(blend, white):
    geometry = ZoomGeometry(1, 7, 5)
    denoised = white(geometry, dtype=torch.float32)
    joint = JointStep(geometry, blend)(denoised)
    assert torch.equal(joint, denoised) and joint.data_ptr() != denoised.data_ptr()


def test_joint_denoiser_keeps_consistent_estimates(geometry, white):
    images = render_images(white(geometry, dtype=torch.float32), geometry)
    assert (JointStep(geometry)(images) - images).abs().max() < 1e-5


def test_joint_denoiser_neither_changes_nor_shares(dtype, white):
    geometry = ZoomGeometry(4, 12, 12)
    joint = JointStep(geometry)
    denoised = white(geometry, dtype=dtype)
    before = denoised.clone()
    first = joint(denoised[:2], range(2))
    assert first.dtype == dtype and first.shape == denoised.shape
    kept = first.clone()
    first.zero_()  # what a caller does with the answer must not reach the memory of the object
    again = joint(denoised[1:2], range(1, 2))
    assert torch.equal(denoised, before)
    outside = torch.ones(12, 12, dtype=torch.bool)
    outside[3:9, 3:9] = False
    assert torch.equal(again[0][:, outside], kept[0][:, outside])


def test_waiting_levels_are_the_expanded_crop_of_the_level_above(white):
    geometry = ZoomGeometry(4, 16, 16, 2.5, (0.4, 0.6))
    joint = JointStep(geometry)(white(geometry)[:2], range(2))
    for level in (2, 3):
        link = links_into(geometry, level, 1, joint)
        torch.testing.assert_close(joint[level], link.expand(link.window.crop(joint[level - 1])))
    assert consistency_error(joint, geometry) < 1e-10


def test_waiting_levels_are_not_rendered_into_wider_ones(white):
    geometry = ZoomGeometry(4, 16, 16)
    denoised = white(geometry)
    joint = JointStep(geometry)(denoised[:2], range(2))
    part = geometry.between(0, 2)
    assert torch.equal(joint[:2], render_images(blend_levels(denoised[:2], part), part))


def test_initial_gives_waiting_levels_their_detail(white):
    """Image to image: the shared bands come from the level above, the rest from the initial image."""
    geometry = ZoomGeometry(3, 16, 16)
    initial, denoised = white(geometry, seed=1), white(geometry)
    before = initial.clone()
    joint = JointStep(geometry, initial=initial)(denoised[:1], range(1))
    assert torch.equal(initial, before)
    assert consistency_error(joint, geometry) < 1e-10
    for level in (1, 2):
        link = links_into(geometry, level, 1, joint)
        detail = [x - link.expand(link.reduce(x)) for x in (initial[level], joint[level])]
        torch.testing.assert_close(detail[1], detail[0])
    consistent = render_images(initial, geometry)
    torch.testing.assert_close(JointStep(geometry, initial=consistent)(consistent[:1], range(1)), consistent)


def test_finished_levels_still_count_as_observations(white):
    geometry = ZoomGeometry(2, 16, 16)
    joint = JointStep(geometry)
    first = joint(white(geometry)[:1], range(1))
    estimate = white(geometry, seed=1)[1:]
    second = joint(estimate, range(1, 2))
    expected = blend_levels(torch.cat([first[:1], estimate]), geometry)
    torch.testing.assert_close(second[1], expected[1])


def test_levels_are_blended_within_their_own_range(white):
    """Outside, and where a call does not blend, they are only rendered."""
    geometry = ZoomGeometry(3, 16, 16)
    denoised = white(geometry)
    rendered, blended = render_images(denoised, geometry), blend_levels(denoised, geometry)
    joint = JointStep(geometry, start=0.25, end=0.75)
    assert torch.equal(joint(denoised, progress=[0.2, 0.1, 0.0]), rendered)
    assert torch.equal(joint(denoised, progress=[1.0, 0.9, 0.8]), rendered)
    assert torch.equal(joint(denoised, progress=[0.5] * 3, blending=False), rendered)
    assert torch.equal(joint(denoised, progress=[0.75, 0.5, 0.25]), render_images(blended, geometry))
    some = joint(denoised, progress=[0.8, 0.5, 0.1])
    assert torch.equal(some, render_images(torch.stack([denoised[0], blended[1], denoised[2]]), geometry))
    assert not torch.allclose(rendered, render_images(blended, geometry))


def test_held_levels_stay_and_count_as_observations(white):
    """Deeper ones are blended with them as with finished levels; only their pasted centers change."""
    geometry = ZoomGeometry(4, 16, 16)
    held = render_images(white(geometry), geometry)[:2]
    joint = JointStep(geometry, held={0: held[0], 1: held[1]})
    for seed in (1, 2):
        estimates = white(geometry, seed=seed)[2:]
        images = joint(estimates, range(2, 4))
        blended = blend_levels(torch.cat([held, estimates]), geometry)
        expected = render_images(torch.cat([held, blended[2:]]), geometry)
        torch.testing.assert_close(images, expected)
        outside = torch.ones(16, 16, dtype=torch.bool)
        outside[4:12, 4:12] = False
        assert torch.equal(images[:2, :, outside], held[:, :, outside])
    assert consistency_error(images, geometry) < 1e-10


def test_held_levels_are_shown_inside_levels_that_wait_or_are_wider(white):
    """A stack that grows wider, and one whose second level is made anew: known from the first call on."""
    geometry = ZoomGeometry(4, 16, 16)
    stack = render_images(white(geometry), geometry)
    wider = JointStep(geometry, held={2: stack[2], 3: stack[3]})(white(geometry, seed=1)[:1], range(1))
    torch.testing.assert_close(wider[2:], stack[2:])
    link = links_into(geometry, 2, 1, stack)
    torch.testing.assert_close(link.window.crop(wider[1]), link.reduce(stack[2]))
    assert consistency_error(wider, geometry) < 1e-10
    again = JointStep(geometry, held={i: stack[i] for i in (0, 2, 3)})
    images = again(white(geometry)[:0], range(1, 1))
    torch.testing.assert_close(images[2:], stack[2:])
    torch.testing.assert_close(images[0], stack[0])
    assert consistency_error(images, geometry) < 1e-10
    images = again(white(geometry, seed=1)[1:2], range(1, 2))
    torch.testing.assert_close(images[2:], stack[2:])
    assert not torch.allclose(images[1], stack[1], atol=0.1)
    assert consistency_error(images, geometry) < 1e-10


def test_late_levels_follow_the_level_above_between_held_ones(white):
    """Step by step down a ladder with late waking: one scene at every step, what is held stays, levels wait in turn."""
    geometry = ZoomGeometry(5, 16, 16, (2.0, 4.0, 1.5, 2.0))
    ladder = aligned_ladder(geometry, 20.0, 0.05, 7, wake_sigma=1.0)
    held = white(geometry, seed=3)[2]
    outside = torch.ones(16, 16, dtype=torch.bool)
    links_into(geometry, 3, 1, held).window.crop(outside).fill_(False)
    joint, waited = JointStep(geometry, held={2: held}), 0
    for step, sigma in enumerate(ladder.sigmas[:-1]):
        active = ladder.active(sigma)
        progress = [ladder.progress(level, sigma) for level in active]
        images = joint(white(geometry, seed=step)[active.start : active.stop], active, progress)
        assert consistency_error(images, geometry) < 1e-10
        assert torch.equal(images[2, :, outside], held[:, outside])
        waiting = [level for level in (3, 4) if level >= active.stop]
        for level in waiting:  # no detail but that of the level above
            link = links_into(geometry, level, 1, images)
            torch.testing.assert_close(images[level], link.expand(link.window.crop(images[level - 1])))
        waited += sum(1 < ladder.ratios[level] * sigma < 20 for level in waiting)
    assert waited >= 4  # in what would be their own range


def test_held_levels_inside_the_active_ones_need_no_estimate(white):
    geometry = ZoomGeometry(3, 16, 16)
    stack, estimates = render_images(white(geometry), geometry), white(geometry, seed=1)
    joint = JointStep(geometry, held={1: stack[1]})
    other = estimates.clone()
    other[1] += 1
    assert torch.equal(joint(estimates), joint(other))


def test_held_levels_must_exist_and_fit(white):
    geometry = ZoomGeometry(3, 8, 8)
    with pytest.raises(ValueError, match="held has a level 3; expected levels from 0 to 2"):
        JointStep(geometry, held={3: white(geometry)[0]})
    with pytest.raises(ValueError, match=r"held level 1 has the shape \[1, 2, 7, 8\]; expected \[1, C, 8, 8\]"):
        JointStep(geometry, held={1: white(geometry)[0, :, :7]})


def test_joint_denoiser_refuses_what_does_not_fit(white):
    geometry = ZoomGeometry(3, 8, 8)
    denoised = white(geometry)
    with pytest.raises(ValueError, match="blend is 'mean'; expected one of laplacian, border, naive, none"):
        JointStep(geometry, "mean")
    with pytest.raises(ValueError, match=r"initial has the shape \[2, 2, 8, 8\]; expected \[3, C, 8, 8\]"):
        JointStep(geometry, initial=denoised[:2])
    with pytest.raises(ValueError, match="denoised has 2 levels; expected the 3 active ones"):
        JointStep(geometry)(denoised[:2])
    with pytest.raises(ValueError, match="denoised has 2 levels; expected the 1 active ones"):
        JointStep(geometry)(denoised[:2], range(1))
    with pytest.raises(ValueError, match=r"levels \[0\] are taken as finished, but none was evaluated yet"):
        JointStep(geometry)(denoised[1:], range(1, 3))
    with pytest.raises(ValueError, match=r"images has the shape \[3, 2, 8, 7\]; expected \[3, C, 8, 8\]"):
        JointStep(geometry)(denoised[..., :7])
    with pytest.raises(ValueError, match=r"images has the shape \[2, 2, 8, 7\]; expected \[2, C, 8, 8\]"):
        JointStep(geometry)(denoised[:2, ..., :7], range(2))
    with pytest.raises(ValueError, match="denoised holds NaN or infinity"):
        JointStep(geometry)(denoised / 0)
