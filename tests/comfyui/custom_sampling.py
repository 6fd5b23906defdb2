"""A graph of the host's custom sampling nodes around Zoom Guider."""

from typing import Any

from harness import Host, Prompt, call
from zoom_graphs import PROMPTS, ZOOM_ONLY, Checkpoint


def custom_sampling(
    host: Host,
    checkpoint: Checkpoint,
    model: Any,
    levels: int,
    *,
    seed: int = 5,
    steps: int = 4,
    sampler_name: str = "euler",
    scheduler: str = "exponential",
    cfg: float = 2.5,
    **zoom: Any,
) -> Prompt:
    """``run`` is SamplerCustomAdvanced over ``guider``, a Zoom Guider over ``inner``, a CFG Guider."""
    return {
        "model": host.source(model),
        "positive": host.source(checkpoint.schedule(*PROMPTS[:levels])),
        "negative": host.source(checkpoint.encode("")),
        "latent": host.source(checkpoint.empty(levels)),
        "noise": call("RandomNoise", noise_seed=seed),
        "sampler": call("KSamplerSelect", sampler_name=sampler_name),
        "sigmas": call("BasicScheduler", model=["model", 0], scheduler=scheduler, steps=steps, denoise=1.0),
        "inner": call("CFGGuider", model=["model", 0], positive=["positive", 0], negative=["negative", 0], cfg=cfg),
        "guider": call("ZoomGuider", guider=["inner", 0], **{**ZOOM_ONLY, **zoom}),
        "run": call(
            "SamplerCustomAdvanced",
            noise=["noise", 0],
            guider=["guider", 0],
            sampler=["sampler", 0],
            sigmas=["sigmas", 0],
            latent_image=["latent", 0],
        ),
    }
