"""``studioflow models``: what it lists, and where it puts what it gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from studioflow.cli import main
from studioflow.sketch import weights
from studioflow.sketch.weights import Weights, all_weights


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.delenv("COMFYUI_DIR", raising=False)


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    folder = tmp_path / "Comfy UI"
    (folder / "models").mkdir(parents=True)
    (folder / "folder_paths.py").write_text("")
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path | None]]:
    """What would be downloaded, and where to; the download itself is in test_sketch_weights.py."""
    calls: list[tuple[str, Path | None]] = []

    def get(row: Weights, folder: Path | None) -> Path:
        calls.append((row.name, folder))
        return (folder or Path("cache")) / row.file

    monkeypatch.setattr(weights, "get", get)
    return calls


def test_the_list_has_every_detector_with_size_terms_and_place(
    comfyui: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = comfyui / "models" / "controlnet_aux" / "table5_pidinet.pth"
    place.parent.mkdir()
    place.write_bytes(b"1")
    monkeypatch.setenv("COMFYUI_DIR", str(comfyui))
    assert main(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * len(all_weights())
    for row, head, terms in zip(all_weights(), lines[::2], lines[1::2], strict=True):
        assert head.split()[:3] == [row.name, f"{row.megabytes:.1f}", "MB"]
        assert head.endswith(str(place) if row.name == "pidinet" else "not here")
        assert row.title in terms and row.licence in terms


def test_where_a_download_goes(
    comfyui: Path,
    asked: list[tuple[str, Path | None]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    inside = comfyui / "models" / "controlnet_aux"
    assert main(["models", "get", "hed"]) == 0
    assert main(["models", "get", "hed", "--to", str(tmp_path)]) == 0
    assert main(["models", "get", "hed", "--to", str(comfyui)]) == 0
    monkeypatch.setenv("COMFYUI_DIR", str(comfyui))
    assert main(["models", "get", "hed"]) == 0
    assert asked == [("hed", None), ("hed", tmp_path), ("hed", inside), ("hed", inside)]
    assert capsys.readouterr().out.splitlines()[1] == str(tmp_path / "ControlNetHED.pth")


def test_a_misspelt_name_is_told_before_anything_is_asked(
    asked: list[tuple[str, Path | None]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "get", "linart"]) == 1
    captured = capsys.readouterr()
    assert 'did you mean "lineart"?' in captured.err and not captured.out and not asked
