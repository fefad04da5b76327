"""What the validator reports, in words a person can act on: what was found, what is allowed, what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import ManifestError, Place, did_you_mean
from .locate import Path, pointer
from .schema import Rule, rule_at

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
_SHOWN = 80
"""Characters of a value that an error quotes."""


class Fault(NamedTuple):
    """One thing that the schema does not allow. ``path`` leads to it, also where it is a key that is missing."""

    path: Path
    problem: str
    found: str
    allowed: str
    fix: str = ""
    unknown_key: bool = False

    def error(self, source: str, place: tuple[int, int] | None) -> ManifestError:
        """The fault as an error; ``place`` is its line and column where they are known."""
        where = Place(source, pointer(self.path), *(place or ()))
        return ManifestError(self.problem, where=where, found=self.found, allowed=self.allowed, fix=self.fix)


def explain(error: Any) -> Iterator[Fault]:
    """The faults behind one error of the validator: one, or one for each key that is unknown."""
    kind, path, value = _kind(error), tuple(error.instance_path), error.instance
    if kind == "OneOfNotValid":
        yield from _of_best_branch(error)
        return
    rule = rule_at(list(error.evaluation_path)[:-1])
    if kind == "AdditionalProperties":
        known = list(rule["properties"])
        for key in error.kind.unexpected:
            yield Fault((*path, key), "unknown key", show(key), ", ".join(known), _suggest(key, known), True)
        return
    if kind == "Required":
        # The draft's dependentRequired is reported as the same kind, with the rules of the object itself.
        name = error.kind.property
        yield Fault((*path, name), "a key is missing", show(value), f'an object with "{name}"', f'add "{name}"')
        return
    if kind == "AnyOf":
        shot = "a manifest with scene or caption"
        yield Fault((*path, "scene"), "the shot is missing", show(value), shot, 'add "scene"')
        return
    if kind == "Not":
        allowed = f"only one of them: {rule['not']['description']}"
        yield Fault(path, "two things exclude each other", show(value), allowed)
        return
    problem, allowed, fix = _of_value(kind, rule, value, error)
    meaning = rule.get("description", "").rstrip(".")
    yield Fault(path, problem, show(value), f"{allowed} ({meaning})" if meaning else allowed, fix)


def _of_value(kind: str, rule: Rule, value: Any, error: Any) -> tuple[str, str, str]:
    """Problem, what is allowed and what to do, where a value itself is wrong."""
    if kind == "Type":
        names = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
        return "wrong type", " or ".join(_JSON_TYPES[name] for name in names), ""
    if kind == "Enum":
        options = [str(option) for option in rule["enum"]]
        return "unknown name", ", ".join(options), _suggest(str(value), options)
    if kind == "Constant":
        return "unknown version of the manifest format", f'"{rule["const"]}"', 'write "studioflow": "1.0"'
    if kind in ("Minimum", "Maximum", "ExclusiveMinimum"):
        return "number out of range", _range(rule), ""
    if kind == "MultipleOf":
        step = int(rule["multipleOf"])
        below = int(value // step * step)
        return f"not a multiple of {step}", f"multiples of {step}", f"take {below} or {below + step}"
    if kind == "Pattern":
        return "wrong form", f"such as {_json(rule['examples'][0])}", ""
    if kind in ("MinItems", "MaxItems"):
        return "wrong number of items", _count(rule.get("minItems"), rule.get("maxItems"), "items"), ""
    if kind == "MaxProperties":
        return "too many entries", _count(None, rule["maxProperties"], "entries"), ""
    if kind in ("MinLength", "MaxLength"):
        return "wrong length", _count(rule.get("minLength"), rule.get("maxLength"), "characters"), ""
    # The validator's own words where the schema grows a rule that has none of ours yet.
    return error.message.split("\n")[0], "what the schema says", ""


def _of_best_branch(error: Any) -> Iterator[Fault]:
    """What is wrong in the alternative that was meant, told by the key that each alternative requires first.

    Where several require the same one and its value fits none of them (a format that nobody knows): all its options
    together. Where the value has none of these keys, what the last alternative says, whose key most of them have.
    """
    branches = error.kind.context
    rules = [rule_at([*error.evaluation_path, index]) for index in range(len(branches))]
    keys = [rule["required"][0] for rule in rules]
    value, depth = error.instance, len(list(error.instance_path))
    key = next((name for name in keys if isinstance(value, dict) and name in value), None)
    if key is None:
        yield from explain(next(fault for fault in branches[-1] if _kind(fault) in ("Type", "Required")))
        return
    own = [(rule, faults) for name, rule, faults in zip(keys, rules, branches, strict=True) if name == key]
    meant = [faults for _, faults in own if all(list(one.instance_path)[depth : depth + 1] != [key] for one in faults)]
    if meant or len(own) == 1:
        for fault in min(meant or [own[0][1]], key=len):
            yield from explain(fault)
        return
    options = [str(name) for rule, _ in own for name in _options(rule["properties"][key])]
    fix = _suggest(str(value[key]), options)
    yield Fault((*error.instance_path, key), "unknown name", show(value[key]), ", ".join(options), fix)


def show(value: Any) -> str:
    """A value as an error quotes it."""
    if isinstance(value, dict):
        text = ", ".join(map(str, value))
        return f"an object with {_shortened(text)}" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}: {_shortened(_json(value[:_SHOWN]))}"
    text = _shortened(_json(value))
    return text if isinstance(value, (int, float)) else f"{text} ({_TYPE_NAMES[type(value).__name__]})"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _kind(error: Any) -> str:
    return type(error.kind).__name__.rsplit(".", 1)[-1]


def _options(rule: Rule) -> list[Any]:
    return [rule["const"]] if "const" in rule else list(rule["enum"])


def _suggest(name: str, known: list[str]) -> str:
    return did_you_mean(name[:200], known) or ""


def _range(rule: Rule) -> str:
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
