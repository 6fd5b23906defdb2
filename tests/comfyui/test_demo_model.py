"""ZoomDemoModel: what it gives are ordinary MODEL, CLIP and VAE objects, which the host's own nodes accept."""

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from harness import PACK, Host, NodeFailed, Prompt, call
from safetensors.torch import save_file
from torch import Tensor

WEIGHTS = PACK / "demo" / "demo_model.safetensors"
SIZE = 64
NOT_WEIGHTS = ("__metadata__", "known_tokens", "latent.rgb")


def graph(text: str = "a blue spiral galaxy", latent: Any = None, sampler: str = "KSampler", **inputs: Any) -> Prompt:
    """Text to image with the demo model; ``demo`` comes first, so that patches can be put behind it."""
    return {
        "demo": call("ZoomDemoModel"),
        "positive": call("CLIPTextEncode", clip=["demo", 1], text=text),
        "negative": call("CLIPTextEncode", clip=["demo", 1], text=""),
        "latent": latent or call("EmptyLatentImage", width=SIZE, height=SIZE, batch_size=1),
        "sampler": call(
            sampler,
            **{
                "model": ["demo", 0],
                "positive": ["positive", 0],
                "negative": ["negative", 0],
                "latent_image": ["latent", 0],
                "seed": 3,
                "steps": 3,
                "cfg": 3.0,
                "sampler_name": "euler",
                "scheduler": "karras",
                "denoise": 1.0,
                **inputs,
            },
        ),
        "decode": call("VAEDecode", samples=["sampler", 0], vae=["demo", 2]),
    }


def difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().mean() / b.std())


@pytest.fixture(scope="module")
def picture(host: Host) -> Tensor:
    (image,) = host.evaluate(graph(), ["decode", 0])
    return image


def test_stock_nodes_make_a_picture(host: Host, picture: Tensor) -> None:
    latent, image = host.evaluate(graph(), ["sampler", 0], ["decode", 0])
    assert latent["samples"].shape == (1, 16, SIZE // 8, SIZE // 8)
    assert image.shape == (1, SIZE, SIZE, 3)
    assert torch.equal(image, picture)
    assert image.std() > 0.02
    assert float(image.min()) >= 0
    assert float(image.max()) <= 1


@pytest.mark.parametrize("text", ["a volcanic planet", "an icy planet", ""])
def test_the_prompt_changes_the_picture(host: Host, picture: Tensor, text: str) -> None:
    (other,) = host.evaluate(graph(text), ["decode", 0])
    assert difference(other, picture) > 0.02


def test_seed_and_guidance_change_the_picture(host: Host, picture: Tensor) -> None:
    for inputs in ({"seed": 4}, {"cfg": 6.0}):
        (other,) = host.evaluate(graph(**inputs), ["decode", 0])
        assert difference(other, picture) > 0.02


@pytest.mark.parametrize("text", ["xylophone quetzal 東京 🚀 \\(o_O\\)", "a (blue:1.3) galaxy", "planet " * 200])
def test_any_text_can_be_encoded(host: Host, text: str) -> None:
    (image,) = host.evaluate(graph(text), ["decode", 0])
    assert torch.isfinite(image).all()


def test_unknown_words_have_a_meaning_of_their_own(host: Host) -> None:
    texts = ["an icy planet", "a volcanic planet", "a xylophone planet"]
    icy, volcanic, unknown = (host.evaluate(graph(text), ["positive", 0])[0][0][0] for text in texts)
    assert icy.shape == (1, 77, 128)
    assert difference(volcanic, icy) > 0.01
    assert difference(unknown, icy) > 0.01
    assert difference(unknown, volcanic) > 0.01


def test_it_is_a_latent_model_of_the_kind_people_use(host: Host) -> None:
    (model,) = host.evaluate(graph(), ["demo", 0])
    latent_format = model.get_model_object("latent_format")
    assert (latent_format.latent_channels, latent_format.spacial_downscale_ratio) == (16, 8)
    assert (torch.tensor(latent_format.latent_rgb_factors).shape, len(latent_format.latent_rgb_factors_bias)) == (
        (16, 3),
        3,
    )
    sampling = model.get_model_object("model_sampling")
    assert float(sampling.sigma_min) == pytest.approx(0.005)
    assert float(sampling.sigma_max) == pytest.approx(80)


def test_encoding_and_decoding_keep_a_picture(host: Host) -> None:
    """Of 60 pictures of 256² 29.9 dB, and the energy of each band within a tenth: detail that is lost is drawn anew."""
    universe = host.module("demo.universe").Universe(256, seed=9)
    pictures = universe.pictures([universe.random_scene(stage) for stage in range(15)])
    prompt = {
        "demo": call("ZoomDemoModel"),
        "image": host.source(pictures.movedim(1, -1)),
        "encode": call("VAEEncode", pixels=["image", 0], vae=["demo", 2]),
        "decode": call("VAEDecode", samples=["encode", 0], vae=["demo", 2]),
    }
    latent, again = host.evaluate(prompt, ["encode", 0], ["decode", 0])
    assert latent["samples"].shape == (15, 16, 32, 32)
    assert 0.9 < latent["samples"].std() < 1.1
    error = (again.movedim(-1, 1).clamp(0, 1) - pictures).square().mean((1, 2, 3))
    assert -10 * error.log10().mean() > 28
    energy = host.module("zoomstack_core").band_energy
    ratio = energy(again.movedim(-1, 1).clamp(0, 1)) / energy(pictures)
    assert (ratio.log().mean(0).abs() < math.log(1.1)).all()


@pytest.mark.parametrize("lora", ["FEW_STEPS", "FOREST"])
def test_the_loras_are_in_the_hosts_list(host: Host, lora: str) -> None:
    (picture,) = host.evaluate(graph(steps=2), ["decode", 0])
    prompt = graph(steps=2, model=["lora", 0])
    file = getattr(host.module("demo.folders"), lora)
    prompt["lora"] = call("LoraLoaderModelOnly", model=["demo", 0], lora_name=file, strength_model=1.0)
    (changed,) = host.evaluate(prompt, ["decode", 0])
    assert difference(changed, picture) > 0.02


@pytest.mark.parametrize(
    ("file", "times"), [("zoomstack_demo_4x.safetensors", 4), ("zoomstack_demo_2x.safetensors", 2)]
)
def test_the_upscalers_are_in_the_hosts_list_and_keep_what_a_picture_shows(host: Host, file: str, times: int) -> None:
    universe = host.module("demo.universe").Universe(SIZE, seed=9)
    small = universe.pictures([universe.random_scene(stage) for stage in (0, 6, 9)]).movedim(1, -1)
    prompt = {
        "image": host.source(small),
        "upscaler": call("UpscaleModelLoader", model_name=file),
        "larger": call("ImageUpscaleWithModel", upscale_model=["upscaler", 0], image=["image", 0]),
    }
    (larger,) = host.evaluate(prompt, ["larger", 0])
    assert larger.shape == (3, times * SIZE, times * SIZE, 3)
    again = torch.nn.functional.avg_pool2d(larger.movedim(-1, 1), times).movedim(1, -1)
    assert difference(again, small) < 0.1


def test_the_upscaler_makes_detail_around_what_the_next_level_shows(host: Host) -> None:
    """Of ground it has no less of the finest two octaves than half of what the picture itself has in its finest one."""
    universe = host.module("demo.universe").Universe(SIZE, seed=9)
    ground = universe.pictures([universe.random_scene(stage) for stage in (10, 11, 12)])
    prompt = {
        "image": host.source(ground.movedim(1, -1)),
        "noisy": call("ImageAddNoise", image=["image", 0], seed=0, strength=0.02),
        "upscaler": call("UpscaleModelLoader", model_name=host.module("demo.folders").UPSCALER),
        "larger": call("ImageUpscaleWithModel", upscale_model=["upscaler", 0], image=["noisy", 0]),
    }
    (larger,) = host.evaluate(prompt, ["larger", 0])
    contrast = [energy.mean().sqrt() for energy in host.module("demo.octaves").octaves(larger.movedim(-1, 1))]
    assert min(contrast[:2]) > 0.5 * contrast[2]


def test_the_forest_knows_its_words(host: Host) -> None:
    """They mean something to the text encoder, each another thing than a word that nobody taught it."""
    texts = ["a green leaf", "a green forest", "a green zxq"]
    leaf, forest, unknown = (host.evaluate(graph(text), ["positive", 0])[0][0][0] for text in texts)
    assert min(difference(leaf, forest), difference(leaf, unknown), difference(forest, unknown)) > 0.01


def test_image_to_image_keeps_the_image(host: Host) -> None:
    universe = host.module("demo.universe").Universe(SIZE, seed=9)
    image = universe.pictures([universe.random_scene(8)]).movedim(1, -1)
    results = []
    for denoise in (0.05, 1.0):
        prompt = graph(latent=call("VAEEncode", pixels=["image", 0], vae=["demo", 2]), denoise=denoise)
        (result,) = host.evaluate({**prompt, "image": host.source(image)}, ["decode", 0])
        results.append(difference(result, image))
    assert results[0] < 0.5 * results[1]


PATCHES: dict[str, dict[str, Any]] = {
    "ModelSamplingContinuousEDM": {"sampling": "v_prediction", "sigma_max": 20.0, "sigma_min": 0.01},
    "RescaleCFG": {"multiplier": 0.7},
    "FreeU_V2": {"b1": 1.3, "b2": 1.4, "s1": 0.9, "s2": 0.2},
    "PerturbedAttentionGuidance": {"scale": 3.0},
}


@pytest.mark.parametrize("sampler", ["KSampler", "ZoomKSampler"])
@pytest.mark.parametrize("patch", PATCHES)
def test_model_patches_take_effect(host: Host, patch: str, sampler: str) -> None:
    inputs: dict[str, Any] = (
        {} if sampler == "KSampler" else {"zoom_factor": 2.0, "alignment": 1.0, "blend": "laplacian"}
    )
    plain = graph(sampler=sampler, **inputs)
    patched = graph(sampler=sampler, **inputs)
    patched["patch"] = call(patch, model=["demo", 0], **PATCHES[patch])
    patched["sampler"]["inputs"]["model"] = ["patch", 0]
    for prompt in (plain, patched):
        prompt["latent"]["inputs"]["batch_size"] = 2 if inputs else 1
    (before,), (after,) = host.evaluate(plain, ["decode", 0]), host.evaluate(patched, ["decode", 0])
    assert torch.isfinite(after).all()
    assert difference(after, before) > 1e-3


def test_loras_take_effect_on_model_and_text_encoder(host: Host, picture: Tensor) -> None:
    """Names are those of the host's own LoRA key map."""
    model, clip = host.evaluate(graph(), ["demo", 0], ["demo", 1])
    generator = torch.Generator().manual_seed(0)
    file: dict[str, Tensor] = {}
    unet = {key: value for key, value in model.model.state_dict().items() if key.endswith("attn2.to_v.weight")}
    text = {
        key: value
        for key, value in clip.cond_stage_model.state_dict().items()
        if key.endswith("layers.0.self_attn.v_proj.weight")
    }
    assert unet
    assert text
    for prefix, weights in (("lora_unet_", unet), ("lora_te_", text)):
        for key, value in weights.items():
            name = key.removeprefix("diffusion_model.")
            name = name[name.index("text_model.") :] if "text_model." in name else name
            stem = prefix + name.removesuffix(".weight").replace(".", "_")
            file[f"{stem}.lora_up.weight"] = torch.randn(value.shape[0], 2, generator=generator)
            file[f"{stem}.lora_down.weight"] = torch.randn(2, value.shape[1], generator=generator)
    folder = host.base / "models" / "loras"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(file, folder / "demo_lora.safetensors")

    def with_lora(strength_model: float, strength_clip: float) -> Tensor:
        prompt = graph()
        prompt["lora"] = call(
            "LoraLoader",
            model=["demo", 0],
            clip=["demo", 1],
            lora_name="demo_lora.safetensors",
            strength_model=strength_model,
            strength_clip=strength_clip,
        )
        prompt["sampler"]["inputs"]["model"] = ["lora", 0]
        prompt["positive"]["inputs"]["clip"] = ["lora", 1]
        return host.evaluate(prompt, ["decode", 0])[0]

    assert torch.equal(with_lora(0.0, 0.0), picture)
    assert difference(with_lora(1.0, 0.0), picture) > 0.01
    assert difference(with_lora(0.0, 1.0), picture) > 1e-3
    assert torch.equal(host.evaluate(graph(), ["decode", 0])[0], picture), "the LoRA must come off again"


@pytest.mark.parametrize(("height", "width"), [(3, 4), (9, 15), (16, 7)])
def test_any_size_works(host: Host, height: int, width: int) -> None:
    latent = host.source({"samples": torch.zeros(1, 16, height, width)})
    (image,) = host.evaluate(graph(latent=latent, steps=1), ["decode", 0])
    assert image.shape == (1, 8 * height, 8 * width, 3)


def test_a_model_of_patches_says_what_sizes_it_takes(host: Host) -> None:
    """One that is trained on pixels."""
    network = host.module("demo.architecture").build_unet()
    with pytest.raises(ValueError, match="even height and width, got 15×16"):
        network(torch.zeros(1, 3, 15, 16), torch.zeros(1), context=torch.zeros(1, 77, 128))


def test_attention_has_the_heads_it_was_trained_with(host: Host) -> None:
    """The weights have the same shapes for any number of heads."""
    (model,) = host.evaluate(graph(), ["demo", 0])
    trained = host.module("demo.architecture").build_unet(16, patch=1)
    assert heads(model.model.diffusion_model) == heads(trained) != {}


def heads(network: torch.nn.Module) -> dict[str, int]:
    return {name: module.heads for name, module in network.named_modules() if hasattr(module, "heads")}


def test_the_weights_are_small_and_half_precision() -> None:
    sizes = [path.stat().st_size for path in WEIGHTS.parent.rglob("*.safetensors")]
    assert len(sizes) == 6
    assert max(sizes) <= 25e6 and sum(sizes) <= 45e6
    header = safetensors_header(WEIGHTS)
    dtypes = {entry["dtype"] for name, entry in header.items() if name not in NOT_WEIGHTS}
    assert dtypes == {"F16"}
    assert any(name.startswith("unet.") for name in header)
    assert any(name.startswith("text.") for name in header)


def safetensors_header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length))


def test_missing_weights_are_a_clear_error(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    host.evaluate({"value": host.source(0)}, ["value", 0])  # the host keeps the last run's outputs, nothing older
    monkeypatch.setattr(host.module("demo.loader"), "WEIGHTS", tmp_path / "demo_model.safetensors")
    with pytest.raises(NodeFailed, match="ZoomDemoModel: FileNotFoundError: Zoom Demo Model: .* is missing"):
        host.evaluate({"other": call("ZoomDemoModel")}, ["other", 0])


def test_a_second_device_can_load_it_again(host: Host) -> None:
    """The host's multi-GPU nodes clone a MODEL through this."""
    (model,) = host.evaluate(graph(), ["demo", 0])
    loader, arguments, slot = model.cached_patcher_init
    again = loader(*arguments)[slot]
    ours, theirs = model.model.state_dict(), again.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
