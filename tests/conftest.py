"""Shared by all tests: the repository root is importable (for ``studioflow`` and ``dev``), and where things are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


@pytest.fixture
def root() -> Path:
    """The repository root."""
    return ROOT


@pytest.fixture
def sample(root: Path) -> Path:
    """The sample manifest that the recipe renders."""
    return root / "samples" / "product_hero.json"
