"""A photographer's brief, read by rules: offline, at once, and always the same.

Words and numbers that the tables in terms/ know become fields of the manifest; each says which words it came from.
What no field took stays what it is: words of the scene's description.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ..errors import StudioFlowError, require_choice
from .build import built
from .camera_terms import read_camera, read_render
from .describe import described
from .light_terms import read_lights
from .reading import HELPER, Found, Reading, Span
from .recognise import recognise
from .scan import tokens_of
from .scene_terms import read_look
from .subject_terms import read_things
from .terms import LANGUAGES, detected, terms

MAX_CHARACTERS = 20_000
AUTO = "auto"


class Brief(NamedTuple):
    """What a brief says. ``found`` in the order of the words, ``unused`` the words that went into no field.

    ``language`` is the one given or detected. ``manifest`` is valid and holds all that was found.
    """

    text: str
    language: str
    found: tuple[Found, ...]
    unused: tuple[Span, ...]
    manifest: dict[str, Any]

    def words(self, spans: tuple[Span, ...]) -> str:
        """The words at these places, parted by dots where they stand apart."""
        return " … ".join(" ".join(self.text[span.start : span.end].split()) for span in spans)

    def report(self) -> str:
        """For people: a line a field with the words it came from, then what was left, then where a choice was made."""
        lines = [f'{found.field} {_shown(found.value)}   "{self.words(found.spans)}"' for found in self.found]
        if self.unused:
            lines.append("left as text: " + ", ".join(f'"{self.words((span,))}"' for span in self.unused))
        lines += [f"{found.field}: {found.note}" for found in self.found if found.note]
        return "\n".join(lines)


def read_brief(text: str, language: str = AUTO, source: str = "brief") -> Brief:
    """What a brief of up to 20,000 characters says, in one of LANGUAGES, or in the one that its words tell.

    Raises StudioFlowError where there is nothing to read, where there is too much, and for another language.
    """
    _require_readable(text, source)
    require_choice("language", language, (AUTO, *LANGUAGES))
    tokens = tokens_of(text)
    spoken = detected(text, [token.word for token in tokens]) if language == AUTO else language
    reading = Reading(text, tokens, terms(spoken))
    recognise(reading)
    read_lights(reading)
    read_camera(reading)
    read_look(reading)
    read_render(reading)
    if spoken == "en":
        read_things(reading)
    found = tuple(sorted(reading.found, key=lambda item: item.spans[0]))
    manifest = built({item.field: item.value for item in found}, described(reading, source), source)
    return Brief(text, spoken, found, _unused(reading, found), manifest)


def brief_to_manifest(
    text: str, manifest: dict[str, Any] | None = None, language: str = AUTO, source: str = "brief"
) -> tuple[dict[str, Any], Brief]:
    """What a brief says as a manifest, laid over another one where there is one, and the brief as it was read.

    The brief is the last writer: what it says replaces, everything else stays. Raises StudioFlowError as
    ``read_brief`` does, and where the two do not go together.
    """
    brief = read_brief(text, language, source)
    if manifest is None:
        return brief.manifest, brief
    said = {item.field: item.value for item in brief.found}
    return built(said, brief.manifest["scene"].get("description", ""), source, manifest), brief


def _require_readable(text: str, source: str) -> None:
    if not any(map(str.isalnum, text)):
        raise StudioFlowError(
            "the brief says nothing",
            where=source,
            found=f'"{text.strip()[:40]}"' if text.strip() else "an empty text",
            allowed="words in one of " + ", ".join(LANGUAGES),
            fix='write for example "steel coffee grinder on oak, 85mm, f/2, light from the left"',
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise StudioFlowError(
            "the brief is no valid text",
            where=source,
            found=f"half a character, U+{ord(text[error.start]):04X}, as character {error.start + 1}",
            fix="write or paste it again",
        ) from error
    if len(text) > MAX_CHARACTERS:
        raise StudioFlowError(
            "the brief is too long",
            where=source,
            found=f"{len(text):,} characters",
            allowed=f"at most {MAX_CHARACTERS:,} characters",
            fix="keep what the picture must show, and put the rest into meta.notes",
        )


def _unused(reading: Reading, found: tuple[Found, ...]) -> tuple[Span, ...]:
    """Runs of words that went into no field; small words count for nothing but may stand within a run."""
    taken = _tokens_in(reading, sorted(span for item in found for span in item.spans))
    runs: list[Span] = []
    start = last = -1
    small_to = 0
    for index in range(len(reading.tokens) + 1):
        free = index < len(reading.tokens) and not taken[index] and reading.owner[index] != HELPER
        if free and not reading.breaks[index]:
            small_to = max(small_to, reading.phrase("stop", index))
            if index >= small_to and reading.tokens[index].kind in ("word", "number"):
                start = index if start < 0 else start
                last = index
        elif start >= 0:
            runs.append(reading.span(start, last + 1))
            start = last = -1
    return tuple(runs)


def _tokens_in(reading: Reading, spans: list[Span]) -> list[bool]:
    """Of every token whether it lies in one of the spans, which are sorted and may overlap."""
    taken, reach, at = [False] * len(reading.tokens), 0, 0
    for index, token in enumerate(reading.tokens):
        while at < len(spans) and spans[at].start <= token.start:
            reach, at = max(reach, spans[at].end), at + 1
        taken[index] = token.start < reach
    return taken


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
