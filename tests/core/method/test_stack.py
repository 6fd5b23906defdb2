"""ZoomStack: consistent from the start and not to be changed."""

from __future__ import annotations

import pytest
import torch

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.metrics import consistency_error
from zoomstack_core.method.render import render_images
from zoomstack_core.method.stack import ZoomStack


def test_images_are_the_rendered_layers(geometry, white):
    layers = white(geometry)
    stack = ZoomStack(layers, geometry)
    assert torch.equal(stack.images, render_images(layers, geometry))
    assert consistency_error(stack.images, geometry) < 1e-10
    assert stack.geometry is geometry and len(stack) == 4


def test_a_stack_of_its_own_images_is_the_same_stack(geometry, white):
    images = ZoomStack(white(geometry), geometry).images
    torch.testing.assert_close(ZoomStack(images, geometry).images, images, atol=1e-14, rtol=0)


def test_layers_are_neither_changed_nor_kept(dtype, white):
    geometry = ZoomGeometry(3, 8, 8)
    layers = white(geometry, dtype=dtype)
    before = layers.clone()
    stack = ZoomStack(layers, geometry)
    assert torch.equal(layers, before) and stack.images.dtype == dtype
    kept = stack.images.clone()
    layers.zero_()
    assert torch.equal(stack.images, kept)


def test_a_stack_is_not_changed_after_it_is_made(white):
    geometry = ZoomGeometry(2, 8, 8)
    stack = ZoomStack(white(geometry), geometry)
    with pytest.raises(AttributeError, match="make a new one to set images"):
        stack.images = white(geometry)
    with pytest.raises(AttributeError, match="make a new one to set geometry"):
        stack.geometry = ZoomGeometry(2, 8, 8, 3.0)
    with pytest.raises(AttributeError, match="make a new one to set note"):
        stack.note = "x"


def test_repr_says_what_it_holds(white):
    geometry = ZoomGeometry(3, 8, 12, 2.5)
    assert repr(ZoomStack(white(geometry), geometry)) == "ZoomStack(3 levels of 8×12, zoom factor 2.5)"


def test_bad_layers_are_refused():
    geometry = ZoomGeometry(3, 8, 8)
    with pytest.raises(ValueError, match=r"layers has the shape \[3, 2, 8, 9\]; expected \[3, C, 8, 8\]"):
        ZoomStack(torch.zeros(3, 2, 8, 9), geometry)
    with pytest.raises(ValueError, match=r"layers is a tensor .* type uint8; expected a floating-point tensor"):
        ZoomStack(torch.zeros(3, 2, 8, 8, dtype=torch.uint8), geometry)
    with pytest.raises(ValueError, match="layers holds NaN or infinity"):
        ZoomStack(torch.full((3, 2, 8, 8), torch.nan), geometry)
