"""The exact benchmark: its world is what it claims, its moments are exact, and it ranks methods as the truth does."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import torch

from benchmarks.exact import GaussianWorld, Setting, run_exactly
from benchmarks.exact.moments import ExactNoise
from benchmarks.exact.report import Report, free_pixels, judge
from benchmarks.exact.run import evaluations
from benchmarks.exact.statistics import measure, variances
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.metrics import band_energy, consistency_error
from zoomstack_core.method.render import render_images
from zoomstack_core.method.sample import sample_joint

ROOT = Path(__file__).resolve().parents[2]
GEOMETRY = ZoomGeometry(3, 8, 8)
BEST = {"alignment": 1.0, "churn": 0.5, "order": 2}


@cache
def world(geometry: ZoomGeometry = GEOMETRY) -> GaussianWorld:
    return GaussianWorld(geometry)


@cache
def report(method: str, alignment: float = 0.0, churn: float = 1.0, order: int = 1) -> Report:
    return run_exactly(world(), Setting(method, alignment, 40, churn, order))


# --- the world


@pytest.mark.parametrize("factor", [2, 4])
def test_a_wide_pixel_is_the_average_of_deep_ones(factor):
    """Within and across levels, up to float precision: Cov(D x, y) = D Cov(x, y)."""
    geometry = ZoomGeometry(3, 8, 8, float(factor))
    field = world(geometry)
    for other in range(3):
        deep = field.covariance(2, other).view(8 // factor, factor, 8 // factor, factor, 64).mean((1, 3))
        middle = slice((8 - 8 // factor) // 2, (8 + 8 // factor) // 2)
        wide = field.covariance(1, other).view(8, 8, 64)[middle, middle]
        torch.testing.assert_close(deep, wide, rtol=1e-9, atol=1e-9)


def test_the_spectrum_is_the_power_law():
    """The variance of the difference of two pixels grows with distance^(slope - 2), up to a constant of the pixels."""
    geometry = ZoomGeometry(1, 1, 64)
    for slope in (2.6, 3.2):
        covariance = GaussianWorld(geometry, slope, largest=8.0).covariance(0, 0)
        step = lambda d: float(covariance[0, 0] - covariance[0, d])  # noqa: B023, E731
        growth = (step(32) - step(16)) / (step(16) - step(8))
        assert math.log2(growth) == pytest.approx(slope - 2, abs=0.05)


def test_both_forms_of_the_box_average_agree():
    from benchmarks.exact.world import _box_average

    distance = torch.linspace(-200, 200, 41, dtype=torch.float64)
    close, far = (_box_average(distance, 1.0, 0.25, scale) for scale in (49.999, 50.001))
    assert (close / far - 1).abs().max() < 2e-3  # sixteen standard deviations make the last permille of the scale
    torch.testing.assert_close(close[15:26], far[15:26], rtol=2e-4, atol=0)


def test_the_denoisers_are_posterior_means():
    """K (K + sigma²)^-1 z on a level, and on the part that the next level covers."""
    field, z = world(), torch.randn(1, 2, 8, 8, dtype=torch.float64)
    covariance = field.covariance(1, 1)
    gain = covariance @ torch.linalg.inv(covariance + 0.49 * torch.eye(64))
    expected = (z.flatten(2) @ gain.T).view_as(z)
    torch.testing.assert_close(field.denoise(z, torch.tensor([0.7]).double(), torch.tensor([1])), expected)
    crop = covariance.view(8, 8, 8, 8)[2:6, 2:6, 2:6, 2:6].reshape(16, 16)
    gain = crop @ torch.linalg.inv(crop + 0.49 * torch.eye(16))
    part = z[0, :, 2:6, 2:6]
    got = field.denoise_overlap(part, torch.tensor(0.7).double(), 1)
    torch.testing.assert_close(got, (part.flatten(1) @ gain.T).view_as(part))


@pytest.mark.parametrize("crop", [False, True])
def test_the_distilled_model_ends_the_probability_flow(crop):
    """Many small Euler steps with the posterior mean lead where it goes at once; on a level and on a part of it."""

    def estimate(field: GaussianWorld, z: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return field.denoise_overlap(z[0], sigma, 0)[None] if crop else field.denoise(z, sigma[None], torch.tensor([0]))

    sigmas = torch.logspace(0, -4, 4000, dtype=torch.float64)
    start = state = torch.randn(1, 2, *((4, 4) if crop else (8, 8)), dtype=torch.float64)
    for now, then in zip(sigmas, sigmas[1:], strict=False):
        mean = estimate(world(), state, now)
        state = mean + then / now * (state - mean)
    at_once = estimate(GaussianWorld(GEOMETRY, model="distilled"), start, sigmas[0])
    torch.testing.assert_close(state, at_once, rtol=0, atol=2e-3)


def test_a_distilled_model_wants_its_noise_anew():
    """Then four evaluations are exact, level by level, and border blending is near; DDPM and ODE steps are not."""
    distilled = GaussianWorld(GEOMETRY, model="distilled")
    few = {"order": 1, "steps": 4, "sigma_max": 99.0, "sigma_min": 0.43}
    alone, border, ddpm, ode = (
        max(run_exactly(distilled, Setting(method, float(method == "border"), churn=churn, **few)).kl)
        for method, churn in [("independent", math.inf), ("border", math.inf), ("border", 1.0), ("border", 0.0)]
    )
    assert alone < 1e-6 and 3 * border < ddpm < 0.2 * ode


@pytest.mark.parametrize("change", [{"slope": 2.0}, {"slope": 4.0}, {"largest": 0.0}, {"model": "best"}])
def test_a_world_that_has_no_covariance_is_refused(change):
    with pytest.raises(ValueError, match=r"(slope|largest|model) must"):
        GaussianWorld(GEOMETRY, **change)


# --- exact moments


@pytest.mark.parametrize("geometry", [GEOMETRY, ZoomGeometry(2, 5, 4, 1.5), ZoomGeometry(2, 4, 6, 2.0, (0.3, 0.5))])
def test_draws_are_white_and_forget_nothing(geometry):
    noise = ExactNoise(geometry)
    first = noise()
    noise.remember(first)
    second = noise()
    eye = torch.eye(first[:, 0].numel(), dtype=torch.float64)
    torch.testing.assert_close(noise.covariance(first), eye)
    torch.testing.assert_close(noise.covariance(second), eye)
    torch.testing.assert_close(noise.covariance(first + 2 * second), 5 * eye)


@pytest.mark.parametrize(
    ("method", "alignment", "order"), [("laplacian", 0.0, 1), ("border", 1.0, 2), ("paper", 0.0, 1)]
)
def test_the_exact_covariance_is_that_of_many_samples(method, alignment, order):
    setting = Setting(method, alignment, 8, 1.0 if method == "paper" else 0.5, order)
    exact = run_exactly(world(), setting)
    layers = sample_joint(
        world().denoise, GEOMETRY, setting.sigmas(), 4000, torch.Generator().manual_seed(0), method, alignment,
        churn=setting.churn, order=order,
    )  # fmt: skip
    images = render_images(layers, GEOMETRY)
    flat = images.transpose(0, 1).flatten(1)
    sampled = judge(world(), flat.T @ flat / len(flat))
    for level in range(3):
        for a, b in zip(exact.bands[level], sampled.bands[level], strict=True):
            assert a == pytest.approx(b, rel=0.05)
    assert exact.seams == pytest.approx(sampled.seams, rel=0.05)
    assert exact.consistency < 1e-6 and consistency_error(images, GEOMETRY) < 1e-10
    energy = band_energy(images)
    assert (energy[:, -1] > energy[:, -1].mean() * 0.1).all()


def test_the_truth_is_without_fault():
    """The report of the true covariance: no divergence, all energy, borders as they should be, levels that agree."""
    for geometry in (GEOMETRY, ZoomGeometry(3, 8, 8, 4.0, (0.375, 0.5))):
        field = world(geometry)
        blocks = [[field.covariance(i, j) for j in range(3)] for i in range(3)]
        perfect = judge(field, torch.cat([torch.cat(row, 1) for row in blocks]))
        assert max(perfect.kl) < 1e-10 and abs(perfect.joint_kl) < 1e-8 and perfect.consistency < 1e-6
        assert perfect.seams == pytest.approx([1, 1])
        assert [value for level in perfect.bands for value in level] == pytest.approx([1] * 9)
        assert [len(free) for free in free_pixels(geometry)][-1] == 64


# --- what the paper and we claim


def test_ours_reaches_the_truth():
    ours, alone = report("overlap_once", **BEST), report("independent", churn=0.5, order=2)
    assert max(ours.kl) < 1e-4 and all(0.97 < seam < 1.03 for seam in ours.seams)
    assert max(alone.kl) < 1e-4 and alone.consistency > 1


def test_border_blending_beats_laplacian_and_the_paper():
    border, average, paper = report("border", **BEST), report("laplacian", **BEST), report("paper")
    assert sum(border.kl) < 0.6 * sum(average.kl) < 0.6 * sum(paper.kl)
    off = [max(abs(seam - 1) for seam in r.seams) for r in (border, average)]
    assert off[0] < 0.15 < 0.3 < off[1]
    assert border.joint_kl < average.joint_kl


@pytest.mark.parametrize("method", ["naive", "random_noise", "mismatched"])
def test_the_papers_ablations_rank_as_in_the_paper(method):
    assert sum(report(method).kl) > 2 * sum(report("paper").kl)


def test_one_level_at_a_time_leaves_seams():
    assert max(report("iterative").seams) > 1.3 > max(report("paper").seams)


def test_late_waking_is_cheaper_and_as_good():
    """From an own sigma of 6 on it costs nothing; from 0.5 on it does."""
    early, late, too_late = (Setting("border", **BEST, wake_sigma=sigma) for sigma in (None, 6.0, 0.5))
    assert evaluations(GEOMETRY, early) == 1 and 0.8 < evaluations(GEOMETRY, late) < 0.9
    reports = {setting: run_exactly(world(), setting) for setting in (early, late, too_late)}
    for a, b in zip(reports[early].kl, reports[late].kl, strict=True):
        assert b < 1.05 * a + 1e-5
    assert reports[late].seams == pytest.approx(reports[early].seams, abs=0.01)
    assert sum(reports[too_late].kl) > 2 * sum(reports[early].kl)


def test_second_order_needs_fewer_calls():
    assert max(report("independent", churn=0.5, order=2).kl) < 0.01 * max(report("independent").kl)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="method must be one of .*mismatched, got 'best'"):
        Setting("best")


def test_the_command_prints_a_table_and_draws_plots(tmp_path):
    command = "-m benchmarks.exact --levels 2 --height 6 --width 6 --zoom 1.5 --steps 4 --methods border paper --wake 2"
    done = subprocess.run(
        [sys.executable, *command.split(), "--model", "distilled", "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert "border a1 c1 o1 w2" in done.stdout and "paper a0 c1 o1" in done.stdout
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    assert len(results["border a1 c1 o1 w2"]["kl"]) == 2
    for name in ("spectra.png", "seams.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


# --- single statistics


@pytest.mark.parametrize(("method", "alignment"), [("border", 1.0), ("laplacian", 1.0), ("independent", 0.0)])
def test_single_statistics_are_those_of_the_whole_covariance(method, alignment):
    setting = Setting(method, alignment, 10, 0.5, 2)
    whole = run_exactly(world(), setting)
    assert measure(world(), setting).seams == pytest.approx(whole.seams, abs=1e-6)


def test_the_variances_of_all_eigendirections_give_the_divergence():
    setting = Setting("border", 1.0, 10, 0.5, 2)
    values, vectors = world().eigen[1]
    functionals = torch.zeros(64, 3, 8, 8, dtype=torch.float64)
    functionals[:, 1] = vectors.T.view(64, 8, 8)
    ratio = variances(world(), setting, functionals) / values
    divergence = float((ratio - 1 - ratio.log()).mean() / 2)
    assert divergence == pytest.approx(run_exactly(world(), setting).kl[1], rel=1e-5)


@pytest.mark.parametrize("slope", [2.2, 2.6])
def test_borders_do_not_show_in_larger_views(slope):
    """At 24² the rectangle is larger than the border's reach, unlike at 8²."""
    found = measure(GaussianWorld(ZoomGeometry(3, 24, 24), slope), Setting("border", **BEST))
    assert found.seams == pytest.approx([1, 1], abs=0.03)
