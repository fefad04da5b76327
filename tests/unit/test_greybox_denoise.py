"""Denoised renders are closer to the truth, with their edges, and a denoiser that fails takes nothing with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from studioflow.errors import StudioFlowError
from studioflow.greybox import denoise as module
from studioflow.greybox.denoise import OIDN, OPTIX, Guides, denoise, denoiser
from studioflow.greybox.remembered import forget

VARIANT = "scalar_rgb"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No test reads or writes the person's own cache."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    forget()
    yield tmp_path / "cache"
    forget()


class Renders(NamedTuple):
    """``truths`` are two renders apart, so the mean of the product of both differences is free of their noise."""

    noisy: np.ndarray
    albedo: np.ndarray
    normal: np.ndarray
    truths: tuple[np.ndarray, np.ndarray]

    def error(self, picture: np.ndarray, where: np.ndarray) -> float:
        one, other = self.truths
        return float(np.sqrt(np.mean(((picture - one) * (picture - other))[where])))

    @property
    def dark(self) -> np.ndarray:
        """All but the lamp, which is 18 times brighter than the walls and would outweigh them."""
        return np.mean(self.truths, axis=0).max(axis=2) < 1


@pytest.fixture(scope="module")
def box() -> Renders:
    """The Cornell box, seen along -Z, so that its world's axes are the camera's."""
    import mitsuba as mi

    mi.set_variant(VARIANT)
    plain = mi.cornell_box()
    plain["sensor"]["film"] |= {"width": 128, "height": 128, "rfilter": {"type": "box"}}
    light = {"type": "path", "max_depth": 4}
    plain["integrator"] = {"type": "aov", "aovs": "albedo:albedo,normal:sh_normal", "light": light}
    scene = mi.load_dict(plain)
    noisy, *truths = (np.array(mi.render(scene, spp=spp, seed=spp)) for spp in (8, 24, 25))
    return Renders(noisy[..., :3], noisy[..., 3:6], noisy[..., 6:9], tuple(truth[..., :3] for truth in truths))


def steps(picture: np.ndarray) -> np.ndarray:
    grey = picture.mean(axis=2)
    return np.pad(np.hypot(np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1]), (0, 1))


def test_noise_falls_and_edges_stay(box: Renders) -> None:
    clean = denoise(box.noisy, VARIANT, guides=Guides(box.albedo, box.normal))
    assert clean.dtype == np.float32 and clean.shape == box.noisy.shape and clean.min() >= 0
    assert box.error(clean, box.dark) < 0.5 * box.error(box.noisy, box.dark)

    edges = (steps(box.albedo) > 0.1) & box.dark
    assert 100 < edges.sum() < edges.size / 4
    assert box.error(clean, edges) < 0.6 * box.error(box.noisy, edges)
    true_steps = steps(np.mean(box.truths, axis=0))
    assert steps(clean)[edges].mean() == pytest.approx(true_steps[edges].mean(), rel=0.15), "edges as steep"
    assert clean[box.dark].mean() == pytest.approx(box.noisy[box.dark].mean(), rel=0.03), "no light is lost"


@pytest.mark.parametrize("fast", [False, True])
def test_noise_falls_without_guides_and_with_the_smaller_network(box: Renders, fast: bool) -> None:
    clean = denoise(box.noisy, VARIANT, fast=fast)
    assert box.error(clean, box.dark) < 0.5 * box.error(box.noisy, box.dark)
    assert np.array_equal(clean, denoise(box.noisy, VARIANT, fast=fast))


def guided(layers: Sequence[np.ndarray]) -> np.ndarray:
    return denoise(layers[0], VARIANT, guides=Guides(*layers[1:]))


def test_the_same_bits_twice_and_inputs_untouched(box: Renders) -> None:
    layers = [layer[:, ::-1] for layer in box[:3]]  # views, not contiguous
    before = [layer.copy() for layer in layers]
    first = guided(layers)
    assert np.array_equal(first, guided(layers))
    assert all(np.array_equal(layer, kept) for layer, kept in zip(layers, before, strict=True))


def test_highlights_stay_open_at_the_top() -> None:
    color = np.full((32, 32, 3), 50, np.float32)
    flat = np.full_like(color, 0.5)
    assert guided([color, flat, np.zeros_like(color)]).mean() == pytest.approx(50, rel=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (17, 3)])
def test_any_size(shape: tuple[int, int]) -> None:
    color = np.full((*shape, 3), 0.18, np.float32)
    color[0, 0] = -0.01  # as a filter with negative lobes leaves it
    clean = guided([color, np.full_like(color, 0.18), np.zeros_like(color)])
    assert clean.shape == color.shape and clean.min() >= 0 and np.isfinite(clean).all()


@pytest.mark.parametrize(
    ("layer", "values", "said"),
    [
        (0, np.zeros((4, 4)), "color"),
        (0, np.zeros((4, 4, 4)), "4 × 4 × 4"),
        (0, np.zeros((0, 4, 3)), "0 × 4 × 3"),
        (0, np.full((4, 4, 3), np.nan), "48 of 48"),
        (0, np.full((4, 4, 3), np.inf), "48 of 48"),
        (1, np.zeros((4, 5, 3)), "4 × 5 × 3"),
        (1, np.full((4, 4, 3), np.nan), "albedo"),
        (2, np.zeros((3, 4, 3)), "normal"),
        (2, np.full((4, 4, 3), -np.inf), "normal"),
    ],
)
def test_layers_that_do_not_fit(layer: int, values: np.ndarray, said: str) -> None:
    layers = [np.zeros((4, 4, 3), np.float32) for _ in range(3)]
    layers[layer] = values
    with pytest.raises(StudioFlowError) as caught:
        guided(layers)
    assert said in str(caught.value)


def test_memory_is_given_back() -> None:
    """In a process of its own, where nothing else grows."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("this system does not tell in /proc what a process holds")
    code = """
import sys
sys.modules["torch"] = None
sys.path.insert(0, sys.argv[1])
import numpy as np
from studioflow.greybox.denoise import Guides, denoise
noise = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)
flat = np.full_like(noise, 0.5)
def held():
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * 4096
for index in range(60):
    denoise(noise, "scalar_rgb", guides=Guides(flat, flat))
    if index == 9:
        begin = held()
print(held() - begin)
"""
    root = Path(module.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 8 << 20, "bytes in 50 calls"


class Trials:
    """Runs trials with another program in the place of the real one, and counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
        self.count = 0
        run = subprocess.run

        def count(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
            self.count += 1
            return run([command[0], "-c", program, *command[3:]], **options)

        monkeypatch.setattr(module.subprocess, "run", count)


def test_tried_once_a_machine(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = Trials(monkeypatch, module._TRIAL)
    assert denoiser(VARIANT) == denoiser("llvm_ad_rgb") == OIDN
    forget()
    assert denoiser(VARIANT) == OIDN
    assert trials.count == 1
    assert (own_cache / "studioflow" / "open_image_denoise.json").is_file()


@pytest.mark.parametrize(
    "program", ["import os; os.abort()", "raise SystemExit(3)", "import ctypes; ctypes.string_at(0)"]
)
def test_one_that_ends_its_process_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    trials = Trials(monkeypatch, program)
    assert denoiser(VARIANT, tmp_path) is None
    assert denoiser(VARIANT, tmp_path) is None
    assert trials.count == 1, "once a process"
    forget()
    denoiser(VARIANT, tmp_path)
    assert trials.count == 2, "a failure is not for ever"
    picture = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(StudioFlowError, match="no denoiser that works") as caught:
        denoise(picture, VARIANT)
    assert "none that passed its trial" in str(caught.value)


def test_one_that_hangs_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TRIAL_SECONDS", 0.5)
    Trials(monkeypatch, "import time; time.sleep(60)")
    assert denoiser(VARIANT, tmp_path) is None


def test_not_installed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert denoiser("cuda_ad_rgb", tmp_path) is None
    picture = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(StudioFlowError, match="pyoidn is not installed"):
        denoise(picture, VARIANT)


def test_optix_comes_first_on_nvidia_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that this machine may not have is played by a trial that passes for OptiX."""
    Trials(monkeypatch, 'import sys; raise SystemExit(0 if sys.argv[2] == "OptiX" else 1)')
    assert denoiser("cuda_ad_rgb", tmp_path) == OPTIX
    assert denoiser("llvm_ad_rgb", tmp_path) is None
    monkeypatch.undo()
    forget()
    Trials(monkeypatch, 'import sys; raise SystemExit(1 if sys.argv[2] == "OptiX" else 0)')
    assert denoiser("cuda_ad_rgb", tmp_path / "other") == OIDN


def test_faults_of_the_library_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyoidn

    monkeypatch.setattr(pyoidn, "OIDN_FILTER_TYPE_RT", "NoSuchFilter")
    picture = np.full((4, 4, 3), 0.5, np.float32)
    with pytest.raises(StudioFlowError, match="could not denoise"):
        denoise(picture, VARIANT)
