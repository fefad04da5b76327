"""Language models by name: what is asked, where, and with which key, so that a workflow needs to hold a name only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from ..errors import Place, StudioFlowError, did_you_mean
from ..resources import table

PROFILES_FILE = "language_models.json"
_USUAL_FILE = f"{PROFILES_FILE}, in the folder user/__studioflow of ComfyUI"
FIRST_OF_SERVER = "openai/auto"
"""In place of a model's id: the first one that the server lists."""
NO_KEY = "none"
"""What a local server gets, so that litellm sends it no key of another service out of the environment."""

_SHORTEST_SECRET = 6
_NUMBERS = {"timeout_s": (1, 3600), "max_tokens": (256, 200_000), "temperature": (0, 2)}
_TEXTS = ("model", "base_url", "key_env", "key", "hint")
_HIDDEN = "[key]"


class Secret(str):
    """A key. What shows variables shows this in its place: tracebacks with locals, debuggers, logs of a row."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(_HIDDEN)


class Profile(NamedTuple):
    """A language model to ask. Its text form hides the key."""

    name: str
    model: str
    """litellm's id, provider/model."""
    base_url: str | None = None
    """Of a server that speaks OpenAI's protocol, up to and with /v1; None is the provider's own."""
    key_env: str | None = None
    key: str | None = None
    timeout_s: float = 120
    """For one answer, tries and waits between them included."""
    max_tokens: int = 7000
    temperature: float | None = None
    """None is bria-vgl's own, 0.2."""
    hint: str = ""
    """What starts the server, for the error that it does not answer."""

    def __repr__(self) -> str:
        return f"Profile(name={self.name!r}, model={self.model!r}, base_url={self.base_url!r})"

    __str__ = __repr__


def profile_names(file: Path | None = None) -> list[str]:
    """The shipped profiles, then those that a person's file adds; raises StudioFlowError for a broken file."""
    return list(_shipped() | _read(file))


def find_profile(name: str, file: Path | None = None) -> Profile:
    """The profile of that name with its key, the person's file before the environment.

    Raises StudioFlowError: unknown name, broken file, value out of range, or a key that is nowhere.
    """
    own = _read(file)
    rows = _shipped() | own
    if name not in rows:
        raise StudioFlowError(
            "no such profile of a language model",
            where="profile",
            found=f'"{name}"',
            allowed=", ".join(rows),
            fix=did_you_mean(name, rows) or f"add it to {file or _USUAL_FILE}",
        )
    row = own.get(name, {})
    # The key of a service stays with that service: another address brings its own.
    inherited = {} if row.get("base_url") else _shipped().get(name, {})
    row = {**inherited, **row}
    source = str(file) if name in own else "profiles.json"
    profile = _checked(name, row, source)
    return profile._replace(key=_key(profile, file))


def redact(text: str, profile: Profile) -> str:
    """The text without the profile's key, also as it stands in an address."""
    key = profile.key or ""
    if len(key) < _SHORTEST_SECRET:
        return text
    return text.replace(key, _HIDDEN).replace(quote(key, safe=""), _HIDDEN)


def warning_of(profile: Profile) -> str:
    """What a person should know about where a profile's key goes; "" where there is nothing to say."""
    parts = urlsplit(profile.base_url or "")
    if parts.scheme != "http" or profile.key in (None, NO_KEY) or _is_this_machine(parts.hostname or ""):
        return ""
    return (
        f"profile {profile.name}: its key goes to {parts.netloc} without encryption, where others on the way can "
        "read it; use https if that server has it"
    )


def _is_this_machine(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _shipped() -> dict[str, dict[str, Any]]:
    return table("translate/profiles.json")["profiles"]


def _read(file: Path | None) -> dict[str, dict[str, Any]]:
    """The rows of a person's file; no file is no rows. No error shows what stands in it: there are keys in it."""
    if file is None or not file.is_file():
        return {}
    form = '{"my model": {"model": "openai/…", "base_url": "http://127.0.0.1:8080/v1", "key": "…"}}'
    try:
        rows = json.loads(file.read_bytes().decode("utf-8-sig"), object_hook=_with_secret)
    except json.JSONDecodeError as error:
        place = Place(str(file), "", error.lineno, error.colno)
        fix = "correct it at that column, or rename the file and begin a new one"
        raise StudioFlowError(f"not JSON: {error.msg}", where=place, allowed=form, fix=fix) from None
    except RecursionError:
        raise StudioFlowError("nested too deep", where=str(file), allowed=form) from None
    except UnicodeDecodeError:
        fix = "save it again as UTF-8"
        raise StudioFlowError("not a text in UTF-8", where=str(file), allowed=form, fix=fix) from None
    except OSError as error:
        fix = "let the account that runs ComfyUI read this file"
        found = error.strerror or "an error"
        raise StudioFlowError("cannot be read", where=str(file), found=found, fix=fix) from error
    if not isinstance(rows, dict):
        # Not as a variable of its own: what stands there may be a key.
        rows = _kind(rows)
        raise StudioFlowError("not a table of profiles", where=str(file), found=rows, allowed=form)
    for name, row in rows.items():
        if not isinstance(row, dict):
            raise StudioFlowError("not a profile", where=f"{file} /{name}", found=_kind(row), allowed=form)
    return {name: row for name, row in rows.items() if not name.startswith("_")}


def _with_secret(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its key hidden, and every text in which a key is that belongs elsewhere."""

    def hidden(name: str, value: Any) -> bool:
        return name == "key" or name not in _TEXTS or (name == "base_url" and not {"@", "?"}.isdisjoint(value))

    return {
        name: Secret(value) if isinstance(value, str) and hidden(name, value) else value for name, value in row.items()
    }


def _kind(value: Any) -> str:
    """What a value of JSON is, in words, and nothing of it: it may be a key in the wrong place."""
    kinds = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return next((words for kind, words in kinds.items() if isinstance(value, kind)), "null")


def _checked(name: str, row: Mapping[str, Any], source: str) -> Profile:
    where = f"{source} /{name}"
    for field, value in row.items():
        _check_field(field, value, f"{where}/{field}")
    if not row.get("model"):
        raise StudioFlowError(
            "no model is named",
            where=where,
            allowed='an id as litellm writes it, provider/model: "model": "openai/gpt-5.4-mini"',
            fix='add "model"',
        )
    if row["model"] == FIRST_OF_SERVER and not row.get("base_url"):
        raise StudioFlowError(
            f"{FIRST_OF_SERVER} needs the server's address",
            where=where,
            found="no base_url",
            fix='add "base_url", such as "http://127.0.0.1:8080/v1"',
        )
    return Profile(name=name, **{field: value for field, value in row.items() if value is not None})


def _check_field(field: str, value: Any, where: str) -> None:
    fields = (*_TEXTS, *_NUMBERS)
    if field not in fields:
        raise StudioFlowError(
            "no such field of a profile", where=where, allowed=", ".join(fields), fix=did_you_mean(field, fields)
        )
    if value is None:
        return
    if field in _TEXTS:
        if not isinstance(value, str):
            raise StudioFlowError("not a text", where=where, found=_kind(value), allowed='"…"')
        if field == "base_url":
            _check_address(value, where)
        return
    least, most = _NUMBERS[field]
    whole = field == "max_tokens"
    number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not number or not least <= value <= most:
        kind = "a whole number" if whole else "a number"
        found = f"{value}" if _kind(value) == "a number" else _kind(value)
        raise StudioFlowError("not a value for this", where=where, found=found, allowed=f"{kind}, {least} to {most}")


def _check_address(value: str, where: str) -> None:
    if not _is_plain(value):
        # What was found is not shown: people put keys into addresses.
        raise StudioFlowError(
            "not a plain address of a server",
            where=where,
            allowed="http:// or https://, host, port and path, such as http://127.0.0.1:8080/v1",
            fix='a key goes into "key" or "key_env", not into the address',
        )


def _is_plain(address: str) -> bool:
    try:
        parts = urlsplit(address)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(whole) and not (parts.username or parts.password or parts.query or parts.fragment)


def _key(profile: Profile, file: Path | None) -> str | None:
    key, origin = profile.key, f'"key" of {profile.name}'
    if not key and profile.key_env:
        key, origin = Secret(os.environ.get(profile.key_env, "")), profile.key_env
    key = Secret((key or "").strip())
    if not key.isascii() or not key.isprintable() or " " in key:
        raise StudioFlowError(
            "this cannot be a key",
            where=origin,
            found="spaces, line breaks or letters that no key has",
            fix="copy the key again, with nothing before or behind it",
        )
    if key:
        return key
    if profile.key_env:
        row = json.dumps({profile.name: {"key": "…"}}, ensure_ascii=False)
        raise StudioFlowError(
            "there is no key for this language model",
            where=f"profile {profile.name}",
            found=f"{profile.key_env} is not set",
            fix=f"set the environment variable {profile.key_env} before the start, or write {row} into "
            f"{file or _USUAL_FILE}",
        )
    return NO_KEY if profile.base_url else None
