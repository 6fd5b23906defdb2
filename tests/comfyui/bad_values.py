"""For every node of the pack: inputs that it takes, and for every type of input, values that it must refuse."""

from typing import Any

import comfy.samplers
import pytest
import torch
from comfy_api.latest import InputImpl
from harness import Host, NodeFailed, Prompt, Ref
from zoom_graphs import BOTH, PATH_WIDGETS, ZOOM_ONLY, Checkpoint

NAN, INF = float("nan"), float("inf")
LONG = "x" * 200_000
LONGEST = 1000  # characters of an error, which a person reads in a box

SAMPLED: dict[str, Any] = {**{key: ZOOM_ONLY[key] for key in ("zoom_factor", "alignment", "blend")}}
FOCUS = {"focus_x": 0.5, "focus_y": 0.5}
ADVANCED: dict[str, Any] = {
    **{key: value for key, value in BOTH.items() if key not in ("seed", "denoise")},
    "noise_seed": 0,
    "add_noise": "enable",
    "start_at_step": 0,
    "end_at_step": 100,
    "return_with_leftover_noise": "disable",
}
MOTION: dict[str, Any] = {"roll": 0.0, "drift": 0.0, "drift_seconds": 12.0}
PATH_OPTIONS: dict[str, Any] = {
    "duration": 0.0,
    "soft_ends": "both",
    "dwell": "0",
    "start_zoom": 0.0,
    "end_zoom": -1.0,
    "motion_blur": 0.0,
    "first_level": 1.0,
    "last_level": 0.0,
    "rounds": 1,
    "visit": "",
    **MOTION,
}
SOUND: dict[str, Any] = {
    "fit_sound": False,
    "beat_strength": 0.5,
    "beat_smoothing": 0.5,
    "audio": {"waveform": torch.rand(1, 2, 22050) - 0.5, "sample_rate": 22050},
}
ENCODING: dict[str, Any] = {"crf": 17.0, "preset": "veryfast", "format": "h264", "bit_depth": 8}
PERCENT = {"start_percent": 0.0, "end_percent": 1.0}


def with_nan(value: Any, at: Any = NAN) -> Any:
    """A copy of a tensor with one value replaced."""
    changed = value.clone()
    changed.view(-1)[len(changed.view(-1)) // 2] = at
    return changed


def message_of(host: Host, prompt: Prompt, *refs: Ref, kind: str = "ValueError") -> str:
    """What the user reads when a graph fails, with an exception of this kind."""
    with pytest.raises(NodeFailed) as failed:
        host.evaluate(prompt, *refs)
    found, message = str(failed.value).split("\nTraceback")[0].split("\n\n  File")[0].split(": ", 2)[1:]
    assert found == kind, f"{found}: {message[:300]}"
    assert len(message) < LONGEST, message[:300]
    return message


def nested_pictures() -> torch.Tensor:
    """[2, 64, 64, 3]: a picture and its middle, twice as large."""
    cells = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    wide = torch.nn.functional.interpolate(cells, (64, 64), mode="bicubic").clamp(0, 1)
    deep = torch.nn.functional.interpolate(wide[..., 16:48, 16:48], (64, 64), mode="bicubic").clamp(0, 1)
    return torch.cat([wide, deep]).movedim(1, -1)


def good_inputs(host: Host, eps: Checkpoint) -> dict[str, dict[str, Any]]:
    """By node id, values for all inputs of the node."""
    images = torch.linspace(0, 1, 3)[:, None, None, None].expand(3, 16, 16, 3).contiguous()
    nesting = host.module("zoomstack_core.nesting").Nesting()
    geometry = nesting.fit(3, 16, 16)
    stack = host.module("zoomstack_core.method.stack").ZoomStack(images.movedim(-1, 1), geometry)
    blending, photos, noise = (
        host.module(f"sampling.{name}") for name in ("agreement.blend_options", "agreement.photos", "noise.step_noise")
    )
    blend = blending.BlendOptions()
    anchors = (photos.Photo(torch.rand(1, 64, 64, 3), 2, "projection", 1.0, 0.0, 1.0, "cover", eps.vae),)
    shared = noise.SharedNoise(0, noise.NoiseSharing())
    guider = comfy.samplers.CFGGuider(eps.model)
    guider.set_conds(eps.schedule("a", "b", "c"), eps.encode(""))
    joint = {**SAMPLED, **FOCUS, "geometry": nesting, "blend_options": blend, "anchors": anchors, "vae": eps.vae}
    sampler = {
        "model": eps.model,
        "positive": eps.schedule("a", "b", "c"),
        "negative": eps.encode(""),
        "latent_image": eps.empty(3),
        "noise": shared,
        **joint,
    }
    held = host.module("sampling.agreement.held").hold_levels(eps.empty(2), [0, 1], 0, 1)
    path = {"stack": stack, **PATH_WIDGETS, **PATH_OPTIONS}
    hold = {"latent": eps.empty(3), "levels": "all", "add_deeper": 1, "add_wider": 0}
    photo = {
        **PERCENT,
        "photo": torch.rand(1, 64, 64, 3),
        "level": 1,
        "method": "projection",
        "strength": 1.0,
        "fit": "cover",
        "vae": eps.vae,
        "anchors": anchors,
    }
    return {
        "ZoomDemoModel": {},
        "ZoomFrames": path,
        "ZoomFromPictures": {"images": nested_pictures(), "match_colors": True},
        "ZoomGeometry": {"zoom_factors": "2", "focus": "0.5, 0.5", "prefilter": "box", "endless": False},
        "ZoomGuider": {"guider": guider, "held": held, **joint},
        "ZoomHeldLevels": hold,
        "ZoomHoldLevels": hold,
        "ZoomKSampler": {**BOTH, **sampler, "steps": 2, "keep": True, "level_seeds": "1: 5", "kept_file": ""},
        "ZoomKSamplerAdvanced": {**ADVANCED, **sampler, "steps": 2},
        "ZoomMultiResBlend": {
            **PERCENT,
            "mode": "border",
            "space": "auto",
            "vae": eps.vae,
            "every": 1,
            "travel_repeats": 1,
            "travel_start": 0.2,
            "travel_end": 0.8,
            "wake_sigma": 48.0,
        },
        "ZoomAnchorPhoto": photo,
        "ZoomPhotoAnchor": photo,
        "ZoomPromptSchedule": {
            "clip": eps.clip,
            "prefix": "",
            "suffix": "",
            "negative": "",
            "expected_levels": 0,
            "prompts": "a\nb",
            "geometry": nesting,
        },
        "ZoomPromptWriter": {
            "scene": "x",
            "levels": 3,
            "zoom_factor": 2.0,
            "style": "",
            "geometry": nesting,
            "images": images,
            "prompts": "a\nb\nc",
        },
        "ZoomSaveVideo": {"video": InputImpl.VideoFromFile("none.mp4"), "filename_prefix": "video/zoom"},
        "ZoomSharedNoise": {"noise_seed": 0, "initial_noise": "auto", "step_noise": "shared"},
        "ZoomStack": {"images": images, "zoom_factor": 2.0, **FOCUS, "geometry": nesting, "feather": 4},
        "ZoomVideo": {**path, **ENCODING, **SOUND, "settings_for": "as set here"},
        "ZoomViewer": {"stack": stack, "prompts": "a\nb\nc", "export_html": False, "filename_prefix": "zoom", **MOTION},
    }


def images() -> torch.Tensor:
    return torch.rand(3, 16, 16, 3)


def levels(value: float = 0.0) -> torch.Tensor:
    return torch.full((3, 4, 8, 8), value)


# By the host's name of an input's type: values that no input of this type can take, by what they are.
BAD_VALUES: dict[str, dict[str, Any]] = {
    "INT": {"none": None, "text": "many", "NaN": NAN, "infinite": INF, "part": 2.5, "huge": 10**400, "list": [1]},
    "FLOAT": {"none": None, "text": LONG, "NaN": NAN, "infinite": INF, "1e308": 1e308, "negative": -1e9, "list": [1.0]},
    "BOOLEAN": {"none": None, "text": "yes", "two": 2, "list": [True]},
    "COMBO": {"none": None, "text": LONG, "number": 3, "list": ["auto"]},
    "STRING": {"none": None, "number": 3, "list": ["a"], "tensor": torch.zeros(2)},
    "IMAGE": {
        "none": None,
        "list": [torch.rand(1, 8, 8, 3)],
        "latent": {"samples": torch.zeros(1, 4, 8, 8)},
        "one picture without a batch": torch.rand(8, 8, 3),
        "empty": torch.zeros(0, 16, 16, 3),
        "no pixels": torch.zeros(3, 0, 16, 3),
        "gray": torch.rand(3, 16, 16, 1),
        "gray and alpha": torch.rand(3, 16, 16, 2),
        "channels first": torch.rand(3, 3, 16, 16),
        "bytes": torch.full((3, 16, 16, 3), 200, dtype=torch.uint8),
        "values of 300": 300 * images(),
        "from -1 to 1": with_nan(images(), -1.0),
        "NaN": with_nan(images()),
        "infinite": with_nan(images(), -INF),
        "alpha of NaN": with_nan(torch.rand(3, 16, 16, 4)),
        "complex": torch.zeros(3, 16, 16, 3, dtype=torch.complex64),
    },
    "LATENT": {
        "none": None,
        "tensor": levels(),
        "without samples": {"waveform": levels()},
        "samples of None": {"samples": None},
        "samples as a list": {"samples": [levels()]},
        "empty": {"samples": levels()[:0]},
        "no pixels": {"samples": levels()[..., :0]},
        "whole numbers": {"samples": levels().int()},
        "two axes": {"samples": levels()[0, 0]},
        "NaN": {"samples": with_nan(levels())},
        "infinite": {"samples": with_nan(levels(), INF)},
        "mask of NaN": {"samples": levels(), "noise_mask": with_nan(torch.ones(3, 8, 8))},
        "mask of None in a list": {"samples": levels(), "noise_mask": [None]},
        "empty mask": {"samples": levels(), "noise_mask": torch.ones(0, 8, 8)},
        "mask of bytes": {"samples": levels(), "noise_mask": torch.full((3, 8, 8), 255, dtype=torch.uint8)},
        "mask of 255": {"samples": levels(), "noise_mask": torch.full((3, 8, 8), 255.0)},
    },
    "AUDIO": {
        "text": LONG,
        "tensor": torch.zeros(1, 2, 4410),
        "without a rate": {"waveform": torch.zeros(1, 2, 4410)},
        "waveform of None": {"waveform": None, "sample_rate": 44100},
        "one channel": {"waveform": torch.zeros(4410), "sample_rate": 44100},
        "nine channels": {"waveform": torch.zeros(1, 9, 4410), "sample_rate": 44100},
        "empty": {"waveform": torch.zeros(1, 2, 0), "sample_rate": 44100},
        "whole numbers": {"waveform": torch.zeros(1, 2, 4410, dtype=torch.int16), "sample_rate": 44100},
        "values of 16 bits": {"waveform": torch.full((1, 2, 4410), 2e4), "sample_rate": 44100},
        "NaN": {"waveform": with_nan(torch.zeros(1, 2, 4410)), "sample_rate": 44100},
        "rate of 0": {"waveform": torch.zeros(1, 2, 4410), "sample_rate": 0},
        "rate of None": {"waveform": torch.zeros(1, 2, 4410), "sample_rate": None},
        "rate of text": {"waveform": torch.zeros(1, 2, 4410), "sample_rate": LONG},
    },
    "CONDITIONING": {
        "none": None,
        "text": LONG,
        "entries of text": ["a"],
        "pairs of text": [["a", "b"]],
        "empty": [],
        "NaN": [[torch.full((1, 77, 32), NAN), {}]],
    },
}
# of every other type
BAD_OBJECTS: dict[str, Any] = {"text": LONG, "list": [None], "dict": {}, "number": 7, "tensor": torch.zeros(1)}
REQUIRED_OBJECTS: dict[str, Any] = {"none": None, **BAD_OBJECTS}


def bad_values(entry: Any) -> dict[str, Any]:
    """Values that the input ``entry`` of a schema must refuse, by what they are. For sockets that may be left free,
    None is no such value: nodes of other packs give it for nothing."""
    values = BAD_VALUES.get(entry.get_io_type(), REQUIRED_OBJECTS)
    is_socket = not hasattr(entry, "default") or getattr(entry, "force_input", False)
    may_be_empty = {"empty"} if entry.id == "negative" else set()
    return {
        name: value
        for name, value in values.items()
        if name not in may_be_empty and (value is not None or not (entry.optional and is_socket))
    }
