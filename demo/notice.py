"""What a user should know who samples the demo model with settings of large models."""

from __future__ import annotations

from typing import Any

from torch import Tensor

# Attachment of the demo's MODEL: pixels a side that it was trained at. Clones, such as those of LoRA nodes, keep it.
DEMO = "zoomstack_demo"
CFG, LARGEST_CFG = 3.0, 5.0  # what suits it, and above which colors are burnt
ROOM = 2.0  # so many times as many pixels, or as few, still look like pictures
SECONDS = 0.28  # of one step for one level of that size on two processor cores, with guidance and blending by the VAE


def demo_notices(model: Any, samples: Tensor, steps: int, cfg: float | None) -> list[str]:
    """What to say of a run; nothing of other models, or where the settings suit the demo model.

    Args:
        model: the host's MODEL.
        samples: latents of all levels [N, C, H, W], pixels where the demo model has no VAE.
        cfg: guidance, where the run has one.
    """
    size = model.get_attachment(DEMO)
    if size is None:
        return []
    notices = []
    pixels = model.get_model_object("latent_format").spacial_downscale_ratio
    levels, height, width = len(samples), *(side * pixels for side in samples.shape[-2:])
    times = height * width / size**2
    if times > ROOM:
        seconds = SECONDS * levels * times * steps
        work = f"{levels} level{'s' * (levels != 1)} of {steps} step{'s' * (steps != 1)}"
        cost = f"; {work} take{'s' * (levels == 1)} {_span(seconds)} on two processor cores" if _on_cpu(model) else ""
        notices.append(
            f"The demo model makes pictures of {size} × {size}. The latent is {width} × {height}: {times:.0f} times "
            f"the work{cost}, and no good picture. Set width and height of the empty latent to {size}."
        )
    elif times < 1 / ROOM:
        notices.append(
            f"The demo model makes pictures of {size} × {size}. The latent is {width} × {height}, too small for a good "
            f"picture. Set width and height of the empty latent to {size}."
        )
    if cfg is not None and cfg > LARGEST_CFG:
        notices.append(f"cfg is {cfg:g}, for which the demo model's colors are too strong. Set cfg to {CFG:g}.")
    return notices


def _on_cpu(model: Any) -> bool:
    return model.load_device.type == "cpu"


def _span(seconds: float) -> str:
    if seconds < 1.5:
        return "about a second" if seconds > 0.5 else "less than a second"
    return f"about {seconds / 60:.0f} minutes" if seconds > 90 else f"about {seconds:.0f} seconds"
