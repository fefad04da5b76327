"""The learned detectors against controlnet_aux and transformers, with random weights in the published formats."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from studioflow.errors import ModelError, StudioFlowError
from studioflow.sketch.detectors import forget, load
from studioflow.sketch.menus import LEARNED
from studioflow.sketch.networks import _ALIAS, NETWORKS, _aux
from studioflow.sketch.weights import all_weights

from .detector_files import random_tensors, write_weights

torch = pytest.importorskip("torch")
pytest.importorskip("einops")


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One thread, no Hugging Face cache of this machine, and nothing kept from another test."""
    torch.set_num_threads(1)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    forget()


@pytest.fixture(scope="module")
def teed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with weights of the smallest detector."""
    folder = tmp_path_factory.mktemp("controlnet_aux")
    write_weights("teed", folder)
    return folder


def picture(height: int, width: int) -> np.ndarray:
    """A picture with edges: two tones, a slope and a disc, in steps of 1/255."""
    y, x = np.mgrid[:height, :width]
    levels = np.stack([np.where(x > width / 3, 210, 40), 255 * y // height, np.full_like(x, 90)], -1)
    levels[(x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(height, width) / 4) ** 2] = 250
    return levels.astype(np.float32) / 255


def test_menu_table_and_networks_name_the_same_detectors() -> None:
    names = [row.name for row in all_weights()]
    assert names == list(NETWORKS)
    assert names == list(LEARNED)


CALLS = {
    "hed": ("hed", "HEDdetector", {}, {}),
    "pidinet": ("pidi", "PidiNetDetector", {}, {}),
    "lineart": ("lineart", "LineartDetector", {"coarse_filename": "sk_model.pth"}, {}),
    "lineart_anime": ("lineart_anime", "LineartAnimeDetector", {}, {}),
    "mlsd": ("mlsd", "MLSDdetector", {}, {}),
    "teed": ("teed", "TEEDdetector", {"filename": "5_model.pth"}, {"safe_steps": 0}),
}


@pytest.mark.parametrize("name", CALLS)
def test_maps_are_those_of_controlnet_aux(name: str, tmp_path: Path) -> None:
    module, kind, opened, called = CALLS[name]
    write_weights(name, tmp_path)
    side = 256 if name == "lineart_anime" else 128
    given = picture(side, side)
    theirs = getattr(_aux(module), kind).from_pretrained(str(tmp_path), **opened)
    if name != "lineart_anime" and name != "mlsd":
        getattr(theirs, "netNetwork", getattr(theirs, "model", None)).eval()
    levels = np.round(given * 255).astype(np.uint8)
    sizes = {"detect_resolution": side} | ({} if name == "teed" else {"image_resolution": side})
    wanted = theirs(levels, output_type="np", **sizes, **called)[..., 0] / 255
    seen = load(name, [tmp_path]).detect(given, side)
    assert seen.shape == (side, side) and seen.dtype == np.float32
    assert np.ptp(wanted) > 0.1, "a flat map would equal anything"
    assert np.abs(seen - wanted).max() < 1.01 / 255


def test_coarse_lines_have_weights_of_their_own(tmp_path: Path) -> None:
    tensors = random_tensors("lineart")
    write_weights("lineart", tmp_path, tensors)
    write_weights("lineart_coarse", tmp_path, {key: value * 1.5 for key, value in tensors.items()})
    given = picture(64, 64)
    fine, coarse = (load(name, [tmp_path]).detect(given, 64) for name in ("lineart", "lineart_coarse"))
    theirs = _aux("lineart").LineartDetector.from_pretrained(str(tmp_path))
    levels = np.round(given * 255).astype(np.uint8)
    wanted = theirs(levels, coarse=True, detect_resolution=64, image_resolution=64, output_type="np")[..., 0] / 255
    assert np.abs(coarse - wanted).max() < 1.01 / 255 < np.abs(fine - coarse).max()


def test_depth_is_that_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    # config.json of depth-anything/Depth-Anything-V2-Small-hf, what differs from the defaults of transformers 4.45.
    backbone = {"model_type": "dinov2", "image_size": 518, "hidden_size": 384, "num_attention_heads": 6}
    backbone |= {"out_features": ["stage3", "stage6", "stage9", "stage12"], "reshape_hidden_states": False}
    config = transformers.DepthAnythingConfig(backbone_config=backbone)
    tensors = random_tensors("depth_anything")
    path = write_weights("depth_anything", tmp_path, {key: value.half() for key, value in tensors.items()})
    reference = transformers.DepthAnythingForDepthEstimation(config).eval()
    assert not any(reference.load_state_dict({key: value.half() for key, value in tensors.items()}))
    given = picture(70, 112)
    fit = transformers.DPTImageProcessor(
        do_resize=False, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225]
    )
    with torch.inference_mode():
        inputs = fit(np.round(given * 255).astype(np.uint8), return_tensors="pt", input_data_format="channels_last")
        wanted = reference(**inputs).predicted_depth[0].numpy()
    wanted = (wanted - wanted.min()) / np.ptp(wanted)
    seen = load("depth_anything", [path.parent]).detect(given, 70)
    assert np.abs(seen - wanted).max() < 1e-3
    assert seen.min() == 0 and seen.max() == 1


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 3000), (97, 61), (300, 200)])
def test_a_map_has_the_size_of_its_picture(height: int, width: int, teed: Path) -> None:
    seen = load("teed", [teed]).detect(picture(height, width), 64)
    assert seen.shape == (height, width) and seen.dtype == np.float32
    assert np.isfinite(seen).all() and seen.min() >= 0 and seen.max() <= 1


def test_a_picture_with_straight_edges_lies_under_its_map(tmp_path: Path) -> None:
    # What is padded to a multiple of 64 is cut off again and not squeezed in: the same rows, with and without it.
    write_weights("mlsd", tmp_path)
    detector = load("mlsd", [tmp_path])
    given = np.pad(picture(100, 120), ((0, 28), (0, 8), (0, 0)), mode="edge")
    seen = detector.detect(given[:100, :120], 100)
    assert seen.any() and np.array_equal(seen, detector.detect(given, 128)[:100, :120])


def test_no_line_is_an_empty_map(tmp_path: Path) -> None:
    write_weights("mlsd", tmp_path, {key: value * 0 for key, value in random_tensors("mlsd").items()})
    assert not load("mlsd", [tmp_path]).detect(picture(64, 64), 64).any()


def test_a_resolution_below_64_is_refused(teed: Path) -> None:
    with pytest.raises(StudioFlowError, match=r"resolution: too small(.|\n)*found: 8 pixels"):
        load("teed", [teed]).detect(picture(64, 64), 8)


def test_what_is_kept_and_what_is_not(tmp_path: Path) -> None:
    path = write_weights("teed", tmp_path)
    first = load("teed", [tmp_path])
    assert load("teed", [tmp_path]) is first
    forget()
    second = load("teed", [tmp_path])
    assert second is not first
    torch.save({key: value * 0 for key, value in random_tensors("teed").items()}, path)
    assert load("teed", [tmp_path]).detect(picture(64, 64), 64) == pytest.approx(0.5)


def test_nobodys_random_numbers_change(teed: Path) -> None:
    before = torch.get_rng_state()
    load("teed", [teed])
    assert torch.equal(before, torch.get_rng_state())


def test_loaded_in_inference_mode_and_used_outside(teed: Path) -> None:
    # ComfyUI runs its nodes in that mode.
    with torch.inference_mode():
        inside = load("teed", [teed]).detect(picture(64, 64), 64)
    assert np.array_equal(inside, load("teed", [teed]).detect(picture(64, 64), 64))


def test_a_broken_neighbour_breaks_nothing(teed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # mediapipe 1.x has no `solutions` any more, which controlnet_aux takes apart when the package is imported.
    monkeypatch.setitem(sys.modules, "mediapipe", ModuleType("mediapipe"))
    for name in [name for name in sys.modules if name.startswith(_ALIAS)]:
        monkeypatch.delitem(sys.modules, name)
    before = set(sys.modules)
    assert load("teed", [teed]).detect(picture(64, 64), 64).shape == (64, 64)
    new = {name.split(".")[0] for name in set(sys.modules) - before}
    assert not new & {"controlnet_aux", "timm", "skimage", "transformers"}
    with pytest.raises(AttributeError, match="solutions"):
        _aux("mediapipe_face")


def test_another_packs_controlnet_aux_stays_its_own(teed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = ModuleType("controlnet_aux")
    monkeypatch.setitem(sys.modules, "controlnet_aux", theirs)
    for name in [name for name in sys.modules if name.startswith(_ALIAS)]:
        monkeypatch.delitem(sys.modules, name)
    assert load("teed", [teed]).detect(picture(64, 64), 64).shape == (64, 64)
    assert sys.modules["controlnet_aux"] is theirs and vars(theirs).get("teed") is None


def test_without_the_extra_one_command_is_named(teed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", absent)
    monkeypatch.delitem(sys.modules, _ALIAS, raising=False)
    with pytest.raises(ModelError, match=r"needs controlnet-aux(.|\n)*-m pip install controlnet-aux"):
        load("teed", [teed])


def test_weights_of_another_network_are_told(tmp_path: Path) -> None:
    write_weights("lineart", tmp_path).rename(tmp_path / "5_model.pth")
    with pytest.raises(ModelError, match=r"another network than TEED edges(.|\n)*found: (Missing|Unexpected) key"):
        load("teed", [tmp_path])


def test_an_unknown_name_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r'found: "pidnet"(.|\n)*did you mean "pidinet"\?'):
        load("pidnet", [tmp_path])
