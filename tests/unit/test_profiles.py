"""Language models by name: the shipped ones, a person's file, every fault of it, and keys that never show."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from studioflow.errors import StudioFlowError
from studioflow.resources import table
from studioflow.translate.profiles import (
    NO_KEY,
    PROFILES_FILE,
    Profile,
    find_profile,
    profile_names,
    redact,
    warning_of,
)

KEY = "sk-marker-0123456789"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in table("translate/profiles.json")["profiles"].values():
        monkeypatch.delenv(row.get("key_env", "OPENAI_API_KEY"), raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / PROFILES_FILE


def written(file: Path, rows: Any) -> Path:
    file.write_text(rows if isinstance(rows, str) else json.dumps(rows), encoding="utf-8")
    return file


def refusal(name: str, file: Path | None) -> str:
    with pytest.raises(StudioFlowError) as raised:
        find_profile(name, file)
    assert KEY not in str(raised.value) and KEY not in repr(raised.value)
    # As tracebacks that show variables would: pytest --showlocals, rich, ComfyUI's own.
    frame = raised.tb
    while frame := frame.tb_next:
        assert frame.tb_frame.f_code.co_filename != __file__
        assert KEY not in repr({name: value for name, value in frame.tb_frame.f_locals.items() if name != "file"})
    return str(raised.value)


def test_every_shipped_profile_is_found_once_its_key_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in profile_names():
        row = table("translate/profiles.json")["profiles"][name]
        if "key_env" in row:
            assert row["key_env"] in refusal(name, None)
            monkeypatch.setenv(row["key_env"], KEY)
        profile = find_profile(name)
        assert (profile.name, profile.model) == (name, row["model"])
        assert profile.key == (KEY if "key_env" in row else NO_KEY if "base_url" in row else None)


def test_shipped_models_are_in_litellms_own_list_and_see_pictures() -> None:
    litellm = importlib.util.find_spec("litellm")
    models = json.loads((Path(litellm.origin).parent / "model_prices_and_context_window_backup.json").read_bytes())
    for name, row in table("translate/profiles.json")["profiles"].items():
        provider, _, model = row["model"].partition("/")
        if "base_url" in row or provider == "openrouter":
            continue
        facts = models.get(row["model"]) or models[model]
        assert facts["mode"] == "chat" and facts["supports_vision"], name


def test_local_servers_stay_on_this_machine() -> None:
    for row in table("translate/profiles.json")["profiles"].values():
        assert row.get("base_url", "http://127.0.0.1:").startswith("http://127.0.0.1:")


def test_a_file_adds_profiles_and_wins(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f"  {KEY}\n")
    rows = {
        "_note": {"model": "not a profile"},
        "studio": {"model": "openai/qwen3-vl", "base_url": "http://10.0.0.7:8080/v1", "key_env": "MY_KEY"},
        "gemini": {"key": "sk-of-the-file-1", "temperature": 0},
        "openai": {"model": "openai/gpt-9", "key": KEY, "timeout_s": 7.5, "max_tokens": 900},
    }
    written(file, rows)
    assert profile_names(file) == [*profile_names(), "studio"]
    assert find_profile("studio", file).key == KEY
    gemini = find_profile("gemini", file)
    assert (gemini.model, gemini.key, gemini.temperature) == (find_model("gemini"), "sk-of-the-file-1", 0)
    assert find_profile("openai", file)[1:] == ("openai/gpt-9", None, "OPENAI_API_KEY", KEY, 7.5, 900, None, "")


def find_model(name: str) -> str:
    return table("translate/profiles.json")["profiles"][name]["model"]


def test_another_address_does_not_get_the_key_of_the_service(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    row = {"openai": {"model": "openai/x", "base_url": "http://10.0.0.7/v1"}}
    assert find_profile("openai", written(file, row)).key == NO_KEY


def test_no_file_is_no_profiles_more(file: Path) -> None:
    assert profile_names(file) == profile_names(None)


def test_an_unknown_name_says_which_there_are(file: Path) -> None:
    text = refusal("gemeni", written(file, {"studio": {"model": "openai/x", "key": KEY}}))
    assert 'did you mean "gemini"?' in text and "studio" in text


def test_a_missing_key_says_both_ways_to_give_it(file: Path) -> None:
    text = refusal("mistral", file)
    assert "MISTRAL_API_KEY is not set" in text
    assert '{"mistral": {"key": "…"}}' in text and str(file) in text
    assert "into language_models.json, in the folder user/__studioflow of ComfyUI" in refusal("mistral", None)


def test_a_file_that_is_no_json_says_the_line(file: Path) -> None:
    text = refusal("gemini", written(file, f'{{\n  "gemini": {{"key": "{KEY}",}}\n}}'))
    assert f"{file}:2:" in text and "not JSON" in text


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ([KEY], "not a table of profiles"),
        ({"studio": KEY}, "/studio: not a profile"),
        ({"studio": {"key": KEY}}, "no model is named"),
        ({"studio": {"model": "openai/auto", "key": KEY}}, 'add "base_url"'),
        ({"studio": {"model": "openai/x", "api_key": KEY}}, 'did you mean "key"?'),
        ({"studio": {"model": 5, "key": KEY}}, "/studio/model: not a text"),
        ({"studio": {"model": "openai/x", "timeout_s": KEY}}, "found: a text"),
        ({"studio": {"model": "openai/x", "timeout_s": 0}}, "1 to 3600"),
        ({"studio": {"model": "openai/x", "max_tokens": 900.5}}, "a whole number, 256 to 200000"),
        ({"studio": {"model": "openai/x", "temperature": True}}, "0 to 2"),
        ({"studio": {"model": "openai/x", "base_url": "127.0.0.1:8080"}}, "not a plain address"),
        ({"studio": {"model": "openai/x", "base_url": f"http://me:{KEY}@host/v1"}}, "not a plain address"),
        ({"studio": {"model": "openai/x", "base_url": f"http://host/v1?key={KEY}"}}, "not a plain address"),
        ({"studio": {"model": "openai/x", "base_url": "http://host:99999/v1"}}, "not a plain address"),
        ({"studio": {"model": "openai/x", "key": f"{KEY}\nsecond line"}}, "this cannot be a key"),
        ({"studio": {"model": "openai/x", "key": f"{KEY}é"}}, "this cannot be a key"),
    ],
)
def test_every_fault_of_a_file_has_its_message_and_shows_no_key(file: Path, rows: Any, part: str) -> None:
    assert part in refusal("studio", written(file, rows))


@pytest.mark.parametrize("rows", ["[" * 100_000, '{"a": ' * 100_000])
def test_a_file_that_is_nested_without_end(file: Path, rows: str) -> None:
    assert "nested too deep" in refusal("studio", written(file, rows)) or "not JSON" in refusal("studio", file)


def test_a_file_that_may_not_be_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    written(file, {})
    monkeypatch.setattr(Path, "read_bytes", denied)
    text = refusal("studio", file)
    assert str(file) in text and "Permission denied" in text and "do: let the account" in text


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("http://10.0.0.7:8080/v1", True),
        ("http://models.example.com/v1", True),
        ("http://127.0.0.1.example.com/v1", True),
        ("https://models.example.com/v1", False),
        ("http://127.0.0.1:8080/v1", False),
        ("http://localhost:8080/v1", False),
        ("http://[::1]:8080/v1", False),
    ],
)
def test_a_key_that_travels_in_the_open_is_told(file: Path, address: str, warned: bool) -> None:
    row = {"model": "openai/x", "base_url": address}
    profile = find_profile("studio", written(file, {"studio": row | {"key": KEY}}))
    warning = warning_of(profile)
    assert bool(warning) == warned and KEY not in warning
    assert not warned or ("without encryption" in warning and address.split("/")[2] in warning)
    assert warning_of(find_profile("studio", written(file, {"studio": row}))) == ""


def test_a_key_is_hidden_wherever_variables_are_shown(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    rows = {"one": {"model": "openai/x", "key": KEY}, "two": {"model": "openai/x", "key_env": "MY_KEY"}}
    for name in rows:
        key = find_profile(name, written(file, rows)).key
        assert key == KEY and KEY not in repr(key) and KEY not in repr({"key": key})
        assert json.dumps(key) == json.dumps(KEY), "it goes to the worker as it is"


def test_a_file_in_another_encoding(file: Path) -> None:
    file.write_bytes('{"studio": {"model": "café"}}'.encode("utf-16"))
    assert "not a text in UTF-8" in refusal("studio", file)


def test_a_byte_order_mark_is_no_fault(file: Path) -> None:
    file.write_text('\ufeff{"studio": {"model": "openai/x", "key": "sk-1234567"}}', encoding="utf-8")
    assert find_profile("studio", file).key == "sk-1234567"


def test_a_profile_does_not_show_its_key() -> None:
    profile = Profile("studio", "openai/x", key=KEY)
    for text in (repr(profile), str(profile), f"{profile}", f"{[profile]!r}", f"{ {'a': profile} }"):
        assert KEY not in text and "studio" in text


def test_redact_takes_the_key_out_in_both_forms() -> None:
    profile = Profile("studio", "gemini/x", key="sk/marker+0123=")
    text = redact("a sk/marker+0123= b ?key=sk%2Fmarker%2B0123%3D c", profile)
    assert text == "a [key] b ?key=[key] c"
    assert redact("none of it", Profile("a", "b", key=NO_KEY)) == "none of it"
    assert redact("text", Profile("a", "b")) == "text"
