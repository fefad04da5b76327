"""Names of delivered files, from a pattern such as ``{sku}/{title}_v{version:03}.{frame:04}``.

Fields are looked up by their name and nothing else; Python's own formatting would let a pattern reach into objects.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import DeliveryError, PathError, did_you_mean, require_choice
from ..manifest import content_id
from .menus import IF_EXISTS, NUMBER_UP, OVERWRITE

TEXT_FIELDS = ("sku", "title", "date", "time", "manifest_id", "author", "model", "preset")
NUMBER_FIELDS = ("seed", "frame", "version", "count", "width", "height")

_LONGEST_NAME = 255
"""Bytes of one name on Linux; macOS and Windows count 255 UTF-16 units, which are never more than the bytes."""
_LONGEST_VALUE, _SHORTEST_VALUE = 120, 10
_DIGITS = 20
"""Of the largest seed."""
_NUMBER = len("_00001_")
_BESIDE = len("..part")
"""What a name grows by while its file is being written."""
_FORBIDDEN = frozenset('<>:"/\\|?*')
_TURNS_TEXT = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks of direction, with which a name can look like another."""
_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])\s*(?:\..*)?", re.IGNORECASE)
"""Names of devices on Windows, also with an ending (Microsoft, "Naming Files, Paths, and Namespaces")."""
_BRACES = re.compile(r"\{([^{}]*)\}")
_FIELD = re.compile(r"(\w+)(?::0(\d{1,2}))?")


class Place(NamedTuple):
    """Where the files of a delivery go: each picture's are ``folder / (stem + ending)``."""

    folder: Path
    stems: tuple[str, ...]
    frames: tuple[int | None, ...]
    """The number of each picture in a sequence; None where the pattern has no {frame}."""
    replace: bool = False


class _Field(NamedTuple):
    name: str
    width: int


_Component = list["str | _Field"]
"""One folder or file name: literal texts and fields."""


def check_pattern(pattern: str) -> None:
    """Raises DeliveryError where the pattern has a field that there is not, a brace that belongs to none, or a letter
    that cannot be seen, such as a line break: it would break the lines of a list of checksums."""
    _components(pattern)


def fields_of(manifest: Mapping[str, Any] | None, provenance: Mapping[str, Any], preset: str) -> dict[str, str]:
    """The texts that a manifest and a provenance have for the fields of a pattern; absent where they say nothing."""
    shot = manifest or {}
    meta, render = shot.get("meta", {}), shot.get("render", {})
    found = {
        "sku": meta.get("sku"),
        "title": meta.get("title"),
        "author": meta.get("author"),
        "model": provenance.get("model") or render.get("model"),
        "manifest_id": content_id(dict(shot))[:8] if shot else None,
        "preset": preset,
    }
    return {name: str(value) for name, value in found.items() if value}


def place(
    root: Path,
    pattern: str,
    texts: Mapping[str, str],
    *,
    size: tuple[int, int],
    count: int,
    now: datetime,
    seeds: Sequence[int] = (),
    first_frame: int = 1,
    if_exists: str = NUMBER_UP,
    room: int = 0,
) -> Place:
    """Folder and names for ``count`` pictures of ``size`` (width, height), inside ``root``.

    Without {frame}, {seed} or {version}, ``number up`` appends ``_00001_`` and so on, counting on from the highest
    number in the folder. {version} is the next free number for the whole delivery, with ``overwrite`` the newest that
    is there. ``room`` is how many bytes the longest ending needs. Raises PathError where the name leaves ``root`` and
    DeliveryError for a pattern that does not fit; makes no folder.
    """
    require_choice("if_exists", if_exists, IF_EXISTS)
    components = _components(pattern)
    used = {piece.name for component in components for piece in component if isinstance(piece, _Field)}
    appended = if_exists == NUMBER_UP and not used & {"frame", "seed", "version"}
    if count > 1 and not appended and not used & {"frame", "seed"}:
        raise DeliveryError(
            "several pictures would have one name",
            where="filename_prefix",
            found=f'"{pattern}" for {count} pictures',
            allowed="a pattern with {frame} or {seed}",
            fix="add {frame:04} to the name",
        )
    room += _BESIDE + (_NUMBER if appended else 0)
    longest = _longest_value(components, _LONGEST_NAME - room)
    values: dict[str, str | int] = {name: safe(text, longest) for name, text in texts.items()}
    values |= {"date": f"{now:%Y-%m-%d}", "time": f"{now:%H-%M-%S}"}
    values |= {"count": count, "width": size[0], "height": size[1]}
    tokens = _tokens(now, size)
    filled = [[_with_tokens(piece, tokens) for piece in component] for component in components]
    if "version" in used:
        # The place is checked before anything is looked up there.
        first = _names(filled, values | {"version": 0}, 1, seeds, first_frame)[0]
        require_inside(root, root.joinpath(*first), pattern)
        newest = _newest_version(root, filled, values)
        values["version"] = max(1, newest) if if_exists == OVERWRITE else newest + 1
    names = _names(filled, values, count, seeds, first_frame)
    folders = {require_inside(root, root.joinpath(*name), pattern).parent for name in names}
    if len(folders) > 1:
        raise DeliveryError(
            "a delivery goes into one folder",
            where="filename_prefix",
            found=f'"{pattern}"',
            allowed="{frame} and {seed} in the name of the file, behind the last slash",
        )
    folder = folders.pop()
    stems = [name[-1] for name in names]
    _check_lengths([*names[0][:-1], *stems], _LONGEST_NAME - room)
    if appended:
        number = _next_number(folder, stems[0])
        stems = [f"{stem}_{number + index:05}_" for index, stem in enumerate(stems)]
    _check_apart(stems, pattern)
    frames = [first_frame + index if "frame" in used else None for index in range(count)]
    return Place(folder, tuple(stems), tuple(frames), if_exists == OVERWRITE)


def safe(text: str, most_bytes: int = _LONGEST_VALUE) -> str:
    """A text as part of a file name on Windows, macOS and Linux: no separators, no control characters, no dots or
    spaces around it, Unicode in NFC, cut to so many bytes of UTF-8."""
    kept = "".join("_" if _is_unfit(letter) else letter for letter in unicodedata.normalize("NFC", text))
    cut = kept.strip(" .").encode("utf-8")[:most_bytes].decode("utf-8", "ignore")
    return cut.strip(" .") or "_"


def _is_unfit(letter: str) -> bool:
    return letter in _FORBIDDEN or _is_unseen(letter)


def _is_unseen(letter: str) -> bool:
    return letter in _TURNS_TEXT or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")


# ---------------------------------------------------------------- the pattern


def _components(pattern: str) -> list[_Component]:
    if unseen := [letter for letter in pattern if _is_unseen(letter)]:
        raise DeliveryError(
            "the name has a character that cannot be seen",
            where="filename_prefix",
            found=ascii(unseen[0]),
            allowed="one line of letters, digits and signs",
            fix="type the name anew, or take the line break out",
        )
    if not pattern.strip() or os.path.normpath(pattern) == ".":
        raise DeliveryError(
            "the name is empty",
            where="filename_prefix",
            found=f'"{pattern}"',
            allowed="a name such as StudioFlow/{sku}_{title}",
        )
    return [_pieces(part, pattern) for part in Path(os.path.normpath(pattern)).parts]


def _pieces(part: str, pattern: str) -> _Component:
    pieces: _Component = []
    at = 0
    for match in _BRACES.finditer(part):
        pieces += [part[at : match.start()], _field(match[1], pattern)]
        at = match.end()
    pieces.append(part[at:])
    for piece in pieces:
        if isinstance(piece, str) and ("{" in piece or "}" in piece):
            raise _no_such_field(piece, pattern, "a brace that belongs to no field", "close it, or take it out")
    return [piece for piece in pieces if piece]


def _field(inside: str, pattern: str) -> _Field:
    match = _FIELD.fullmatch(inside)
    known = (*TEXT_FIELDS, *NUMBER_FIELDS)
    if not match or match[1] not in known:
        name = inside.split(":")[0]
        fix = f"write {{{name}:04}} for four digits" if name in NUMBER_FIELDS else did_you_mean(name, known)
        raise _no_such_field(f"{{{inside}}}", pattern, "no such field in the name", fix)
    if match[2] and match[1] in TEXT_FIELDS:
        raise _no_such_field(f"{{{inside}}}", pattern, "only numbers have a width", f"write {{{match[1]}}}")
    return _Field(match[1], int(match[2] or 0))


def _no_such_field(found: str, pattern: str, problem: str, fix: str | None) -> DeliveryError:
    shown = f'"{found}"' if found == pattern else f'"{found}" in "{pattern}"'
    allowed = ", ".join([f"{{{name}}}" for name in TEXT_FIELDS] + [f"{{{name}:04}}" for name in NUMBER_FIELDS])
    return DeliveryError(problem, where="filename_prefix", found=shown, allowed=allowed, fix=fix)


def _tokens(now: datetime, size: tuple[int, int]) -> dict[str, str]:
    """What ComfyUI fills in itself in the names of its own nodes."""
    parts = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
    return {name: now.strftime(code) for name, code in parts.items()} | {"width": str(size[0]), "height": str(size[1])}


def _with_tokens(piece: str | _Field, tokens: Mapping[str, str]) -> str | _Field:
    if isinstance(piece, _Field):
        return piece
    return re.sub(r"%(\w+)%", lambda match: tokens.get(match[1], match[0]), piece)


# ---------------------------------------------------------------- names


def _names(
    components: Sequence[_Component],
    values: Mapping[str, str | int],
    count: int,
    seeds: Sequence[int],
    first_frame: int,
) -> list[list[str]]:
    """Folders and stem of each picture."""
    names = []
    for index in range(count):
        own: dict[str, str | int] = {"frame": first_frame + index}
        if index < len(seeds):
            own["seed"] = seeds[index]
        names.append([_name(component, {**values, **own}) for component in components])
    return names


def _name(component: _Component, values: Mapping[str, str | int]) -> str:
    if not any(isinstance(piece, _Field) for piece in component):
        return "".join(map(str, component))
    text = "".join(piece if isinstance(piece, str) else _value(piece, values) for piece in component)
    text = text.rstrip(" .") or "_"
    return f"_{text}" if _DEVICES.fullmatch(text) else text


def _value(field: _Field, values: Mapping[str, str | int]) -> str:
    if field.name not in values:
        raise DeliveryError(
            "the shot has nothing for a field of the name",
            where="filename_prefix",
            found=f"no {field.name}",
            allowed=", ".join(f"{{{name}}}" for name in values),
            fix=_WHENCE.get(field.name, "") + f"take {{{field.name}}} out of the name",
        )
    return f"{values[field.name]:0{field.width}}" if field.width else str(values[field.name])


_WHENCE = {
    "sku": "set meta.sku in the manifest, or ",
    "title": "set meta.title in the manifest, or ",
    "author": "set meta.author in the manifest, or ",
    "seed": "connect provenance, or ",
    "model": "connect provenance, or ",
    "manifest_id": "connect a manifest, or ",
}


def require_inside(root: Path, path: Path, pattern: str) -> Path:
    """The path; PathError where it, or what it is a link to, lies outside of ``root``."""
    if not path.resolve().is_relative_to(root.resolve()):
        raise PathError(
            "the name leaves the output folder",
            found=f'"{pattern}"',
            allowed="a name inside the output folder",
            fix="take the .. or the drive out of the name",
        )
    return path


def _check_lengths(names: Sequence[str], most: int) -> None:
    longest = max(names, key=_bytes)
    if _bytes(longest) > most:
        raise DeliveryError(
            "the name is too long",
            where="filename_prefix",
            found=f"{_bytes(longest)} bytes: {longest[:40]}…",
            allowed=f"at most {most} bytes, so that number and ending fit too",
            fix="take a word out of the name",
        )


def _check_apart(stems: Sequence[str], pattern: str) -> None:
    if len({stem.casefold() for stem in stems}) < len(stems):
        raise DeliveryError(
            "several pictures would have one name",
            where="filename_prefix",
            found=f'"{pattern}" gives {stems[0]} more than once',
            allowed="a name for each picture",
            fix="add {frame:04} to the name",
        )


def _longest_value(components: Sequence[_Component], most: int) -> int:
    """Bytes that a text of the shot may take, so that those of the fullest component fit together."""
    longest = _LONGEST_VALUE
    for component in components:
        fields = [piece for piece in component if isinstance(piece, _Field)]
        texts = [field for field in fields if field.name in TEXT_FIELDS]
        fixed = sum(_bytes(piece) for piece in component if isinstance(piece, str))
        fixed += sum(max(field.width, _DIGITS) for field in fields if field not in texts)
        if texts:
            longest = min(longest, (most - fixed) // len(texts))
    return max(longest, _SHORTEST_VALUE)


def _bytes(name: str) -> int:
    return len(name.encode("utf-8", "surrogatepass"))


# ---------------------------------------------------------------- what is there already


def _next_number(folder: Path, stem: str) -> int:
    """As ComfyUI counts: behind the highest ``stem_00001_`` in the folder."""
    numbered = re.compile(re.escape(_folded(stem)) + r"_(\d+)(?:_|$)")
    return max((int(match[1]) for name in _listing(folder) if (match := numbered.match(name))), default=0) + 1


def _newest_version(root: Path, components: Sequence[_Component], values: Mapping[str, str | int]) -> int:
    """The highest {version} of this pattern that has a folder or a file, whatever its frames and seeds; 0 if none."""
    folder = root
    for component in components:
        if not any(isinstance(piece, _Field) and piece.name == "version" for piece in component):
            folder /= _name(component, dict.fromkeys(("frame", "seed"), 0) | dict(values))
            continue
        numbers = {"version": r"(\d+)", "frame": r"-?\d+", "seed": r"\d+"}
        parts = [
            re.escape(_folded(piece))
            if isinstance(piece, str)
            else numbers.get(piece.name) or re.escape(_folded(_value(piece, values)))
            for piece in component
        ]
        versions = re.compile("".join(parts) + r"(?!\d)")
        return max((int(match[1]) for name in _listing(folder) if (match := versions.match(name))), default=0)
    return 0


def _listing(folder: Path) -> list[str]:
    try:
        return [_folded(path.name) for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise PathError("the output folder cannot be used", where=str(folder), found=error.strerror) from error


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", os.path.normcase(name))
