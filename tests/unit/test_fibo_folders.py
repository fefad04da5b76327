"""FIBO models on disk: found, told apart, checked and loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from studioflow.errors import ModelError
from studioflow.families import families
from studioflow.fibo.folders import Found, check_whole, find_model, find_models, fingerprint, state
from studioflow.fibo.model import load_model
from studioflow.fibo.standin import NOTICE, make_standins

pytest.importorskip("torch")
pytest.importorskip("diffusers")


@pytest.fixture
def copied(models: Path, tmp_path: Path) -> Found:
    """A FIBO 1 model that a test may damage."""
    shutil.copytree(models / "studioflow-standin-fibo-1", tmp_path / "model")
    return Found("model", tmp_path / "model")


def test_standins_say_so_and_are_kept(models: Path, loaded: dict[str, Any]) -> None:
    assert all(model.notice == NOTICE for model in loaded.values())
    before = {path: path.stat().st_mtime_ns for path in models.rglob("*")}
    make_standins(models)
    assert before == {path: path.stat().st_mtime_ns for path in models.rglob("*")}


def test_standins_are_the_same_everywhere(models: Path, tmp_path: Path) -> None:
    for folder in make_standins(tmp_path):
        assert fingerprint(folder) == fingerprint(models / folder.name)


def test_auto_prefers_the_newest_generation_and_real_weights(models: Path, copied: Found) -> None:
    order = list(families())
    found = find_models([models])
    ids = [load_model(model).family.id for model in found]
    assert ids == sorted(ids, key=order.index) and len(ids) >= 2
    (copied.folder / "studioflow_standin.json").unlink()
    shutil.copytree(copied.folder, copied.folder.parent / "both" / "Fibo-lite")
    everything = find_models([models, copied.folder.parent / "both"])
    assert everything[0].name == "Fibo-lite"
    assert find_model("auto", [models, copied.folder.parent / "both"]) == everything[0]
    assert load_model(everything[0]).family.id == "fibo-lite"


def test_unknown_name_and_none_installed(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r'did you mean "studioflow-standin-fibo-1"'):
        find_model("studioflow-standin-fibo1", [models])
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="no FIBO model is installed"):
        find_model("auto", [tmp_path])


@pytest.mark.parametrize("name", ["../model", "/etc", ".", ""])
def test_a_name_never_leads_out_of_the_models_folders(copied: Found, name: str) -> None:
    (copied.folder.parent / "models").mkdir()
    with pytest.raises(ModelError, match="no such FIBO model"):
        find_model(name, [copied.folder.parent / "models"])


@pytest.mark.parametrize(
    "marker", ["{", "[]", "{}", '{"notice": "x", "family": "nope", "steps": 1}', '{"notice": "x", "family": []}']
)
def test_a_broken_folder_does_not_hide_the_others(copied: Found, models: Path, marker: str) -> None:
    # The menu is drawn while ComfyUI loads the pack: an error here would take all nodes away.
    (copied.folder / "studioflow_standin.json").write_text(marker)
    names = [found.name for found in find_models([copied.folder.parent, models])]
    assert copied.name not in names and "studioflow-standin-fibo-1" in names
    with pytest.raises(ModelError):
        find_model(copied.name, [copied.folder.parent])


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="folder is missing"):
        load_model(Found("x", tmp_path / "x"))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("vae", "vae"),
        ("transformer/diffusion_pytorch_model.safetensors", "transformer"),
        ("text_encoder/config.json", "text_encoder"),
        ("model_index.json", "model_index.json"),
    ],
)
def test_half_copied_folder_names_what_is_missing(copied: Found, damage: str, told: str) -> None:
    path = copied.folder / damage
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ModelError, match="not complete") as caught:
        load_model(copied)
    assert told in str(caught.value.where)


def test_truncated_weights(copied: Found) -> None:
    weights = next((copied.folder / "transformer").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="no whole safetensors file"):
        load_model(copied)


def test_a_shard_that_the_index_names_is_missing(copied: Found) -> None:
    index = copied.folder / "transformer" / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-00002-of-00002.safetensors"}}))
    with pytest.raises(ModelError, match="not complete") as caught:
        check_whole(copied.folder)
    assert caught.value.where.endswith("model-00002-of-00002.safetensors")


def rewrite_index(copied: Found, **changes: object) -> None:
    path = copied.folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("name", ["FluxPipeline", "StableDiffusionXLPipeline", ""])
def test_another_family(copied: Found, name: str) -> None:
    rewrite_index(copied, _class_name=name)
    assert copied.name not in [found.name for found in find_models([copied.folder.parent])]
    with pytest.raises(ModelError, match="another family"):
        find_model(copied.name, [copied.folder.parent])
    with pytest.raises(ModelError, match="another family"):
        load_model(copied)


def test_remote_code_is_refused(copied: Found) -> None:
    rewrite_index(copied, transformer=["my_code", "MyTransformer"])
    with pytest.raises(ModelError, match="never run"):
        load_model(copied)


def test_weights_of_another_shape(copied: Found) -> None:
    config = copied.folder / "transformer" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"attention_head_dim": 12}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(copied)


def test_finds_a_repository_in_the_hugging_face_cache(
    copied: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "hub"
    repository = cache / "models--briaai--Fibo-lite"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc123")
    shutil.copytree(copied.folder, repository / "snapshots" / "abc123")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    found = find_models([])
    assert [model.name for model in found] == ["briaai/Fibo-lite"]
    assert load_model(found[0]).name == "briaai/Fibo-lite"


def test_fingerprint_tells_weights_apart(copied: Found) -> None:
    before = fingerprint(copied.folder)
    weights = next((copied.folder / "vae").glob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert fingerprint(copied.folder) != before


def test_every_family_is_told_by_the_name_of_its_repository(models: Path, tmp_path: Path) -> None:
    by_pipeline = {"BriaFiboPipeline": "fibo-1", "BriaFiboEditPipeline": "fibo-edit", "BriaFibo2Pipeline": "fibo-2"}
    for row in families().values():
        source = models / f"studioflow-standin-{by_pipeline[row.pipeline]}"
        if not source.is_dir():
            continue
        folder = tmp_path / row.repo.split("/")[1]
        shutil.copytree(source, folder)
        (folder / "studioflow_standin.json").unlink()
        assert load_model(find_model(folder.name, [tmp_path])).family == row


def test_state_tells_a_file_that_was_replaced(copied: Found) -> None:
    before = state(copied.folder)
    assert before == state(copied.folder)
    weights = next((copied.folder / "vae").glob("*.safetensors"))
    data = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert state(copied.folder) != before
