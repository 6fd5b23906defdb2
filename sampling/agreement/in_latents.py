"""The levels' estimates agree as latents."""

from __future__ import annotations

from torch import Tensor

from ...zoomstack_core.method.joint_step import JointStep
from ...zoomstack_core.method.ladder import Front
from ...zoomstack_core.method.render import render_images
from ..moment import Moment
from .latents import LatentLayout


class LatentAgreement:
    """The estimates agree as latents; of pixel-space models that is as pictures.

    Args:
        joint: for what ``layout`` makes of the latents.
        every: blend at every n-th step, counted back from the last.
        layout: latents [n, C, …, H, W] to pictures [n, C', H, W] and back (``spread``, ``gather``).
    """

    def __init__(self, joint: JointStep, every: int, layout: LatentLayout):
        self._joint = joint
        self._every = every
        self._layout = layout

    def __call__(self, estimates: Tensor, front: Front, moment: Moment) -> Tensor:
        """Args: estimates, latents of the active levels [n, C, …]. Returns: latents of all levels [N, C, …]."""
        blending = moment.steps_left % self._every == 0
        spread = self._layout.spread(estimates)
        agreed = self._joint(spread, front.active, moment.progress, blending, moment.sigmas, waiting=front.waiting)
        return self._layout.gather(agreed, estimates)

    def finish(self, samples: Tensor) -> Tensor:
        """The result [N, C, …], exactly consistent: some samplers go on past their last evaluation.

        Args: samples, as the host gives them, no longer in the values that the sampler holds.
        """
        return self._layout.gather(render_images(self._layout.spread(samples), self._joint.geometry), samples)
