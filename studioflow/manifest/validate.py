"""Checking a manifest against its schema, with errors a person can act on."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterable
from typing import Any

from ..errors import ManifestError, Place, did_you_mean
from ..resources import shipped
from .locate import line_and_column

_TYPE_NAMES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
    "NoneType": "null",
}
_JSON_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


MAX_FAULTS = 100
"""More than a person reads; it also bounds the work that a hostile document can ask for."""


def validate(document: dict[str, Any], source: str = "manifest", text: str | None = None) -> None:
    """Returns when the document is a valid manifest 1.0, else raises ManifestError naming every fault in it.

    ``text`` is what the document was read from; with it every fault has its line and column. Faults beyond the
    first 100 are not looked at.
    """
    every = (fault for error in _validator().iter_errors(document) for fault in _explain(error, source, text))
    faults = list(itertools.islice(every, MAX_FAULTS + 1))
    if not faults:
        return
    count = (
        f"more than {MAX_FAULTS} faults, of which these are some"
        if len(faults) > MAX_FAULTS
        else f"{len(faults)} faults"
    )
    shown = sorted(faults[:MAX_FAULTS], key=_order)
    raise ManifestError.of(shown, f"the manifest has {count}", source)


def _order(fault: ManifestError) -> tuple[int, int, str]:
    place = fault.place or Place("")
    return place.line or 0, place.column or 0, place.pointer


@functools.cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the manifest, draft 2020-12."""
    text = (shipped("schemas") / "manifest.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def pointer(path: Iterable[str | int]) -> str:
    """The JSON Pointer (RFC 6901) of a path; ``/`` for the whole document."""
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)


@functools.cache
def _validator() -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(schema())


def _explain(error: Any, source: str, text: str | None) -> list[ManifestError]:
    """One fault in our own words for one error of the validator; several where several keys are unknown."""
    kind = type(error.kind).__name__.rsplit(".", 1)[-1]
    path = list(error.instance_path)
    rule = _at(schema(), list(error.schema_path)[:-1])
    value = error.instance

    def fault(
        problem: str, allowed: str, *, key: str | None = None, found: Any = value, fix: str = ""
    ) -> ManifestError:
        meaning = rule.get("description") if key is None and kind != "Not" else None
        return ManifestError(
            problem,
            where=_place(path if key is None else [*path, key], source, text),
            found=_show(found),
            allowed=f"{allowed} ({meaning.rstrip('.')})" if meaning else allowed,
            fix=fix,
        )

    if kind == "AdditionalProperties":
        known = list(rule["properties"])
        return [
            fault("unknown key", ", ".join(known), key=key, found=key, fix=_suggest(key, known))
            for key in error.kind.unexpected[: MAX_FAULTS + 1]
        ]
    if kind == "Required":
        # The draft's dependentRequired is reported as the same kind, with the rules of the object itself.
        name = error.kind.property
        return [fault("a key is missing", f'an object with "{name}"', key=name, found=value, fix=f'add "{name}"')]
    if kind == "Type":
        names = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
        return [fault("wrong type", " or ".join(_JSON_TYPES[name] for name in names))]
    if kind == "Enum":
        options = [str(option) for option in rule["enum"]]
        return [fault("unknown name", ", ".join(options), fix=_suggest(str(value), options))]
    if kind == "Constant":
        fix = "update StudioFlow if the manifest comes from a newer one"
        return [fault("unknown version of the manifest format", f'"{rule["const"]}"', fix=fix)]
    if kind in ("Minimum", "Maximum", "ExclusiveMinimum"):
        return [fault("number out of range", _range(rule))]
    if kind == "MultipleOf":
        step = int(rule["multipleOf"])
        below = int(value // step * step)
        return [fault(f"not a multiple of {step}", f"multiples of {step}", fix=f"take {below} or {below + step}")]
    if kind == "Pattern":
        return [fault("wrong form", f"such as {_show(rule['examples'][0])}")]
    if kind in ("MinItems", "MaxItems"):
        return [fault("wrong number of items", _count(rule.get("minItems"), rule.get("maxItems"), "items"))]
    if kind in ("MinLength", "MaxLength"):
        return [fault("wrong length", _count(rule.get("minLength"), rule.get("maxLength"), "characters"))]
    if kind == "AnyOf":
        return [
            fault(
                "the shot is missing",
                "a manifest with scene or caption",
                key="scene",
                found=value,
                fix='add "scene"',
            )
        ]
    if kind == "Not":
        return [fault("two things exclude each other", f"only one of them: {rule['not']['description']}", found=value)]
    # The validator's own words where the schema grows a rule that has none of ours yet.
    return [fault(error.message.split("\n")[0], "what the schema says")]


def _place(path: list[str | int], source: str, text: str | None) -> Place:
    line, column = line_and_column(text, path) if text else (None, None)
    return Place(source, pointer(path), line, column)


def _at(root: dict[str, Any], path: list[str | int]) -> dict[str, Any]:
    """The rule at a path of the validator, which passes through references without naming their targets."""
    node: Any = root
    for part in path:
        node = node[part]
        while "$ref" in node and isinstance(node["$ref"], str):
            node = _at(root, list(node["$ref"].removeprefix("#/").split("/")))
    rule: dict[str, Any] = node
    return rule


def _suggest(name: str, known: list[str]) -> str:
    return did_you_mean(name, known) or ""


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return "an object with " + ", ".join(map(str, value)) if value else "an empty object"
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > 80:
        text = text[:77] + "…"
    return text if isinstance(value, (int, float)) else f"{text} ({_TYPE_NAMES[type(value).__name__]})"


def _range(rule: dict[str, Any]) -> str:
    low = f"at least {rule['minimum']}" if "minimum" in rule else ""
    if "exclusiveMinimum" in rule:
        low = f"more than {rule['exclusiveMinimum']}"
    high = f"at most {rule['maximum']}" if "maximum" in rule else ""
    return " and ".join(part for part in (low, high) if part)


def _count(low: int | None, high: int | None, what: str) -> str:
    if low == high:
        return f"exactly {low} {what}"
    if high is None:
        return f"at least {low} {what}"
    return f"{low or 0} to {high} {what}"
