"""The commands that check, lint, score, compare and convert documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studioflow.cli import main
from studioflow.manifest import load

ODD = """{
  "studioflow": "1.0",
  "meta": {"title": "odd"},
  "scene": {
    "description": "A portrait at eye-level.",
    "subjects": [{"description": "a cup"}],
    "background": "a wall"
  },
  "camera": {"orbit": {"elevation_deg": 40}},
  "render": {"aspect_ratio": "31:20"}
}
"""


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    path = tmp_path / "odd.json"
    path.write_text(ODD, encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(part) for part in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


def test_lint_prints_findings_like_a_compiler(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "lint", odd)
    assert code == 1
    assert f"{odd}:5:5 warning /scene/description:" in out and "[angle-contradicts-text]" in out
    assert f"{odd}:10:14 warning /render/aspect_ratio:" in out and "(fixable)" in out
    assert err.startswith("1 linted, errors: 0, warnings: ")


def test_lint_fix_mends_the_file_and_keeps_its_order(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = run(capsys, "lint", "--fix", odd)
    mended = load(odd)
    assert mended["render"]["aspect_ratio"] == "8:5" and "mended: " in err
    assert list(mended) == ["studioflow", "meta", "scene", "camera", "render"]
    before = odd.read_bytes()
    run(capsys, "lint", "--fix", odd)
    assert odd.read_bytes() == before


def test_lint_speaks_json(odd: Path, sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "lint", "--json", odd, sample)
    found = json.loads(out)
    assert code == 1 and {one["file"] for one in found} == {str(odd)}
    first = next(one for one in found if one["rule"] == "ratio-not-trained")
    assert (first["line"], first["pointer"], first["severity"]) == (10, "/render/aspect_ratio", "warning")
    assert first["patch"][0]["value"] == "8:5"


def test_lint_of_a_good_shot_is_silent(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "lint", sample) == (0, "", "1 linted, errors: 0, warnings: 0, info: 0\n")


def test_lint_goes_on_behind_a_file_that_does_not_open(
    odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "lint", tmp_path / "none.json", odd)
    assert code == 1 and "cannot be read" in err and "ratio-not-trained" in out


def test_lint_knows_the_lines_of_a_bare_caption(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "caption.json"
    path.write_text('{"short_description": "a cup",\n "style_medium": "photograph",\n "objects": []}')
    _, out, _ = run(capsys, "lint", path)
    assert f"{path}:" in out


def test_what_is_no_manifest_file_is_not_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "caption.json"
    path.write_text('{"style_medium": "photograph", "short_description": "a cup"}')
    before = path.read_bytes()
    code, _, err = run(capsys, "lint", "--fix", path)
    assert code == 1 and "studioflow convert" in err and path.read_bytes() == before


def test_score(sample: Path, odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "score", sample, odd)
    assert code == 0 and f"{sample}: 9" in out and f"{odd}: " in out
    _, out, _ = run(capsys, "score", "--json", sample)
    (found,) = json.loads(out).values()
    assert found["score"] > 90 and found["gaps"][0]["add"]


def test_diff(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(sample.read_text(encoding="utf-8"))
    document["camera"]["lens"]["aperture"] = 8
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document))
    code, out, _ = run(capsys, "diff", sample, other)
    assert code == 0 and "camera.lens.aperture" in out and "photographic_characteristics.depth_of_field" in out
    assert run(capsys, "diff", "--exit-code", sample, other)[0] == 1
    assert run(capsys, "diff", "--exit-code", sample, sample) == (0, "no difference\n", "")
    patch = json.loads(run(capsys, "diff", "--patch", sample, other)[1])
    assert patch == [{"op": "replace", "path": "/camera/lens/aperture", "value": 8}]
    assert json.loads(run(capsys, "diff", "--json", sample, other)[1])["same_shot"] is False
    page = tmp_path / "diff.html"
    assert run(capsys, "diff", "--html", page, sample, other)[1] == f"{page}\n"
    assert "<ins>softly</ins>" in page.read_text(encoding="utf-8")


def test_convert_says_what_became_of_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "old.json"
    old.write_text('{"scene": {"description": "a kettle", "seed": 3}, "camera": {"lens": {"focal_length_mm": 85}}}')
    code, out, err = run(capsys, "convert", old)
    assert code == 0 and json.loads(out)["render"] == {"seed": 3} and "became render.seed" in err
    new = tmp_path / "new.json"
    assert run(capsys, "convert", old, "--out", new)[1] == f"{new}\n"
    assert load(new) == json.loads(out)
    code, _, err = run(capsys, "convert", old, "--out", new)
    assert code == 1 and "there is a file already" in err


def test_a_newer_minor_version_is_checked_with_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new.json"
    path.write_text('{"studioflow": "1.4", "scene": {"smell": "oak"}}')
    code, out, err = run(capsys, "check", path)
    assert (code, out) == (0, "") and "/scene/smell unknown key" in err


@pytest.mark.parametrize("command", ["check", "lint", "score", "compile", "convert"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe{", b"{" * 2000, b"\x89PNG\r\n\x1a\n", b"[1]", b"null"])
def test_bad_files_are_one_clear_error(
    command: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    code, out, err = run(capsys, command, path)
    assert code == 1 and str(path) in out + err


def test_terminals_are_not_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({"studioflow": "1.0", "scene": {"\x1b[2Jmood": "x"}}))
    _, out, err = run(capsys, "check", path)
    assert "\x1b" not in out + err
