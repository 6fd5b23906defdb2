"""ZoomMultiResBlend: how, where and when the levels' estimates are blended."""

from comfy_api.latest import io

from ..sampling.agreement.blend_options import SPACES, WAKE_SIGMA, BlendOptions
from ..sampling.host_types import VAE
from ..zoomstack_core.method.blend import BLEND_MODES
from .shared.checked import checked
from .shared.input_checks import check_order
from .shared.sampler_inputs import BLEND_MODES_TOLD
from .shared.wire_types import CATEGORY, SEARCH_ALIASES, ZoomBlendType


class ZoomMultiResBlend(io.ComfyNode):
    """Options for the joint sampler; without this node it blends at every step, as its VAE and the model allow."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ZoomMultiResBlend",
            display_name="Zoom Multi-Res Blend",
            category=CATEGORY,
            description="How the zoom levels' estimates are made to agree while sampling: in which space, in which "
            "part of the steps, and how often; and from which noise on deep levels are evaluated. Connect it to "
            "blend_options of Zoom KSampler.",
            search_aliases=[*SEARCH_ALIASES, "laplacian blending", "time travel", "vae round trip", "late waking"],
            inputs=[
                io.Combo.Input(
                    "mode",
                    options=list(BLEND_MODES),
                    default="border",
                    tooltip=BLEND_MODES_TOLD,
                ),
                io.Combo.Input(
                    "space",
                    options=list(SPACES),
                    default="auto",
                    tooltip="Where the levels are blended. latent is fast; latents other than SD1.5's do not resample "
                    "like pictures. pixels decodes, blends and encodes at every blend. auto takes pixels where a VAE "
                    "is connected, here or to the sampler, and the model's latents resample badly. A pixel-space model "
                    "blends pixels anyway.",
                ),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="The model's VAE, for blending in pixels, in place of the sampler's. A tiny one (TAESD) is "
                    "much faster.",
                ),
                _percent("start_percent", 0.0, "Blending begins at this part of each level's steps."),
                _percent("end_percent", 1.0, "Blending ends at this part of each level's steps."),
                io.Int.Input(
                    "every",
                    default=1,
                    min=1,
                    max=100,
                    tooltip="Blend at every n-th step only, counted back from the last one.",
                ),
                io.Int.Input(
                    "travel_repeats",
                    optional=True,
                    advanced=True,
                    default=1,
                    min=1,
                    max=20,
                    tooltip="Time travel: how often each step is taken, with fresh noise that agrees between the "
                    "levels. 1 is off; 2 takes twice as long and helps levels that disagree.",
                ),
                _percent("travel_start", 0.2, "Time travel begins at this part of the whole schedule.", True),
                _percent("travel_end", 0.8, "Time travel ends at this part of the whole schedule.", True),
                io.Float.Input(
                    "wake_sigma",
                    optional=True,
                    advanced=True,
                    default=WAKE_SIGMA,
                    min=0.0,
                    max=1e6,
                    step=1.0,
                    round=0.001,
                    tooltip="With alignment above 0 deep levels leave out their first steps and follow the level "
                    "above, as long as a later step has a sigma of at least this many standard deviations of the "
                    f"latents. {WAKE_SIGMA:g} is not to be seen; less is faster, but below 40 deep levels lose detail "
                    "and follow their prompts less. 0 leaves out nothing; so do the widest level, and levels down to "
                    "a photo or a held one.",
                ),
            ],
            outputs=[ZoomBlendType.Output(display_name="blend_options", tooltip="For Zoom KSampler.")],
        )

    @classmethod
    @checked()
    def execute(
        cls,
        mode: str,
        space: str,
        start_percent: float,
        end_percent: float,
        every: int,
        vae: VAE | None = None,
        travel_repeats: int = 1,
        travel_start: float = 0.2,
        travel_end: float = 0.8,
        wake_sigma: float = WAKE_SIGMA,
    ) -> io.NodeOutput:
        check_order("start_percent", start_percent, "end_percent", end_percent)
        check_order("travel_start", travel_start, "travel_end", travel_end)
        options = BlendOptions(
            mode,
            space,
            vae,
            start_percent,
            end_percent,
            every,
            travel_repeats,
            travel_start,
            travel_end,
            wake_sigma,
        )
        return io.NodeOutput(options)


def _percent(name: str, default: float, tooltip: str, advanced: bool = False) -> io.Float.Input:
    return io.Float.Input(
        name, optional=advanced, advanced=advanced, default=default, min=0.0, max=1.0, step=0.01, tooltip=tooltip
    )
