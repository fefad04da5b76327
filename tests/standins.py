"""The stand-in models as diffusers itself loads them, for comparison with ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NO_FIBO_2 = "FIBO 2 needs diffusers 0.42, which needs Python 3.11"


def stock_pipeline(models: Path, family: str) -> Any:
    """A stand-in of a family, lent nothing; skips where this Python's diffusers does not know it."""
    import diffusers

    folder = models / f"studioflow-standin-{family}"
    if not folder.is_dir():
        pytest.skip(NO_FIBO_2)
    name = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))["_class_name"]
    if not hasattr(diffusers, name):
        pytest.skip(NO_FIBO_2)
    pipeline = getattr(diffusers, name).from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
