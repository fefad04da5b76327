"""The commands for sketches, on a sample and on what is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studioflow.cli import main

SKETCHES = Path(__file__).parents[2] / "samples" / "sketches"


def test_a_photo_becomes_a_map_that_the_clean_drawing_follows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path)]
    assert main(["sketch", "clean", str(SKETCHES / "low_contrast_pencil.jpg"), *out]) == 0
    clean = tmp_path / "low_contrast_pencil_clean.png"
    assert main(["sketch", "map", str(clean), "--method", "thin", *out]) == 0
    lines = tmp_path / "low_contrast_pencil_clean_thin.png"
    assert capsys.readouterr().out.splitlines() == [str(clean), str(lines)]
    assert main(["sketch", "compare", str(lines), str(clean), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["picture"] == str(clean) and row["score"] > 0.97


def test_thresholds_and_width_reach_the_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def drawn(*options: str) -> float:
        picture, out = str(SKETCHES / "clean_ink.png"), str(tmp_path)
        assert main(["sketch", "map", picture, "--method", "canny", *options, "--out", out]) == 0
        return float(np.asarray(Image.open(tmp_path / "clean_ink_canny.png")).mean())

    thin = drawn("--low", "40", "--high", "90")
    assert "canny thresholds 40 and 90" in capsys.readouterr().err
    assert drawn("--low", "40", "--high", "90", "--line", "3") > 1.5 * thin


def test_two_pictures_of_one_name_are_refused_before_any_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(tmp_path / name) for name in ("cup.png", "cup.jpg")]
    for name in names:
        Image.new("RGB", (64, 64), "white").save(name)
    out = tmp_path / "out"
    assert main(["sketch", "map", *names, "--out", str(out)]) != 0
    assert "written to one file" in capsys.readouterr().err and not list(out.glob("*"))


@pytest.mark.parametrize("command", ["clean", "map"])
def test_what_is_no_picture(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no picture", encoding="utf-8")
    assert main(["sketch", command, str(path), "--out", str(tmp_path / "out")]) != 0
    assert "notes.txt: this is no picture" in capsys.readouterr().err and not list((tmp_path / "out").glob("*"))


def test_a_control_map_without_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blank = tmp_path / "blank.png"
    Image.new("RGB", (64, 64), "black").save(blank)
    assert main(["sketch", "compare", str(blank), str(SKETCHES / "clean_ink.png")]) != 0
    assert "no lines in the control map" in capsys.readouterr().err
