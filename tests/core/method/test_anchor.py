"""Photographs as anchors: the closed form and Adam, any level, factor and focus, several photographs, masks."""

from __future__ import annotations

import math

import pytest
import torch

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.anchor import PhotoAnchor, PhotoAnchors, anchor_loss, anchor_to_photo
from zoomstack_core.method.joint_step import JointStep
from zoomstack_core.method.metrics import consistency_error
from zoomstack_core.method.render import render_images
from zoomstack_core.method.resample import links_into


def photo_for(geometry: ZoomGeometry, seed: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, geometry.height, geometry.width, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("level", [0, 1, 3])
def test_the_closed_form_reaches_the_optimum_at_once(geometry, white, level):
    """Zero, as D can reach every photograph; Adam comes closer with every step, but never below."""
    images, photo = white(geometry), photo_for(geometry)
    before = anchor_loss(images, photo, geometry, level)
    closed = anchor_loss(anchor_to_photo(images, photo, geometry, level, "projection"), photo, geometry, level)
    adam = anchor_loss(anchor_to_photo(images, photo, geometry, level, "adam"), photo, geometry, level)
    seen = before > 0
    assert seen[level] and bool((before[seen] > 1e-3).all())
    assert float(closed.max()) < 1e-20 * float(before.max())
    assert bool((adam[seen] < before[seen]).all())
    assert bool((closed <= adam).all())


def test_the_closed_form_is_idempotent_and_keeps_what_d_cannot_see(geometry, white):
    images, photo = white(geometry), photo_for(geometry)
    once = anchor_to_photo(images, photo, geometry, 1, "projection")
    torch.testing.assert_close(anchor_to_photo(once, photo, geometry, 1, "projection"), once, atol=1e-11, rtol=0)
    torch.testing.assert_close(once[1], photo)
    link = links_into(geometry, 2, 1, images)
    detail = [x - link.expand(link.reduce(x)) for x in (images[2], once[2])]
    torch.testing.assert_close(detail[1], detail[0], atol=1e-11, rtol=0)


def test_adam_is_that_of_torch(geometry, white):
    """Same steps, same rate, with autograd's gradient of the objective."""
    images, photo = white(geometry), photo_for(geometry)
    moved = images.clone().requires_grad_()
    optimizer = torch.optim.Adam([moved], lr=0.07)
    for _ in range(4):
        optimizer.zero_grad()
        anchor_loss_with_graph(moved, photo, geometry).backward()
        optimizer.step()
    ours = anchor_to_photo(images, photo, geometry, 1, "adam", 4, 0.07)
    torch.testing.assert_close(ours, moved.detach(), atol=1e-9, rtol=0)


def anchor_loss_with_graph(images, photo, geometry):
    """The objective for a photograph of level 1, written out with the links."""
    total = (images[1] - photo).square().sum()
    link = links_into(geometry, 1, 1, images)
    total = total + (link.window.crop(images[0]) - link.reduce(photo)).square().sum()
    for level in (2, 3):
        reduced = images[level]
        for depth in range(1, level):
            link = links_into(geometry, level, depth, images)
            if link is None:
                return total
            reduced = link.reduce(reduced)
        total = total + (reduced - link.window.crop(photo)).square().sum()
    return total


def test_inference_mode_is_no_obstacle(white):
    geometry = ZoomGeometry(3, 16, 16)
    images, photo = white(geometry), photo_for(geometry)
    with torch.inference_mode():
        for method in ("adam", "projection"):
            pulled = anchor_to_photo(images.clone(), photo.clone(), geometry, 0, method)
            assert float(anchor_loss(pulled, photo, geometry).sum()) < float(anchor_loss(images, photo, geometry).sum())


def test_only_so_far_as_strength_and_mask_say(white):
    geometry = ZoomGeometry(3, 16, 16)
    images, photo = white(geometry), photo_for(geometry)
    whole = anchor_to_photo(images, photo, geometry, 0, "projection")
    half = anchor_to_photo(images, photo, geometry, 0, "projection", strength=0.5)
    torch.testing.assert_close(half, (images + whole) / 2)
    assert torch.equal(anchor_to_photo(images, photo, geometry, 0, "adam", strength=0.0), images)
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[:, :8] = True
    left = anchor_to_photo(images, photo, geometry, 1, "projection", mask=mask)
    torch.testing.assert_close(left[1][:, :, :8], photo[:, :, :8])
    assert torch.equal(left[1][:, :, 8:], images[1][:, :, 8:])
    assert torch.equal(left[0][:, :, 8:], images[0][:, :, 8:])
    assert not torch.allclose(left[0][:, 4:12, 4:8], images[0][:, 4:12, 4:8])
    assert float(anchor_loss(left, photo, geometry, 1, mask).sum()) < 1e-20


def test_dtype_and_input_are_kept(dtype, white):
    geometry = ZoomGeometry(3, 12, 12)
    images, photo = white(geometry, dtype=dtype), photo_for(geometry).to(dtype)
    before = images.clone()
    for method in ("adam", "projection"):
        pulled = anchor_to_photo(images, photo, geometry, 0, method)
        assert pulled.dtype == dtype and torch.equal(images, before)
    nothing = anchor_to_photo(images, photo, geometry, 0, mask=torch.zeros(12, 12, dtype=torch.bool))
    assert torch.equal(nothing, images) and nothing.data_ptr() != images.data_ptr()


def test_of_several_photographs_the_deeper_one_decides(white):
    geometry = ZoomGeometry(4, 16, 16)
    wide, deep = photo_for(geometry, 5), photo_for(geometry, 6)
    images = white(geometry)
    anchors = PhotoAnchors(geometry, [PhotoAnchor(deep, 2), PhotoAnchor(wide, 0)])
    pulled = anchors.pull(images, range(4), dict.fromkeys(range(4), 0.5))
    torch.testing.assert_close(pulled[2], deep)
    outside = torch.ones(16, 16, dtype=torch.bool)
    outside[6:10, 6:10] = False
    torch.testing.assert_close(pulled[0][:, outside], wide[:, outside])
    assert float(anchor_loss(pulled, deep, geometry, 2).sum()) < 1e-20


@pytest.mark.parametrize("method", ["adam", "projection"])
@pytest.mark.parametrize("level", [0, 2])
def test_a_sampling_step_ends_with_the_photograph(geometry, white, level, method):
    """At the last step the anchored level shows it, whatever the blend does, and the deeper levels agree with it.

    Levels two apart see each other in whole pixels only: a pixel that a level two deeper fills in part is left out.
    """
    photo = photo_for(geometry)
    joint = JointStep(geometry, "laplacian", anchors=[PhotoAnchor(photo, level, method)])
    images = joint(white(geometry), progress=[1.0] * 4)
    right = (images[level] - photo).abs().amax(0) < 1e-10
    cut = torch.zeros_like(right)
    for deeper in range(level + 2, 4):
        rect = geometry.rect(level, deeper)
        rows = slice(math.floor(rect.top + 1e-6), math.ceil(rect.top + rect.height - 1e-6))
        columns = slice(math.floor(rect.left + 1e-6), math.ceil(rect.left + rect.width - 1e-6))
        cut[max(rows.start - 1, 0) : rows.stop + 1, max(columns.start - 1, 0) : columns.stop + 1] = True
    assert bool((right | cut).all())
    if geometry.prefilter == "box" and geometry.zoom_factor == 2.0 and geometry.height == 16:
        assert bool(right.all())
    assert float(consistency_error(images, geometry)) < 1e-10
    early = joint(white(geometry), progress=[0.5] * 4)
    assert (float((early[level] - photo).abs().median()) < 1e-10) == (method == "projection")


def test_an_anchor_has_a_range_of_steps(white):
    geometry = ZoomGeometry(3, 16, 16)
    photo, images = photo_for(geometry), white(geometry)
    joint = JointStep(geometry, "laplacian", anchors=[PhotoAnchor(photo, 0, start=0.2, end=0.6)])
    free = JointStep(geometry, "laplacian")(images)
    assert torch.equal(joint(images, progress=[0.1] * 3), free)
    assert torch.equal(joint(images, progress=[1.0] * 3), free)
    torch.testing.assert_close(joint(images, progress=[0.6] * 3)[0], photo)


def test_wavefront_photo_reaches_wider_and_deeper_levels(white):
    """A photograph of a level that still waits already shapes the middle of the wider ones."""
    geometry = ZoomGeometry(3, 16, 16)
    photo = photo_for(geometry)
    joint = JointStep(geometry, anchors=[PhotoAnchor(photo, 1)])
    link = links_into(geometry, 1, 1, photo)
    first = joint(white(geometry)[:1], range(1), [0.0])
    torch.testing.assert_close(link.window.crop(first[0]), link.reduce(photo))
    second = joint(white(geometry)[:2], range(2), [1.0, 1.0])
    torch.testing.assert_close(second[1], photo, atol=1e-10, rtol=0)
    last = joint(white(geometry)[2:], range(2, 3), [1.0])
    torch.testing.assert_close(last[1], photo, atol=1e-10, rtol=0)
    assert torch.equal(render_images(last, geometry), last)


def test_what_does_not_fit_is_refused(white):
    geometry = ZoomGeometry(3, 8, 8)
    photo = photo_for(geometry)
    with pytest.raises(ValueError, match="level is 3; expected a level from 0 to 2"):
        anchor_to_photo(white(geometry), photo, geometry, 3)
    with pytest.raises(ValueError, match=r"photo has the shape \[2, 8, 7\]; expected \[C, 8, 8\]"):
        anchor_to_photo(white(geometry), photo[..., :7], geometry)
    with pytest.raises(ValueError, match=r"mask has the shape \[7, 8\]; expected \[8, 8\]"):
        anchor_to_photo(white(geometry), photo, geometry, mask=torch.ones(7, 8, dtype=torch.bool))
    with pytest.raises(ValueError, match="method is 'sgd'; expected one of projection, adam"):
        anchor_to_photo(white(geometry), photo, geometry, method="sgd")
    with pytest.raises(ValueError, match="strength is 1.5; expected"):
        anchor_to_photo(white(geometry), photo, geometry, strength=1.5)
    with pytest.raises(ValueError, match="expected steps >= 1 and lr > 0"):
        anchor_to_photo(white(geometry), photo, geometry, steps=0)
    with pytest.raises(ValueError, match="start is 0.5; expected 0 <= start <= end <= 1, where end is 0.4"):
        PhotoAnchor(photo, start=0.5, end=0.4)
    with pytest.raises(ValueError, match="two anchors give level 1"):
        PhotoAnchors(geometry, [PhotoAnchor(photo, 1), PhotoAnchor(photo, 1)])
