"""The pages of docs/shots/ show what the samples really compile to."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from studioflow.studio.words import entries


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    path = Path(__file__).parent.parent.parent / "docs" / "make.py"
    spec = importlib.util.spec_from_file_location("docs_make", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.documents()


def test_the_shots_are_as_they_would_be_written_now(made: dict[str, str], root: Path) -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in (root / "docs" / "shots").iterdir()}
    assert there.keys() == made.keys()
    for name, text in made.items():
        assert there[name] == text, f"{name} has drifted: run docs/make.py and look at what changed"


def test_twelve_shots(made: dict[str, str]) -> None:
    assert sum(name.endswith(".svg") for name in made) == 12


@pytest.mark.parametrize(
    ("table", "called"),
    [
        ("sensors", "sensors"),
        ("lenses", "lenses"),
        ("setups", "setups"),
        ("materials", "materials"),
        ("styles", "looks"),
    ],
)
def test_the_readme_counts_right(table: str, called: str, root: Path) -> None:
    assert f"{len(entries(table))} {called}" in (root / "README.md").read_text(encoding="utf-8")
