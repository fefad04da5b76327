"""The real pipeline classes of diffusers, tiny: found, checked, loaded, rendered and stopped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from studioflow.caption import compile_for
from studioflow.errors import ModelError
from studioflow.fibo.model import Found, check_whole, find_model, find_models, fingerprint, load_model
from studioflow.fibo.sample import MAX_SEED, provenance, sample
from studioflow.fibo.standin import NOTICE, make_standins

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

# A second thread costs tiny models more than it gives, and everything where the cores are busy.
torch.set_num_threads(1)

SMALL = {"width": 64, "height": 48, "seed": 3, "steps": 3, "cfg": 5.0}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("diffusers")
    made = make_standins(folder)
    assert len(made) == (2 if hasattr(diffusers, "BriaFibo2Pipeline") else 1)
    return folder


@pytest.fixture(scope="session")
def loaded(models: Path) -> dict[str, object]:
    return {found.name[-1]: load_model(found) for found in find_models([models])}


@pytest.fixture(params=["1", "2"])
def model(request: pytest.FixtureRequest, loaded: dict[str, object]) -> object:
    if request.param not in loaded:
        pytest.skip("FIBO 2 needs diffusers 0.42, which needs Python 3.11")
    return loaded[request.param]


@pytest.fixture
def copied(models: Path, tmp_path: Path) -> Found:
    """A FIBO 1 model that a test may damage."""
    shutil.copytree(models / "studioflow-standin-fibo-1", tmp_path / "model")
    return Found("model", tmp_path / "model")


def caption_for(model: object) -> str:
    # Short: the stand-ins read a token a byte, and reading takes most of the time at this size.
    return compile_for({"studioflow": "1.0", "scene": {"description": "a cup"}}, "auto", model.family)[0].caption


def test_standins_say_so_and_are_kept(models: Path, loaded: dict[str, object]) -> None:
    assert all(model.notice == NOTICE for model in loaded.values())
    before = {path: path.stat().st_mtime_ns for path in models.rglob("*")}
    make_standins(models)
    assert before == {path: path.stat().st_mtime_ns for path in models.rglob("*")}


def test_standins_are_the_same_everywhere(models: Path, tmp_path: Path) -> None:
    for folder in make_standins(tmp_path):
        assert fingerprint(folder) == fingerprint(models / folder.name)


def test_equals_the_stock_pipeline(model: object) -> None:
    caption = caption_for(model)
    ours = sample(model, caption, **SMALL)
    theirs = model.pipeline(
        prompt=caption,
        negative_prompt="" if model.family.dialect == "fibo-1" else None,
        width=64,
        height=48,
        num_inference_steps=3,
        guidance_scale=5.0,
        generator=torch.Generator().manual_seed(3),
        output_type="pt",
    ).images
    assert ours.shape == (1, 48, 64, 3) and ours.dtype == torch.float32
    assert torch.equal(ours, theirs.permute(0, 2, 3, 1).float())


def test_is_not_rounded_to_8_bits(model: object) -> None:
    levels = sample(model, caption_for(model), **SMALL) * 255
    assert (levels - levels.round()).abs().max() > 0.1


def test_same_seed_same_bits_and_each_picture_as_if_alone(model: object) -> None:
    caption = caption_for(model)
    two = sample(model, caption, count=2, **SMALL)
    assert torch.equal(two, sample(model, caption, count=2, **SMALL))
    assert torch.equal(two[1:], sample(model, caption, **SMALL | {"seed": 4}))
    assert not torch.equal(two[0], two[1])


def test_seeds_run_over_the_end_of_the_range(model: object) -> None:
    assert provenance(model, count=2, **SMALL | {"seed": MAX_SEED})["seeds"] == [MAX_SEED, 0]
    assert sample(model, caption_for(model), count=2, **SMALL | {"seed": MAX_SEED}).shape[0] == 2


def test_tells_every_step(model: object) -> None:
    told: list[tuple[int, int]] = []
    sample(model, caption_for(model), count=2, on_step=lambda done, total: told.append((done, total)), **SMALL)
    assert told == [(step, 6) for step in range(1, 7)]


@pytest.mark.parametrize("stop_at", [1, 2, 3])
def test_stops_at_once_and_the_model_stays_usable(model: object, stop_at: int) -> None:
    class Stop(Exception):
        pass

    told: list[int] = []

    def on_step(done: int, total: int) -> None:
        told.append(done)
        if done == stop_at:
            raise Stop

    caption = caption_for(model)
    with pytest.raises(Stop):
        sample(model, caption, on_step=on_step, **SMALL)
    assert told == list(range(1, stop_at + 1))
    assert torch.equal(sample(model, caption, **SMALL), sample(model, caption, **SMALL))


@pytest.mark.parametrize(("width", "fix"), [(1000, "take 992 or 1008"), (5000, "take 4096"), (8, "take 16")])
def test_sizes_fibo_cannot_render(model: object, width: int, fix: str) -> None:
    with pytest.raises(ModelError, match=fix):
        sample(model, caption_for(model), **SMALL | {"width": width})


def test_empty_caption(model: object) -> None:
    with pytest.raises(ModelError, match="caption is empty"):
        sample(model, "  ", **SMALL)


def test_fibo_1_refuses_plain_text(loaded: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="structured captions only"):
        sample(loaded["1"], "a red cup", **SMALL)


def test_provenance_names_model_and_notice(model: object) -> None:
    facts = provenance(model, **SMALL)
    assert facts["notice"] == NOTICE and len(facts["fingerprint"]) == 64 and facts["seeds"] == [3]
    json.dumps(facts)


def test_auto_prefers_the_newest_generation_and_real_weights(models: Path, copied: Found) -> None:
    found = find_models([models])
    assert [model.name for model in found] == sorted((model.name for model in found), reverse=True)
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


@pytest.mark.parametrize("name", ["FluxPipeline", "BriaFiboEditPipeline", ""])
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
