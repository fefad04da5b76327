"""``studioflow translate``: by rules, by a language model behind a real HTTP server, and the list of profiles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studioflow.cli import main
from studioflow.manifest import load

from .chat_server import ChatServer, said

BRIEF = "moody three-quarter shot of a steel coffee grinder on oak, 85mm, f/2, light from the left"
KEYS = ("GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MISTRAL_API_KEY", "OPENROUTER_API_KEY")
SECRET = "sk-marker-that-must-not-be-seen"


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMFYUI_DIR", *KEYS):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """A person's own profiles: two more, and a key for a shipped one."""
    rows = {
        "studio": {"model": "openai/local-vlm", "base_url": "http://127.0.0.1:9/v1", "key": SECRET},
        "no key": {"model": "openai/local-vlm", "key_env": "STUDIO_KEY_THAT_IS_NOT_SET"},
        "mistral": {"key": SECRET},
    }
    file = tmp_path / "language_models.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    return file


def asked(server: ChatServer, folder: Path, *options: str) -> int:
    """Runs the command with a profile of the server."""
    file = folder / "language_models.json"
    row = {"model": "openai/local-vlm", "base_url": server.url, "key": SECRET, "timeout_s": 60}
    file.write_text(json.dumps({"studio": row}), encoding="utf-8")
    return main(["translate", *options, "--llm", "studio", "--profiles", str(file)])


# ---------------------------------------------------------------- rules


def test_a_brief_becomes_a_manifest_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", BRIEF]) == 0
    told = capsys.readouterr()
    shot = json.loads(told.out)
    assert shot["camera"]["lens"] == {"focal_length_mm": 85, "aperture": 2} and not told.err
    assert shot["scene"]["subjects"][0]["description"] == "steel coffee grinder"


def test_the_report_goes_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", BRIEF, "--report"]) == 0
    told = capsys.readouterr()
    json.loads(told.out)
    assert '"85mm"' in told.err and "focal_length_mm" in told.err


def test_a_brief_over_a_shot_keeps_the_rest(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "shots" / "next.json"
    assert main(["translate", "shot at 35mm", "--manifest", str(sample), "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    before, after = load(sample), load(out)
    assert after["camera"]["lens"]["focal_length_mm"] == 35
    assert after["lighting"] == before["lighting"] and after["scene"]["subjects"] == before["scene"]["subjects"]


def test_a_language_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", "Porträt einer Frau, Gegenlicht, 50 mm", "--language", "de", "--report"]) == 0
    assert json.loads(capsys.readouterr().out)["camera"]["lens"]["focal_length_mm"] == 50


def test_a_note_by_rules(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", "lower the camera", "--note", "--manifest", str(sample), "--report"]) == 0
    told = capsys.readouterr()
    before, after = load(sample)["camera"]["orbit"], json.loads(told.out)["camera"]["orbit"]
    assert after["elevation_deg"] < before["elevation_deg"] and "elevation_deg" in told.err


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "shot.json"
    out.write_text("mine")
    assert main(["translate", BRIEF, "--out", str(out)]) == 1
    assert "there is a file already" in capsys.readouterr().err and out.read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "there is nothing to translate"),
        (["  "], "there is nothing to translate"),
        (["warmer", "--note"], "a note needs a shot to change"),
        (["a cup", "--image", "cup.png"], "only a language model sees a picture"),
        (["warmer", "--note", "--manifest", "x.json", "--image", "cup.png"], "a note goes without a picture"),
        (["a cup", "--llm", "studoi"], "no such profile of a language model"),
        (["a cup", "--llm", "openai"], "OPENAI_API_KEY is not set"),
        (["a cup", "--llm", "openai", "--profiles", "nowhere.json"], "nowhere.json: no such file"),
        (["--list", "--profiles", "nowhere.json"], "nowhere.json: no such file"),
        (["a cup", "--manifest", "nowhere.json"], "nowhere.json"),
    ],
)
def test_what_cannot_be(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", *options]) == 1
    told = capsys.readouterr()
    assert message in told.err and not told.out


# ---------------------------------------------------------------- profiles


@pytest.mark.parametrize(
    "options",
    [
        *(["--style", "noir"], ["--keep", "everything"], ["--outside", "put back"], ["--seed", "7"]),
        ["--note", "--manifest", "SAMPLE", "--seed", "7"],
        ["--note", "--manifest", "SAMPLE", "--language", "de"],
        ["--llm", "ollama", "--language", "de"],
    ],
)
def test_what_would_count_for_nothing_is_refused(
    options: list[str], sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [str(sample) if option == "SAMPLE" else option for option in options]
    assert main(["translate", "warmer", *options]) == 1
    told = capsys.readouterr()
    assert options[-2] in told.err and "counts only where" in told.err and "do: " in told.err and not told.out


def test_a_key_that_would_travel_in_the_open_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "language_models.json"
    row = {"model": "openai/x", "base_url": "http://10.1.2.3/v1", "key": SECRET}
    file.write_text(json.dumps({"far": row}), encoding="utf-8")
    assert main(["translate", "--list", "--profiles", str(file)]) == 0
    told = capsys.readouterr()
    assert "10.1.2.3 without encryption" in told.err and SECRET not in told.err + told.out


def test_the_list_says_which_profiles_have_their_key(profiles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", "--list", "--profiles", str(profiles)]) == 0
    told = capsys.readouterr().out
    lines = {line[:15].strip(): line[15:].strip() for line in told.splitlines()}
    assert lines["studio"] == "has its key, openai/local-vlm at http://127.0.0.1:9/v1"
    assert lines["mistral"].startswith("has its key, mistral/")
    assert lines["no key"].endswith("STUDIO_KEY_THAT_IS_NOT_SET is not set")
    assert lines["openai"].endswith("OPENAI_API_KEY is not set")
    assert lines["ollama"].startswith("needs no key")
    assert SECRET not in told


def test_a_key_of_the_environment_counts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert main(["translate", "--list"]) == 0
    told = capsys.readouterr().out
    assert "openai          has its key, openai/" in told and SECRET not in told


def test_the_profiles_of_a_comfyui(
    profiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "ComfyUI" / "user" / "__studioflow"
    own.mkdir(parents=True)
    profiles.rename(own / profiles.name)
    monkeypatch.setenv("COMFYUI_DIR", str(tmp_path / "ComfyUI"))
    assert main(["translate", "--list"]) == 0
    assert "studio          has its key" in capsys.readouterr().out


def test_one_broken_profile_does_not_hide_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "language_models.json"
    file.write_text('{"bad": {"modell": "openai/x"}, "good": {"model": "openai/x", "key": "sk-long-enough"}}')
    assert main(["translate", "--list", "--profiles", str(file)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("bad", "good"))]
    assert "no such field of a profile" in lines[0] and lines[1].startswith("good            has its key")


# ---------------------------------------------------------------- language models


@pytest.fixture(scope="module", autouse=True)
def worker() -> Any:
    yield
    from studioflow.translate.ask import close

    close()


def test_a_model_writes_the_shot_and_the_numbers_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ChatServer(["good"]) as server:
        assert asked(server, tmp_path, BRIEF) == 0
        (request,) = server.requests
    told = capsys.readouterr()
    shot = json.loads(told.out)
    assert shot["camera"]["lens"] == {"focal_length_mm": 85, "aperture": 2}
    assert shot["caption"]["short_description"] == json.loads(said("good_bare"))["short_description"]
    assert BRIEF in request.user
    assert 'focal_length_mm 85   "85mm"' in told.err and SECRET not in told.out + told.err


@pytest.mark.parametrize(("words", "in_prompt"), [([], False), (["a cup in that light"], True)])
def test_a_picture_is_described_or_leads(
    words: list[str], in_prompt: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "cup.png"
    Image.new("RGB", (64, 48), (200, 30, 30)).save(picture)
    with ChatServer(["good"]) as server:
        assert asked(server, tmp_path, *words, "--image", str(picture)) == 0
        (request,) = server.requests
    assert len(request.pictures) == 1 and ("a cup in that light" in request.user) == in_prompt
    assert json.loads(capsys.readouterr().out)["caption"]["short_description"]


def test_a_note_by_a_model(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ChatServer(["good_refined"]) as server:
        assert asked(server, tmp_path, "lower the camera", "--note", "--manifest", str(sample)) == 0
        (request,) = server.requests
    shot = json.loads(capsys.readouterr().out)
    assert shot["camera"]["orbit"]["elevation_deg"] < load(sample)["camera"]["orbit"]["elevation_deg"]
    assert "lower the camera" in request.user


def test_a_refused_key_is_told_without_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = {"error": {"message": f"Incorrect API key provided: {SECRET}", "code": "invalid_api_key"}}
    with ChatServer([{"status": 401, "body": body}]) as server:
        assert asked(server, tmp_path, "a cup") == 1
    told = capsys.readouterr()
    assert "refuses the key" in told.err and SECRET not in told.err and not told.out


def test_an_answer_that_is_no_caption(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "shot.json"
    with ChatServer(["only_prose"]) as server:
        assert asked(server, tmp_path, "a cup", "--out", str(out)) == 1
    assert "answer" in capsys.readouterr().err and not out.exists()
