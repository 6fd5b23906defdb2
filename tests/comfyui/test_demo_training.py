"""The training scripts, rehearsed: they train, resume where they were, and write the files that the loader reads."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import comfy.sd
import pytest
import torch
from harness import PACK, Host, call
from PIL import Image
from safetensors.torch import load_file, save_file

TABLE = "text.text_model.embeddings.token_embedding.weight"
FOREST_LORA = "loras/zoomstack_demo_forest.safetensors"
SMALL_UPSCALER = "--size 32 --width 8 --layers 2"
pytestmark = pytest.mark.slow


def script(name: str, folder: Path, *options: str | Path | int) -> str:
    """Run a script of demo/ into this folder; what it prints."""
    command = [sys.executable, PACK / "demo" / f"{name}.py", "--out", folder, "--batch", 4, "--threads", 1, *options]
    environ = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hardly trained VAE of four channels."""
    folder = tmp_path_factory.mktemp("vae")
    script("train_vae", folder, "--channels", 4, "--size", 64, "--test-views", 1, "--images", 8)
    return folder / "demo_vae.safetensors"


def test_training_resumes_and_exports_what_the_node_loads(host: Host, tmp_path: Path) -> None:
    quickly = ("--images", 16, "--sheet-steps", 1)
    straight = tmp_path / "straight"
    assert "resumed" not in script("train", straight, *quickly)
    assert "done: 8 images" in script("train", tmp_path, *quickly, "--pause-at", 8)
    first = load_file(tmp_path / "demo_model.safetensors")
    out = script("train", tmp_path, *quickly)
    assert "resumed at 8 images" in out and "done: 16 images" in out
    second = load_file(tmp_path / "demo_model.safetensors")
    shipped = load_file(PACK / "demo" / "demo_model.safetensors").keys() - {"latent.rgb"}  # of latents
    assert first.keys() == second.keys() == shipped
    assert any((first[key] != second[key]).any() for key in first)
    stopped, whole = (load_file(folder / "state.safetensors") for folder in (tmp_path, straight))
    assert all(torch.equal(stopped[key], whole[key]) for key in whole)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (8 * 64, 4 * 64)
    model, clip, _ = host.module("demo.loader").load_demo_model(tmp_path / "demo_model.safetensors")
    assert model.model.diffusion_model is not None
    assert clip.encode_from_tokens_scheduled(clip.tokenize("an icy planet"))[0][0].shape == (1, 77, 128)


def test_the_trained_vae_is_one_that_the_host_reads(vae: Path) -> None:
    loaded = comfy.sd.VAE(sd=load_file(vae))
    assert loaded.latent_channels == 4
    pictures = torch.rand(1, 64, 96, 3, generator=torch.Generator().manual_seed(0))
    latents = loaded.encode(pictures)
    assert latents.shape == (1, 4, 8, 12)
    assert loaded.decode(latents).shape == pictures.shape
    measured = (vae.parent / "measures.csv").read_text().splitlines()
    assert len(measured) == 2 and measured[0].startswith("images,universe psnr,")
    assert float(measured[1].split(",")[1]) > 17, "it begins with the mean colors; random weights have 15"


def test_the_encoder_can_stay_as_it_is(vae: Path, tmp_path: Path) -> None:
    """Latents that were cached stay valid when the discriminator's term begins."""
    before = load_file(vae.parent / "state.safetensors")
    (tmp_path / "state.safetensors").write_bytes((vae.parent / "state.safetensors").read_bytes())
    more = ("--channels", 4, "--size", 64, "--test-views", 1, "--images", 16, "--decoder-only", "--adversarial", 0.1)
    more += ("--energy", 0.3, "--again", 1, "--kept", 2, "--worlds", "universe", "forest")
    assert "resumed at 8 images" in script("train_vae", tmp_path, *more)
    after = load_file(tmp_path / "state.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    parts = {name.split(".")[1] for name in changed if name.startswith("model.")}
    assert parts == {"taesd_decoder", "critic"}


def test_encoding_again_is_for_a_decoder_alone(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="give --decoder-only"):
        script("train_vae", tmp_path, "--again", 1)


def test_training_goes_on_with_all_the_words_that_were_known(tmp_path: Path) -> None:
    """Also those of the forest, which the captions of the universe never use: its LoRA is told them."""
    shipped = PACK / "demo" / "demo_model.safetensors"
    how = ("--vae", PACK / "demo" / "demo_vae.safetensors", "--size", 64, "--sheet-steps", 1)
    script("train", tmp_path, *how, "--images", 4, "--init", shipped)
    before, after = load_file(shipped), load_file(tmp_path / "demo_model.safetensors")
    assert torch.equal(before["known_tokens"], after["known_tokens"])
    assert (before[TABLE].float() - after[TABLE].float()).abs().max() < 1e-2
    assert "resumed at 4 images" in script("train", tmp_path, *how, "--images", 8), "without --init"


def test_a_latent_model_trains_on_cached_and_on_fresh_latents(host: Host, vae: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert "6 pictures" in script("cache_latents", cache, "--vae", vae, "--size", 64, "--images", 6, "--each", 6)
    assert load_file(cache / "latents_00000.safetensors")["latents"].shape == (6, 4, 8, 8)
    quickly = ("--vae", vae, "--size", 64, "--sheet-steps", 1)
    out = script(
        "train", tmp_path, *quickly, "--images", 8, "--latents", cache, "--init", PACK / "demo/demo_model.safetensors"
    )
    assert "began with 330 of 333 weights" in out
    assert "resumed at 8 images" in script("train", tmp_path, *quickly, "--images", 16)
    model, clip, loaded = host.module("demo.loader").load_demo_model(tmp_path / "demo_model.safetensors", vae)
    form = model.get_model_object("latent_format")
    assert (form.latent_channels, form.spacial_downscale_ratio) == (4, 8)
    text = clip.encode_from_tokens(clip.tokenize("an icy planet"))
    made = model.model.apply_model(torch.randn(1, 4, 6, 10), torch.ones(1), c_crossattn=text)
    assert made.shape == (1, 4, 6, 10) and torch.isfinite(made).all()
    assert loaded.decode(made).shape == (1, 48, 80, 3)
    notices = host.module("demo.notice").demo_notices
    assert notices(model, torch.zeros(2, 4, 32, 32), 20, 3.0) == []
    (notice,) = notices(model, torch.zeros(2, 4, 8, 8), 20, 3.0)
    assert "The demo model makes pictures of 256 × 256. The latent is 64 × 64, too small" in notice


def test_a_student_learns_few_steps_from_a_model(host: Host, tmp_path: Path) -> None:
    """Its network changes and its text encoder stays; it goes on where it was, and the node loads it."""
    teacher = PACK / "demo" / "demo_model.safetensors"
    vae = PACK / "demo" / "demo_vae.safetensors"
    how = ("--teacher", teacher, "--vae", vae, "--size", 64, "--images", 8, "--batch", 4, "--lr", 1e-2)
    script("distill", tmp_path, *how, "--pause-at", 4)
    assert "resumed at 4 images" in script("distill", tmp_path, *how)
    before, after = load_file(teacher), load_file(tmp_path / "demo_few_steps.safetensors")
    changed = {
        name for name in before if before[name].shape == after[name].shape and (before[name] != after[name]).any()
    }
    assert {name.split(".")[0] for name in changed} - {"latent"} == {"unet"}  # latent.rgb is fitted anew
    load = host.module("demo.loader").load_demo_model
    model, student = load(teacher)[0], load(tmp_path / "demo_few_steps.safetensors")[0].model
    noise, text = torch.randn(1, 16, 8, 8), torch.zeros(1, 77, 128)
    wanted = student.apply_model(noise, torch.ones(1), c_crossattn=text)
    before = model.model.apply_model(noise, torch.ones(1), c_crossattn=text)
    # as a LoRA of full rank, by the host's own loader
    lora = tmp_path / "lora.safetensors"
    command = [teacher, tmp_path / "demo_few_steps.safetensors", lora, "--rank", 2000]
    extract = [sys.executable, PACK / "demo" / "extract_lora.py", *command]
    subprocess.run([str(part) for part in extract], check=True, capture_output=True)
    patched, _ = comfy.sd.load_lora_for_models(model, None, load_file(lora), 1.0, 0.0)
    comfy.model_management.load_models_gpu([patched])
    made = patched.model.apply_model(noise, torch.ones(1), c_crossattn=text)
    patched.detach()
    assert (made - wanted).abs().max() < 0.1 * (before - wanted).abs().max()


def test_a_lora_learns_another_world_and_leaves_the_model_as_it_is(host: Host, tmp_path: Path) -> None:
    """It goes on where it was, the host's LoRA loader reads it, and the model's file gets only words."""
    model, vae = (PACK / "demo" / f"demo_{name}.safetensors" for name in ("model", "vae"))
    cache, known = tmp_path / "cache", tmp_path / "model.safetensors"
    script("cache_latents", cache, "--vae", vae, "--size", 64, "--images", 4, "--each", 4, "--world", "forest")
    without_forest(model, known)
    how = ("--model", known, "--vae", vae, "--latents", cache, "--size", 64, "--images", 8, "--lr", 1e-2, "--rank", 4)
    script("train_lora", tmp_path, *how, "--sheet-steps", 1, "--pause-at", 4)
    assert "resumed at 4 images" in script("train_lora", tmp_path, *how, "--sheet-steps", 1)
    before, after = load_file(known), load_file(tmp_path / "demo_model.safetensors")
    rows = {name: {int(t): row for row, t in enumerate(each["known_tokens"])} for name, each in
            (("before", before), ("after", after))}  # fmt: skip
    assert set(rows["before"]) < set(rows["after"])
    old, new = before.pop(TABLE), after.pop(TABLE)
    for token, row in rows["before"].items():
        assert torch.equal(old[row], new[rows["after"][token]])
    assert torch.equal(old[-1], new[-1]), "what stands for unknown words"
    assert all(torch.equal(before[name], after[name]) for name in before.keys() - {"known_tokens"})

    loaded, clip, _ = host.module("demo.loader").load_demo_model(tmp_path / "demo_model.safetensors")
    noise = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    text = clip.encode_from_tokens(clip.tokenize("a green leaf"))
    assert not torch.equal(text, clip.encode_from_tokens(clip.tokenize("a green forest")))
    plain = loaded.model.apply_model(noise, torch.ones(1), c_crossattn=text)
    lora = load_file(tmp_path / "demo_lora.safetensors")
    patched, _ = comfy.sd.load_lora_for_models(loaded, None, lora, 1.0, 0.0)
    assert len(patched.patches) == len(lora) // 2, "the host knows every layer's name"
    comfy.model_management.load_models_gpu([patched])
    made = patched.model.apply_model(noise, torch.ones(1), c_crossattn=text)
    patched.detach()
    assert (made - plain).abs().max() > 1e-3


def test_a_lora_learns_on(tmp_path: Path) -> None:
    """From the shipped one: its words stay, so that the model's file does too."""
    folder, cache = PACK / "demo", tmp_path / "cache"
    model, vae, init = folder / "demo_model.safetensors", folder / "demo_vae.safetensors", folder / FOREST_LORA
    script("cache_latents", cache, "--vae", vae, "--size", 64, "--images", 4, "--each", 4, "--world", "forest")
    how = ("--model", model, "--vae", vae, "--latents", cache, "--size", 64, "--images", 4, "--init", init)
    script("train_lora", tmp_path, *how, "--sheet-steps", 1)
    before, after = load_file(model), load_file(tmp_path / "demo_model.safetensors")
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    begun, lora = load_file(init), load_file(tmp_path / "demo_lora.safetensors")
    assert begun.keys() == lora.keys()
    steps = {name: (begun[name].float() - lora[name].float()).abs().max() for name in begun}
    assert 0 < max(steps.values()) < 1e-3, "a step from where it was"


def without_forest(model: Path, to: Path) -> None:
    """The model's file, without the rows of words that only the forest's captions use."""
    from comfy.sd1_clip import SD1Tokenizer

    weights, tokenizer = load_file(model), SD1Tokenizer()
    forest = {token for token, _ in tokenizer.tokenize_with_weights("forest leaf leaves cells veins trees")["l"][0]}
    kept = [row for row, token in enumerate(weights["known_tokens"].tolist()) if token not in forest or token > 49405]
    weights["known_tokens"], weights[TABLE] = weights["known_tokens"][kept], weights[TABLE][[*kept, -1]]
    save_file(weights, to)


def test_previews_of_latents_have_the_pictures_colors(host: Host, vae: Path, tmp_path: Path) -> None:
    script("train", tmp_path, "--vae", vae, "--size", 64, "--sheet-steps", 1, "--images", 4)
    form = host.module("demo.loader").DemoLatents(load_file(tmp_path / "demo_model.safetensors")["latent.rgb"])
    pictures, _ = host.module("demo.universe").Universe(64, seed=5).batch(32)
    latents = comfy.sd.VAE(sd=load_file(vae)).encode(pictures.movedim(1, -1))
    preview = latents.movedim(1, -1) @ torch.tensor(form.latent_rgb_factors) + torch.tensor(
        form.latent_rgb_factors_bias
    )
    colors = torch.nn.functional.avg_pool2d(pictures, 8).movedim(1, -1) * 2 - 1
    assert (preview - colors).square().mean() < 0.5 * colors.var((0, 1, 2)).mean()


def test_the_run_on_a_gpu_rehearsed_here(vae: Path, tmp_path: Path) -> None:
    small = "--size 64 --batch 4 --images 8 --threads 1"
    parts = {
        "VAE": f"{small} --channels 4 --test-views 1 --kept 4",
        "MODEL": f"{small} --sheet-steps 1",
        "FEW_STEPS": small,
    }
    parts |= {"UPSCALER": f"{SMALL_UPSCALER} --views 4 --batch 4 --images 4", "PYTHON": sys.executable}
    parts["LORA"] = f"{small} --sheet-steps 1 --rank 2"
    parts["LATENTS"] = "--size 64 --batch 4 --images 8 --each 8 --threads 1"
    command = ["sh", str(PACK / "demo" / "train_gpu.sh"), str(tmp_path)]
    environ = {**os.environ, **parts, "INIT": str(vae.parent)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environ)
    assert done.returncode == 0, done.stderr
    made = {path.name: path for path in (tmp_path / "weights").iterdir()}
    assert {"demo_upscaler.safetensors", "demo_vae_measures.csv", "demo_few_steps_sheet.png"} <= made.keys()
    from comfy.sd1_clip import SD1Tokenizer

    words = {token for token, _ in SD1Tokenizer().tokenize_with_weights("forest leaf cells")["l"][0]}
    assert words <= set(load_file(made["demo_model.safetensors"])["known_tokens"].tolist()), "what the LoRA is told"
    for network in ("demo_model", "demo_few_steps"):
        assert load_file(made[f"{network}.safetensors"])["latent.rgb"].shape == (5, 3)
    before, after = load_file(vae), load_file(made["demo_vae.safetensors"])
    for part, same in (("taesd_encoder.", True), ("taesd_decoder.", False)):
        names = [name for name in before if name.startswith(part)]
        assert all(torch.equal(before[name], after[name]) for name in names) == same, part


def test_the_trained_upscaler_is_one_that_the_host_reads(host: Host, vae: Path, tmp_path: Path) -> None:
    out = script("train_upscaler", tmp_path, *SMALL_UPSCALER.split(), "--vae", vae, "--views", 4, "--images", 8)
    assert "octave 2" in out
    folder = host.base / "models" / "upscale_models"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(tmp_path / "demo_upscaler.safetensors", folder)
    picture = torch.rand(1, 16, 24, 3, generator=torch.Generator().manual_seed(0))
    prompt = {
        "image": host.source(picture),
        "model": call("UpscaleModelLoader", model_name="demo_upscaler.safetensors"),
        "larger": call("ImageUpscaleWithModel", upscale_model=["model", 0], image=["image", 0]),
    }
    (larger,) = host.evaluate(prompt, ["larger", 0])
    assert larger.shape == (1, 64, 96, 3)
    small = torch.nn.functional.avg_pool2d(larger.movedim(-1, 1), 4)
    assert (small - picture.movedim(-1, 1)).abs().mean() < 0.2


def test_views_are_drawn_anew_for_another_vae(vae: Path, tmp_path: Path) -> None:
    """Else an upscaler would learn on with what a decoder gave that is no longer there."""
    how = (*SMALL_UPSCALER.split(), "--views", 2, "--worlds", "universe", "--images", 4)
    seen = []
    for file in (vae, vae, PACK / "demo" / "demo_vae.safetensors"):
        script("train_upscaler", tmp_path, *how, "--vae", file)
        seen.append(load_file(tmp_path / "views_universe.safetensors")["seen"])
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[1], seen[2])


def test_an_upscaler_begins_with_one_of_half_its_factor(vae: Path, tmp_path: Path) -> None:
    """Whose pictures it makes at first, with every pixel twice."""
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(0)
    half = Compact(num_feat=8, num_conv=2, upscale=2)
    save_file({name: tensor.half() for name, tensor in half.state_dict().items()}, tmp_path / "half.safetensors")
    half.load_state_dict(load_file(tmp_path / "half.safetensors"))
    how = ("--views", 2, "--worlds", "universe", "--images", 0, "--init", tmp_path / "half.safetensors")
    script("train_upscaler", tmp_path, *SMALL_UPSCALER.split(), *how, "--vae", vae)
    whole = Compact(num_feat=8, num_conv=2, upscale=4)
    whole.load_state_dict(load_file(tmp_path / "demo_upscaler.safetensors"))
    picture = torch.rand(1, 3, 6, 9)
    with torch.no_grad():
        torch.testing.assert_close(whole(picture), torch.nn.functional.interpolate(half(picture), scale_factor=2))
