"""Pictures with an alpha channel, for nodes whose levels have none."""

from torch import Tensor


def without_alpha(images: Tensor) -> Tensor:
    """[N, H, W, 3]: colors multiplied by the alpha channel, if there is one, so that hidden colors do not show up."""
    return images if images.shape[-1] == 3 else images[..., :3] * images[..., 3:]
