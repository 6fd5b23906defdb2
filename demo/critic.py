"""A small discriminator, for networks that shall draw fine detail and not its mean."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus
from torch.nn.utils.parametrizations import spectral_norm


class Critic(torch.nn.Sequential):
    """Scores of overlapping patches of pictures [B, 3, H, W], [B, 1, H / 8, W / 8]; spectral norms keep them tame.

    Args:
        finest: channels of a first layer that sees every pixel; none for 0.
    """

    def __init__(self, width: int = 32, finest: int = 0):
        layers: list[torch.nn.Module] = []
        before = 3
        if finest:
            layers += [spectral_norm(torch.nn.Conv2d(3, finest, 3, 1, 1)), torch.nn.LeakyReLU(0.2)]
            before = finest
        for channels in (width, 2 * width, 4 * width):
            layers += [spectral_norm(torch.nn.Conv2d(before, channels, 4, 2, 1)), torch.nn.LeakyReLU(0.2)]
            before = channels
        super().__init__(*layers, spectral_norm(torch.nn.Conv2d(before, 1, 3, 1, 1)))


def adversarial(critic: Critic, real: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
    """The critic's loss and the maker's, so that one backward pass serves both: neither reaches the other's weights.

    Relativistic: a made picture [B, 3, H, W] is compared with the real one that it stands for.
    """
    frozen = {name: parameter.detach() for name, parameter in critic.named_parameters()}
    of_critic = softplus(critic(made.detach()) - critic(real)).mean()
    seen = [torch.func.functional_call(critic, frozen, (each,)) for each in (real, made)]
    return of_critic, softplus(seen[0] - seen[1]).mean()
