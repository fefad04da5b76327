"""Words that FIBO cannot use: commands, other models' magic words, negations, numbers, placeholders, lettering."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...manifest import placeholders
from .base import Fault, Patch, Path, add, parsed_pointer, replace, rule, show, words
from .render import effective_cfg
from .shot import Shot
from .words import MAX_CHARACTERS, Text, fold, items, meaning, substitute, without_items, word_set

_BLANK = re.compile(r"\[(?:insert|your) [^\[\]\n]{1,80}\]|<(?:insert|your) [^<>\n]{1,80}>")
_WEIGHT = re.compile(r"\(([^()\n]{1,120}?):\d(?:\.\d{1,3})?\)")
_FOREIGN = re.compile(r"<lora:[^<>\n]{1,120}>|(?<!\S)--(?:ar|v|style|stylize|s|q|no|seed|niji)\b(?: [\w:.]{1,20})?")
_APERTURE = re.compile(r"\b[fF]/\d{1,2}(?:\.\d)?(?!\w)|\bf\d{1,2}\.\d(?!\w)")
_KELVIN = re.compile(r"\b(\d{4,5}) ?(?:K|[Kk]elvin)(?!\w)")
_SHUTTER = re.compile(r"\b1/\d{2,4} ?(?:s|sec|second|seconds)(?!\w)")
_ISO = re.compile(r"\bISO ?(\d{2,5})(?!\w)")
_QUOTED = re.compile(
    r"“([^“”\n]{1,120})”|\"([^\"\n]{1,120})\"|(?<!\w)'([^'\n]{1,120})'(?!\w)|‘([^‘’\n]{1,120})’|«([^«»\n]{1,120})»"
)
_LETTERING_WITHIN = 6
"""Words before a quotation in which something must say that it is lettering."""
_MAX_TEXTS = 50


@rule("placeholder-left")
def placeholder(shot: Shot) -> Iterator[Fault]:
    """A blank of a template that nobody filled in; the model would draw or ignore it."""
    inside = {key: value for key, value in shot.manifest.items() if key != "meta"}
    for name, place in placeholders(inside).items():
        advice = "give it a value, or write the braces twice where braces are meant"
        yield Fault(parsed_pointer(place), f"the placeholder {{{name[:60]}}} has no value", advice)
    for text in shot.texts:
        found = _BLANK.search(text.text, 0, MAX_CHARACTERS)
        said = found[0] if found else next((match.phrase for match in text.matches("placeholder")), None)
        if said:
            yield Fault(text.path, f"the placeholder {show(said)} was left in", "fill it in or take it out")


@rule("edit-words")
def edit_words(shot: Shot) -> Iterator[Fault]:
    """A caption says what the finished picture shows; commands belong into an edit instruction."""
    for text in shot.texts:
        said = next((match.phrase for match in text.matches("edited")), None) or _command(text)
        if said:
            yield Fault(
                text.path,
                f"{show(said)} describes an edit and not the finished picture",
                "describe what is to be seen in the end; what is to change belongs into an edit instruction",
            )


def _command(text: Text) -> str | None:
    """A sentence that begins with a command ("add a cup"), or "keep ... unchanged"."""
    starts = {0} | {text.index_at(found.start()) for found in re.finditer(r"[.!?;\n]", text.text[:MAX_CHARACTERS])}
    for index in sorted(starts):
        if index >= len(text.words) or text.words[index] not in word_set("edit_verbs"):
            continue
        following = text.after(index, 8)
        if following and following[0] in word_set("edit_objects"):
            return " ".join([text.words[index], *following[:3]])
    # "…, keep the background unchanged" is a command wherever it stands.
    for index, word in enumerate(text.words):
        following = text.after(index, 8) if word in ("keep", "keeping") else ()
        if not word_set("kept_words").isdisjoint(following):
            return " ".join([word, *following[:3]])
    return None


@rule("quality-words")
def quality(shot: Shot) -> Iterator[Fault]:
    """Words that other models were taught; to FIBO they are objects, or noise."""
    for text in shot.texts:
        if text.kind in ("mood", "context") or text.field in ("expression", "action", "pose"):
            continue
        anywhere = text.matches("quality.anywhere")
        covered = {index for match in text.matches("quality") for index in range(match.first, match.last + 1)}
        spans, unwanted = items(text.text), set()
        for number, (start, end) in enumerate(spans):
            first, last = text.index_at(start), text.index_at(end)
            if first < last and covered.issuperset(range(first, last)):
                unwanted.add(number)
        if not anywhere and not unwanted:
            continue
        said = anywhere[0].phrase if anywhere else text.text[slice(*spans[min(unwanted)])].strip()
        alone = {index for number in unwanted for index in range(*map(text.index_at, spans[number]))}
        inside = [match for match in anywhere if match.first not in alone]
        yield Fault(
            text.path,
            f"{show(said)} is a quality word of other models and says nothing to FIBO",
            "take it out; say light, lens, material and surface instead",
            () if inside else text.replaced(without_items(text.text, unwanted)),
        )


@rule("foreign-syntax")
def foreign_syntax(shot: Shot) -> Iterator[Fault]:
    """Weights, switches and adapters in the notation of other programs."""
    for text in shot.texts:
        read = text.text[:MAX_CHARACTERS]
        found = [(m.start(), m.end(), m[1]) for m in _WEIGHT.finditer(read)]
        found += [(m.start(), m.end(), "") for m in _FOREIGN.finditer(read)]
        if found:
            start, end, _ = min(found)
            changed = substitute(text.text, found)
            yield Fault(
                text.path,
                f"{show(text.text[start:end])} is the notation of another program; FIBO reads it as words",
                "take it out",
                text.replaced(re.sub(" {2,}", " ", changed).strip(" ,")),
            )


@rule("negated-things")
def negated(shot: Shot) -> Iterator[Fault]:
    """ "no people" puts people into the caption; the negative is where they are kept out."""
    for text in shot.texts_of("description", "background", "composition"):
        found = list(_negated(text))
        if found:
            said = text.text[slice(*text.characters(*found[0]))]
            yield Fault(
                text.path,
                f"{show(said)} names what is not to be seen, and FIBO reads the name",
                "say what is there instead, or put it into render.negative where the model takes guidance",
                _to_negative(shot, text, found),
            )


def _negated(text: Text) -> Iterator[tuple[int, int]]:
    """First and last word of each "no ..." and "without ..." whose thing is one a picture is kept free of."""
    for index, word in enumerate(text.words):
        if word in word_set("negation_leads"):
            last = index
            for following in text.after(index, 3):
                last += 1
                if following in word_set("negated_things"):
                    yield index, last
                    break
                if following not in word_set("negation_fillers"):
                    break


def _to_negative(shot: Shot, text: Text, found: list[tuple[int, int]]) -> Patch:
    """Moves the things into the negative, where they all stand at the end of an item and something reads it."""
    negative = shot.render.get("negative", "")
    if effective_cfg(shot.render.get("cfg"), shot.family) <= 1.0 or not isinstance(negative, str):
        return ()
    edits, things = [], []
    for first, last in found:
        if text.after(last, 1):
            return ()
        start, end = text.characters(first, last)
        lead = text.before(first, 2)
        if text.words[first] == "no" and lead[-1:] in (["with"], ["and"]):
            start = text.characters(first - 1, first)[0]
        elif text.words[first] == "no" and lead:
            return ()
        marks = " ,;." if text.text[end : end + 1] == "." else " ,;"
        edits.append((len(text.text[:start].rstrip(marks)), end, ""))
        things.append(text.words[last])
    changed = substitute(text.text, edits).lstrip(" ,;.")
    taken = text.replaced(changed[:1].upper() + changed[1:] if text.text[:1].isupper() else changed)
    merged = ", ".join([*([negative] if negative else []), *dict.fromkeys(things)])
    if "render" not in shot.manifest:
        return (*taken, add(("render",), {"negative": merged})) if taken else ()
    return (*taken, add(("render", "negative"), merged)) if taken else ()


@rule("numbers-in-text")
def numbers(shot: Shot) -> Iterator[Fault]:
    """Numbers that FIBO cannot read, though the manifest can say them; millimetres of a lens it knows."""
    key = shot.key
    known = {
        "aperture": shot.lens.aperture is not None,
        "color_temperature_k": key is not None and key.kelvin is not None,
        "exposure": True,
    }
    for text in shot.texts:
        found = list(_camera_numbers(text.text[:MAX_CHARACTERS]))
        if not found:
            continue
        spans, spoken = items(text.text), {place for _, place in found}
        alone = {
            number
            for number, (start, end) in enumerate(spans)
            if (end - len(text.text[start:end].lstrip()), start + len(text.text[start:end].rstrip())) in spoken
        }
        removable = len(alone) == len(found) and all(known[kind] for kind, _ in found)
        yield Fault(
            text.path,
            f"FIBO cannot read {show(text.text[slice(*found[0][1])])} as a number",
            "give it to the camera or the light, which put it into words, or leave it out",
            text.replaced(without_items(text.text, alone)) if removable else (),
        )


def _camera_numbers(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for kind, pattern in (("aperture", _APERTURE), ("exposure", _SHUTTER)):
        yield from ((kind, found.span()) for found in pattern.finditer(text))
    for found in _KELVIN.finditer(text):
        if 1000 <= int(found[1]) <= 20000:
            yield "color_temperature_k", found.span()
    for found in _ISO.finditer(text):
        if int(found[1]) in words("iso_values"):
            yield "exposure", found.span()


@rule("text-not-listed")
def lettering(shot: Shot) -> Iterator[Fault]:
    """Quoted lettering that stands in no entry of text, from which alone FIBO writes it."""
    path, entries = _listed_lettering(shot)
    given = entries if isinstance(entries, list) else []
    listed = [_plain(str(entry.get("text"))) for entry in given if isinstance(entry, dict)]
    for text in shot.texts:
        for found in _QUOTED.finditer(text.text[:MAX_CHARACTERS]):
            said = next(group for group in found.groups() if group)
            index = text.index_at(found.start())
            ahead = text.words[max(0, index - _LETTERING_WITHIN) : index]
            if not _plain(said) or word_set("quote_lead_ins").isdisjoint(ahead):
                continue
            if not any(_plain(said) in entry or entry in _plain(said) for entry in listed if entry):
                yield Fault(
                    text.path,
                    f"the lettering {show(said)} is in no entry of the text to be rendered",
                    "add an entry for it",
                    _entry_patch(path, entries, said.strip()) if path[0] == "scene" or not shot.raw_is_text else (),
                )
                break


def _plain(text: str) -> str:
    return " ".join(fold(text).split()).strip(" .,!?")


def _listed_lettering(shot: Shot) -> tuple[Path, Any]:
    """The list that lettering is written from: the scene's, unless a raw one hides it or there is no scene."""
    raw = shot.raw.get("text_render")
    if raw is not None or "scene" not in shot.manifest:
        return shot.raw_at("text_render"), raw
    return ("scene", "text"), shot.scene.get("text")


def _entry_patch(path: Path, entries: Any, said: str) -> Patch:
    if entries is None:
        return (add(path, [{"text": said}]),)
    room = isinstance(entries, list) and len(entries) < _MAX_TEXTS
    return (add((*path, "-"), {"text": said}),) if room else ()


@rule("medium-contradicts-text")
def medium(shot: Shot) -> Iterator[Fault]:
    """A description that begins with another medium than the style names."""
    if "scene" not in shot.manifest:
        return
    style = shot.scene.get("style", {})
    # Only a scene without a raw caption is a photograph where it does not say.
    if fold(style.get("medium", "" if "caption" in shot.manifest else "photograph")) not in (
        "photograph",
        "photo",
        "photography",
    ):
        return
    for text in shot.texts_of("description"):
        match = next(iter(text.matches("medium")), None)
        if match is None or text.before(match.first, 3) not in ([], ["a"], ["an"]) or match.first > 1:
            continue
        if text.after(match.last, 1) != ["of"]:
            continue
        name = str(meaning(match.group, match.phrase))
        target = ("scene", "style", "medium") if "style" in shot.scene else ("scene", "style")
        value: Any = name if "style" in shot.scene else {"medium": name}
        write = replace if "medium" in style else add
        yield Fault(
            text.path,
            f"the text begins with {show(match.phrase)}, while style.medium is a photograph",
            f"set style.medium to {show(name)}, or describe a photograph",
            (write(target, value),),
        )
