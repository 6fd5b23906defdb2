"""What of a conditioning entry is one per zoom level.

A tensor of an entry may hold a batch: prompts, pictures to inpaint, masks. The host gives item i of it to picture i of
its own batch. A level is sampled as a batch of its own, so item i is taken out for level i before the model reads it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import comfy.clip_vision
import comfy.conds
from torch import Tensor

from ..host_types import Entries, Entry
from .level_marks import ZOOM_LEVEL

# By what the host's models read of an entry and its nodes put there; a key that is not here is judged by its shape.

# Tensors whose first dimension is the batch, lists of such tensors, and outputs of vision models.
BATCHED = frozenset(
    {
        # prompts
        "cross_attn",
        "cross_attn_controlnet",
        "pooled_output",
        "pooled_output_controlnet",
        "attention_mask",
        "attention_mask_mt5xl",
        "conditioning_byt5small",
        "conditioning_llama3",
        "conditioning_lyrics",
        "conditioning_mt5xl",
        "text_input_ids",
        "reference_latents_text_embeds",
        "time_conditioning",
        # pictures
        "concat_latent_image",
        "concat_image",
        "noise_concat",
        "reference_latents",
        "ref_latent",
        "context_latents",
        "lq_latent",
        "degrade_sigma",
        "stable_cascade_prior",
        "condition",
        "clip_vision_output",
        "clip_vision_output_ref",
        "clip_vision_outputs",
        # video and sound
        "audio_embed",
        "camera_conditions",
        "control_video",
        "driving_mask_28ch",
        "face_video_pixels",
        "keyframe_idxs",
        "ofs",
        "pose_video_latent",
        "ref_mask_28ch",
        "reference_audio_timbre_latents",
        "reference_motion",
        "time_dim_concat",
        "time_dim_replace",
        "vace_frames",
        "vace_mask",
    }
)

# [levels, height, width] pixels; for a level of several frames that may also be the frames of one mask.
MASKS = frozenset({"mask", "concat_mask"})

# Of BATCHED, those that are one number per item.
ROWS = frozenset({"degrade_sigma", "ofs"})

# One number, or a list of one per picture.
NUMBERS = frozenset({"elevation", "azimuth"})

# Split by what they are, in `level_entries`.
OBJECTS = frozenset({"control", "hooks"})

# One for all levels: numbers, words and sizes, tokens that the host takes for a single prompt, objects without a batch,
# and what the host itself merges into one for every picture (all images of an unCLIP conditioning).
SHARED = frozenset(
    {
        "additional_models",
        "aesthetic_score",
        "area",
        "aspect_ratio",
        "attention_mask_img_shape",
        "audio_codes",
        "audio_inject_scale",
        "augmentation_level",
        "clip_end_percent",
        "clip_start_percent",
        "concat_mask_index",
        "control_apply_to_uncond",
        "crop_h",
        "crop_w",
        "default",
        "end_percent",
        "fps",
        "frame_rate",
        "gligen",
        "guidance",
        "guide_attention_entries",
        "guiding_frame_index",
        "height",
        "lyrics_strength",
        "mask_strength",
        "minimax_audio_cond_noise_aug",
        "minimax_frame_count",
        "minimax_keyframes",
        "minimax_refs",
        "minimax_token_tags",
        "minimax_visual_cond_noise_aug",
        "model_conds",
        "motion_bucket_id",
        "noise_augmentation",
        "prompt_type",
        "ref_audio",
        "ref_mask_flag",
        "reference_latents_method",
        "seconds_start",
        "seconds_total",
        "set_area_to_bounds",
        "start_percent",
        "strength",
        "t5xxl_ids",
        "t5xxl_weights",
        "target_height",
        "target_width",
        "timestep_end",
        "timestep_start",
        "unclip_conditioning",
        "unclip_noise_augment_merge",
        "unprocessed_ltxav_embeds",
        "uuid",
        "vace_strength",
        "width",
    }
)

# What a person calls it, where that differs from the key.
WORDS = {"cross_attn": "the prompt", "pooled_output": "the pooled prompt"}


def items_per_level(conds: Entries, levels: int, frames: int, node: str) -> Entries:
    """Entries that hold a batch, as one entry per level with its own item of it; the others as they are.

    Args:
        conds: the host's converted entries by key ("positive", …); left as they are.
        frames: of one level's latent, 1 for pictures.
        node: the display name of the node, for errors.

    Raises:
        ValueError: for a batch that is neither one for all levels nor one per level.
    """
    return {
        name: [part for entry in entries for part in _parts(entry, levels, frames, f"{node}: {name}")]
        for name, entries in conds.items()
    }


def prompts_in(entries: list[Entry]) -> set[int]:
    """How many prompts the entries for every level hold, where one of them holds several."""
    unmarked = [entry.get("cross_attn") for entry in entries if ZOOM_LEVEL not in entry]
    return {len(embedding) for embedding in unmarked if isinstance(embedding, Tensor)} - {1}


def check_batch(size: int, levels: int, what: str) -> None:
    """Raises ValueError for a batch of ``size`` that is neither one for all levels nor one per level."""
    if size in (1, levels):
        return
    if levels == 1:
        raise ValueError(
            f"{what} has a batch of {size}, but there is one zoom level; expected 1. For {size} levels connect a "
            f"latent_image with a batch of {size}."
        )
    raise ValueError(
        f"{what} has a batch of {size} for {levels} zoom levels; expected {levels}, one per level, or 1 for all."
    )


def model_conds_of_level(entries: list[Entry], level: int, levels: int, what: str | None = None) -> list[Entry]:
    """Processed entries with the level's row of what the model still made of a whole batch.

    That is from keys of other packs, which only the model can read, and from what was processed for all levels at once.

    Args:
        what: the node and the kind of the entries, for the error about a batch of another size; None: take its first
            row, as the host does.

    Raises:
        ValueError: for such a batch.
    """

    def own(key: str, cond: Any) -> Any:
        if not isinstance(cond, comfy.conds.CONDRegular) or isinstance(cond, comfy.conds.CONDConstant):
            return cond
        tensors = cond.cond if isinstance(cond.cond, list) else [cond.cond]
        sizes = {len(tensor) for tensor in tensors if isinstance(tensor, Tensor) and tensor.ndim} - {1}
        if what is not None:
            for size in sizes:
                check_batch(size, levels, f"{what}: {key} of the model's conditioning")
        if levels not in sizes:
            return cond
        rows = [_item(tensor, level, levels) for tensor in tensors]
        return cond._copy_with(rows if isinstance(cond.cond, list) else rows[0])

    if levels == 1:
        return entries
    return [{**e, "model_conds": {key: own(key, cond) for key, cond in e["model_conds"].items()}} for e in entries]


def _parts(entry: Entry, levels: int, frames: int, what: str) -> list[Entry]:
    batched = set()
    for key in sorted(entry, key="cross_attn".__ne__):  # what a person knows best first
        sizes = _batches(key, entry[key], levels, frames)
        for size in sizes:
            check_batch(size, levels, f"{what}: {WORDS.get(key, key)}")
        if levels > 1 and levels in sizes:
            batched.add(key)
    if not batched:
        return [entry]
    own = range(levels) if ZOOM_LEVEL not in entry else [entry[ZOOM_LEVEL]]
    return [{**entry, ZOOM_LEVEL: i, **{key: _own(key, entry[key], i, levels) for key in batched}} for i in own]


def _batches(key: str, value: Any, levels: int, frames: int) -> set[int]:
    """The sizes of the batches in an entry's value."""
    if key in SHARED or key in OBJECTS:
        return set()
    if key in NUMBERS:
        return {len(value)} if isinstance(value, (list, tuple)) else set()
    if key in MASKS and isinstance(value, Tensor):
        one = value.ndim < 3 or (value.ndim == 3 and frames > 1 and len(value) in (1, frames))
        return {1 if one else len(value)}
    sizes = {len(tensor) for tensor in _tensors(value) if tensor.ndim > 1 or key in ROWS}
    return sizes if key in BATCHED else sizes & {levels}


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor) and value.ndim:
        yield value
    elif type(value) in (list, tuple):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, comfy.clip_vision.Output):
        yield from _tensors(list(vars(value).values()))


def _own(key: str, value: Any, level: int, levels: int) -> Any:
    return value[level] if key in NUMBERS else _item(value, level, levels)


def _item(value: Any, level: int, levels: int) -> Any:
    """A level's item of a batch, as a batch of one; what has no batch of all levels stays."""
    if isinstance(value, Tensor):
        return value[level : level + 1] if value.ndim and len(value) == levels else value
    if isinstance(value, comfy.clip_vision.Output):
        own = copy.copy(value)
        for name, part in vars(value).items():
            own[name] = [part[level]] if name == "image_sizes" and len(part) == levels else _item(part, level, levels)
        return own
    if type(value) in (list, tuple):
        return type(value)(_item(part, level, levels) for part in value)
    return value
