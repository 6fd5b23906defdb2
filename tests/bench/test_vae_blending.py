"""The judgement of blending through a VAE."""

import torch
from einops import rearrange
from PIL import Image

from benchmarks.vae_blending import SIZE, agree, judge, photo_levels
from zoomstack_core.geometry import ZoomGeometry

BLOCK = 8


class Blocks:
    """A VAE that loses nothing: a latent's channels are the pixels of its block."""

    def encode_picture(self, picture):
        return rearrange(picture, "n (h p) (w q) c -> n (c p q) h w", p=BLOCK, q=BLOCK)

    def encode(self, picture, like):
        return self.encode_picture(picture[None].movedim(1, -1))[0]

    def decode(self, latents):
        return rearrange(latents, "n (c p q) h w -> n c (h p) (w q)", p=BLOCK, q=BLOCK)


def test_a_vae_that_loses_nothing_agrees_as_pictures_and_not_as_latents(tmp_path):
    path = tmp_path / "photo.png"
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 20, 26, generator=generator)
    photo = torch.nn.functional.interpolate(coarse, (2 * SIZE + 9, 2 * SIZE + 70), mode="bicubic").clamp(0, 1)[0]
    Image.fromarray((photo.movedim(0, -1) * 255).byte().numpy()).save(path)
    levels = photo_levels(path)
    pictures = ZoomGeometry(2, SIZE, SIZE, 2.0)
    latents = pictures.resized(SIZE // BLOCK, SIZE // BLOCK)
    for times in (1, 3):
        made = agree(Blocks(), levels, "pixels", times, 0.5, pictures, latents)
        middle, deeper, high, _ = judge(*made, geometry=pictures)
        assert middle > 60 and deeper > 60 and abs(high - 1) < 0.01
    middle, deeper, *_ = judge(*agree(Blocks(), levels, "latent", 1, 0.5, pictures, latents), geometry=pictures)
    assert middle < 30 and deeper < 40
