"""ZoomSharedNoise: the random noise of a zoom, and which of it is one scene seen at all levels."""

from comfy_api.latest import io

from ..sampling.noise.step_noise import INITIAL_NOISE, STEP_NOISE, NoiseSharing, SharedNoise
from .shared.checked import checked
from .shared.wire_types import CATEGORY, SEARCH_ALIASES


class ZoomSharedNoise(io.ComfyNode):
    """The seed and what the levels share; the samplers of zoom levels render the noise, since they know the levels."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomSharedNoise",
            display_name="Zoom Shared Noise",
            category=CATEGORY,
            description="The noise that the zoom levels start from and that stochastic samplers add, with a choice of "
            "what they share. For SamplerCustomAdvanced with Zoom Guider, or for Zoom KSampler.",
            search_aliases=[*SEARCH_ALIASES, "noise", "seed"],
            inputs=[
                io.Int.Input(
                    "noise_seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=True,
                    tooltip="The seed of all random noise.",
                ),
                io.Combo.Input(
                    "initial_noise",
                    options=list(INITIAL_NOISE),
                    default=INITIAL_NOISE[0],
                    tooltip="The noise that the levels start from: shared is one scene of noise seen at every level, "
                    "independent is drawn for each. auto is shared, except for stochastic samplers at alignment 0, "
                    "where independent noise (the paper's choice) keeps more contrast.",
                ),
                io.Combo.Input(
                    "step_noise",
                    options=list(STEP_NOISE),
                    default=STEP_NOISE[0],
                    tooltip="The noise that stochastic samplers add at every step. Keep it shared: with independent "
                    "noise the levels blur each other. Deterministic samplers add none.",
                ),
            ],
            outputs=[
                io.Noise.Output(
                    display_name="noise", tooltip="For SamplerCustomAdvanced with Zoom Guider, or for Zoom KSampler."
                )
            ],
        )

    @classmethod
    @checked()
    def execute(cls, noise_seed: int, initial_noise: str, step_noise: str) -> io.NodeOutput:
        return io.NodeOutput(SharedNoise(noise_seed, NoiseSharing(initial_noise, step_noise)))
