"""The commands that check, lint, score, compare and convert documents."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
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
  "render": {"width": 1024, "height": 1024, "megapixels": 1}
}
"""

CAPTION = """{
 "short_description": "a cup",
 "style_medium": "photograph",
 "objects": []}"""


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
    assert f"{odd}:10:45 warning /render/megapixels:" in out and "(fixable)" in out
    assert err.startswith("1 linted, errors: 0, warnings: ")


def test_lint_fix_mends_the_file_and_keeps_its_order(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = run(capsys, "lint", "--fix", odd)
    mended = load(odd)
    assert mended["render"] == {"width": 1024, "height": 1024} and "mended: " in err
    assert list(mended) == ["studioflow", "meta", "scene", "camera", "render"]
    before = odd.read_bytes()
    run(capsys, "lint", "--fix", odd)
    assert odd.read_bytes() == before


def test_lint_speaks_json(odd: Path, sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "lint", "--json", odd, sample)
    found = json.loads(out)
    assert code == 1 and {one["file"] for one in found} == {str(odd)}
    first = next(one for one in found if one["rule"] == "megapixels-ignored")
    assert (first["line"], first["pointer"], first["severity"]) == (10, "/render/megapixels", "warning")
    assert first["patch"] == [{"op": "remove", "path": "/render/megapixels"}]


def test_lint_of_a_good_shot_is_silent(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "lint", sample) == (0, "", "1 linted, errors: 0, warnings: 0, info: 0\n")


def test_lint_goes_on_behind_a_file_that_does_not_open(
    odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "lint", tmp_path / "none.json", odd)
    assert code == 1 and "cannot be read" in err and "megapixels-ignored" in out


def places_of(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[int | None, int | None]]:
    _, out, _ = run(capsys, "lint", "--json", path)
    return {one["pointer"]: (one["line"], one["column"]) for one in json.loads(out)}


def test_lint_knows_the_lines_of_a_bare_caption(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "caption.json"
    path.write_text(CAPTION)
    assert places_of(path, capsys)["/caption/objects"] == (4, 2)
    assert f"{path}:4:2 info /caption/objects: " in run(capsys, "lint", path)[1]


def test_lint_knows_the_lines_of_a_caption_in_prose_and_in_an_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chat.md"
    path.write_text(f"Here it is:\n\n```json\n{CAPTION}\n```\n")
    assert places_of(path, capsys)["/caption/objects"] == (7, 2)
    path.write_text('{"result":\n {"structured_prompt":\n' + CAPTION + ', "seed": 3}}')
    assert places_of(path, capsys)["/caption/objects"] == (6, 2)


def test_lint_names_no_line_where_it_knows_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "old.json"
    text_inside = json.dumps({"structured_prompt": CAPTION})
    earlier = '{"scene": {"description": "a kettle", "seed": 3}, "camera": {"lens": {"focal_length_mm": 85}}}'
    for content in (text_inside, json.dumps(CAPTION), earlier):
        path.write_text(content)
        found = places_of(path, capsys)
        assert found and set(found.values()) == {(None, None)}
        assert f"{path}:" not in run(capsys, "lint", path)[1]


def test_lint_fix_tells_the_lines_of_the_file_it_wrote(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd.write_text(json.dumps(json.loads(ODD)))
    _, out, _ = run(capsys, "lint", "--fix", "--json", odd)
    lines = odd.read_text(encoding="utf-8").splitlines()
    found = {one["pointer"]: one["line"] for one in json.loads(out)}
    assert '"description": "A portrait' in lines[found["/scene/description"] - 1] and len(lines) > 5


def test_lint_fix_keeps_a_link_and_the_permissions(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd.chmod(0o640)
    link = odd.with_name("link.json")
    try:
        link.symlink_to(odd)
    except OSError:
        pytest.skip("no leave to make links")
    run(capsys, "lint", "--fix", link)
    assert link.is_symlink() and load(odd)["render"] == {"width": 1024, "height": 1024}
    if os.name == "posix":
        assert stat.S_IMODE(odd.stat().st_mode) == 0o640


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


def test_score_goes_on_behind_a_file_that_does_not_open(
    sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "score", tmp_path / "none.json", sample)
    assert code == 1 and "cannot be read" in err and f"{sample}: 9" in out
    code, out, err = run(capsys, "score", "--json", sample, tmp_path / "none.json")
    assert code == 1 and "cannot be read" in err and list(json.loads(out)) == [str(sample)]


def test_diff_writes_over_no_input_and_over_nothing_but_a_page(
    sample: Path, odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, other, link = tmp_path / "page.html", tmp_path / "other.json", tmp_path / "link.html"
    other.write_text("mine")
    named_as_a_page = tmp_path / "shot.html"
    named_as_a_page.write_text(ODD)
    before = odd.read_bytes()
    refused = [(odd, odd), (tmp_path / "." / "odd.json", odd), (other, odd), (named_as_a_page, named_as_a_page)]
    if os.name == "posix":
        link.symlink_to(odd)
        refused.append((link, sample))
    for target, after in refused:
        code, out, err = run(capsys, "diff", sample, after, "--html", target)
        assert (code, out) == (1, "") and str(target) in err, target
    assert (odd.read_bytes(), other.read_text(), named_as_a_page.read_text()) == (before, "mine", ODD)
    page.write_text("an older page")
    assert run(capsys, "diff", sample, odd, "--html", page)[0] == 0 and "<html" in page.read_text(encoding="utf-8")


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
    assert "<ins>slightly</ins>" in page.read_text(encoding="utf-8")


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


def test_other_scripts_lose_no_character(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.json"
    words = "瓶\u3000子 prêt\u00a0? می\u200cشود"
    path.write_text(json.dumps({"studioflow": "1.0", "scene": {words: "x"}}, ensure_ascii=False), encoding="utf-8")
    _, out, _ = run(capsys, "check", path)
    assert words in out


def test_what_turns_the_reading_direction_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({"studioflow": "1.0", "scene": {"mo\u202eod\x9b": "x"}}))
    _, out, _ = run(capsys, "check", path)
    assert "mo\\u202eod\\x9b" in out


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("arguments", [["compile"], ["convert"], ["diff", "--json", "SAMPLE"]])
def test_json_on_a_terminal_is_still_json_and_not_obeyed(
    terminal: bool,
    arguments: list[str],
    sample: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "shot.json"
    odd_text = "a \x9b cup \u202e größe " * 3
    caption = {"short_description": odd_text, "style_medium": "photograph"}
    path.write_text(json.dumps(caption))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    _, out, _ = run(capsys, *(sample if part == "SAMPLE" else part for part in arguments), path)
    assert "größe" in out and json.loads(out)
    assert ("\x9b" in out, "\u202e" in out) == (not terminal, not terminal)


def command(*arguments: object, encoding: str = "cp1252", **options: object) -> subprocess.CompletedProcess[bytes]:
    root = Path(__file__).parent.parent.parent
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(root)}
    environment.pop("PYTHONUNBUFFERED", None)
    words = [sys.executable, "-m", "studioflow", *map(str, arguments)]
    return subprocess.run(words, env=environment, check=False, stderr=subprocess.PIPE, **options)


def test_a_pipe_gets_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "大.json"
    path.write_text('{"short_description": "大 größe"}', encoding="utf-8")
    done = command("compile", path, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"") and json.loads(done.stdout)["short_description"] == "大 größe"
    done = command("compile", path.with_name("小.json"), stdout=subprocess.PIPE)
    assert done.returncode == 1 and "小.json" in done.stderr.decode("utf-8")


@pytest.mark.skipif(os.name != "posix", reason="a broken pipe is something else there")
@pytest.mark.parametrize("arguments", [["compile"], ["--help"]])
def test_a_reader_that_goes_away_is_no_traceback(arguments: list[str], sample: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = command(*arguments, *([sample] if arguments == ["compile"] else []), stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_suggestions_are_taken_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shot.json"
    shot = {"studioflow": "1.0", "scene": {"description": "a cup"}, "render": {"aspect_ratio": "31:20"}}
    path.write_text(json.dumps(shot), encoding="utf-8")
    run(capsys, "lint", "--fix", path)
    assert load(path)["render"]["aspect_ratio"] == "31:20"
    _, _, err = run(capsys, "lint", "--fix", "--suggestions", path)
    assert load(path)["render"]["aspect_ratio"] == "8:5" and "mended /render/aspect_ratio" in err
