"""Words that contradict the camera: its height, its side, its roll, its lens and what it renders sharp."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from ...errors import StudioFlowError
from ...studio.camera import NO_SIDE_DEG, caption_fields
from ...studio.words import side, signed_deg
from .base import Fault, rule, show, words
from .shot import Shot
from .words import Match, Text, meaning, word_set

_NUMBERS_WIN = "change the words, which contradict what the camera's numbers say in the caption, or change the camera"
_DEEP, _SHALLOW = 0.0055, 0.0156
"""Blur of infinity (``Sharpness.blur``) below which nearly everything is sharp, and from which the camera's words say
shallow."""
_SAME_LENS = 1.25
"""Focal lengths closer than this factor give pictures that nobody tells apart by a word."""
_MACRO_FRAME_M = 0.4
"""A frame of this height shows a table setting; a macro shows a part of one thing on it."""
_MOST_NOUNS, _LEAD_IN_WITHIN = 4, 6
"""Words behind "85mm" that may belong to its noun, and words before it in which "shot with" may stand."""
_MILLIMETRES = re.compile(r"(?<![\w.,])(\d{1,4}) ?mm(?!\w)")


def _form(value: float, forms: list[dict[str, Any]]) -> dict[str, Any]:
    """The row of a table that a number falls into, read as all tables of bands are."""
    return next(row for row in forms if "below" not in row or value < row["below"])


def _says_a_view(text: Text, match: Match) -> bool:
    """Whether a phrase such as "low-angle" is about the camera: not "low-angle sunlight", not a shelf at eye level."""
    form = match.group.rsplit(".", 1)[1]
    around = {*text.before(match.first, 2), *text.after(match.last, 2)}
    if form == "seen":
        return not word_set("seen_verbs").isdisjoint(text.before(match.first, 1))
    if not word_set("light_words").isdisjoint(around) or not word_set("no_mirror").isdisjoint(
        text.after(match.last, 1)
    ):
        return False
    before_a_view = not word_set("view_nouns").isdisjoint(text.after(match.last, 1))
    return before_a_view or (text.of_the_picture and form != "before_view")


@rule("angle-contradicts-text")
def angle(shot: Shot) -> Iterator[Fault]:
    """Words for the camera's height against its elevation."""
    if shot.orbit is None:
        return
    elevation = shot.orbit["elevation_deg"]
    form = _form(elevation, words("angle_forms"))
    for text in shot.texts:
        said, edits, certain = [], [], True
        for match in text.matches("angle"):
            height, kind = match.group.split(".")[1:]
            low, high = words("angle_limits_deg")[height]
            if low <= elevation <= high or not _says_a_view(text, match):
                continue
            new = form.get("adjective" if kind == "before_view" else kind)
            if new is None or (
                kind == "adjective" and not word_set("degree_words").isdisjoint(text.before(match.first, 1))
            ):
                certain = False
            said.append(match.phrase)
            edits.append((match.start, match.end, new or ""))
        if said:
            yield Fault(
                text.path,
                f"the text says {_listed(said)}, while the camera stands at an elevation of {elevation:g} degrees",
                _NUMBERS_WIN,
                text.rewritten(edits) if certain else (),
            )


@rule("roll-contradicts-text")
def roll(shot: Shot) -> Iterator[Fault]:
    """Words for a tilted or a level horizon against the roll; straight up and down there is no horizon to see."""
    if shot.orbit is None or abs(shot.orbit["elevation_deg"]) >= NO_SIDE_DEG:
        return
    rolled = abs(signed_deg(shot.orbit["roll_deg"]))
    for text in shot.texts_of("description", "composition", "context", "background"):
        wrong = [*text.matches("roll.tilted")] if rolled < 4 else [*text.matches("roll.level")] if rolled >= 20 else []
        if wrong:
            yield Fault(
                text.path,
                f"the text says {_listed(wrong)}, while the camera is rolled by {rolled:g} degrees",
                "set the camera's roll_deg, or change the words",
            )


@rule("side-contradicts-text")
def seen_side(shot: Shot) -> Iterator[Fault]:
    """Words for the side that the camera sees against its azimuth.

    Where the subject is turned, both readings are allowed: around the scene, and around the subject itself.
    """
    if shot.orbit is None or abs(shot.orbit["elevation_deg"]) >= NO_SIDE_DEG:
        return
    azimuth = shot.orbit["azimuth_deg"]
    for text in shot.texts:
        relative = signed_deg(azimuth - shot.facing_deg(text.subject))
        form = _form(abs(relative), words("side_forms"))
        said, edits = [], []
        for match in text.matches("side"):
            wanted, kind = match.group.split(".")[1:]
            if _side_fits(wanted, azimuth) or _side_fits(wanted, relative):
                continue
            if kind == "other" and not text.of_the_picture:
                continue
            if kind != "other" and not _says_a_view(text, match):
                continue
            said.append(match.phrase)
            edits.append((match.start, match.end, form.get(kind, "").format(side=side(relative))))
        if said:
            yield Fault(
                text.path,
                f"the text says {_listed(said)}, while the camera stands at an azimuth of {azimuth:g} degrees"
                + (f", {relative:g} from where the subject faces" if relative != azimuth else ""),
                "change the words, the camera's azimuth_deg or the subject's facing_deg",
                text.rewritten(edits) if all(new for _, _, new in edits) else (),
            )


def _side_fits(wanted: str, azimuth: float) -> bool:
    if wanted in ("left", "right"):
        return side(azimuth) == wanted or not 15 < abs(azimuth) < 165
    low, high = words("side_limits_deg")[wanted]
    return bool(low <= abs(azimuth) <= high)


@rule("lens-contradicts-text")
def lens(shot: Shot) -> Iterator[Fault]:
    """Words and numbers for a lens against the lens of the camera."""
    equivalent, focal = shot.equivalent_mm, shot.lens.focal_length_mm
    # Where lenses are what is photographed, their focal lengths are theirs.
    if not equivalent or not focal or _lenses_are_the_subject(shot):
        return
    for text in shot.texts:
        edits = []
        for match in text.matches("lens"):
            kind = match.group.split(".")[1]
            if not _takes_the_picture(text, match.first, match.last):
                continue
            if kind == "macro":
                frame = shot.orbit and shot.frame_at(shot.orbit["distance_m"])
                wrong = bool(frame) and min(frame.width_m, frame.height_m) > _MACRO_FRAME_M
            else:
                low, high = words("lens_limits_mm")[kind]
                wrong = not low <= equivalent <= high
            if wrong:
                edits.append((match.start, match.end, "" if kind == "macro" else _engraved(shot)))
        edits += [
            (found.start(), found.end(), _engraved(shot))
            for found in _MILLIMETRES.finditer(text.text)
            if _is_a_lens(text, found) and _another_lens(float(found[1]), focal, equivalent)
        ]
        if edits:
            said = [text.text[start:end] for start, end, _ in sorted(edits)]
            yield Fault(
                text.path,
                f"the text says {_listed(said)}, while the lens has {focal:g} mm (full frame: {equivalent:.0f} mm)",
                "change the words, or choose another lens or distance",
                text.rewritten(edits) if all(new for _, _, new in edits) else (),
            )


def _lenses_are_the_subject(shot: Shot) -> bool:
    described = [text for text in shot.texts if text.kind == "subject" and text.field == "description"]
    return any(not word_set("lens_products").isdisjoint(text.words) for text in described)


def _is_a_lens(text: Text, found: re.Match[str]) -> bool:
    """Whether millimetres are a focal length: "85mm lens", "shot at 85 mm", and no bolt of 10 mm or 35mm film."""
    last = text.index_at(found.end()) - 1
    if not text.of_the_picture or not 0 <= last < len(text.words):
        return False
    first = max(last if text.words[last] == found[0].casefold() else last - 1, 0)
    following = text.after(last, 1)
    if not following and not word_set("lens_lead_ins").isdisjoint(text.before(first, 3)):
        return _takes_the_picture(text, first, last)
    return not word_set("lens_nouns").isdisjoint(following) and _takes_the_picture(text, first, last)


def _takes_the_picture(text: Text, first: int, last: int) -> bool:
    """Whether words for a lens are about the one in the camera, and not about a lens that is in the picture.

    That is so in "telephoto view" and in "shot with an 85mm lens", and where the words stand alone between commas. In
    "85mm lens on a table", "lens box" and "camera with an 85mm lens" the lens is a thing like others.
    """
    views, products = word_set("view_nouns"), word_set("lens_products")
    nouns = takewhile((views | word_set("lens_nouns")).__contains__, text.after(last, _MOST_NOUNS))
    end = last + len(list(nouns))
    if text.words[end] in views - products:
        return True
    if not text.of_the_picture:
        return False
    ahead, following = text.before(first, _LEAD_IN_WITHIN), text.after(end, 1)
    if not ahead:
        return not following
    if "focal" in ahead[-3:]:
        return True
    leads = [index for index, word in enumerate(ahead) if word in word_set("lens_lead_ins")]
    between = ahead[leads[-1] :] if leads else []
    return not word_set("lens_means").isdisjoint(between) and word_set("lens_elsewhere").isdisjoint(
        [*between, *following]
    )


def _another_lens(said_mm: float, focal: float, equivalent: float) -> bool:
    return all(max(said_mm, real) / max(min(said_mm, real), 1e-9) > _SAME_LENS for real in (focal, equivalent))


def _engraved(shot: Shot) -> str:
    """The focal length as the caption says it, such as 85mm."""
    try:
        return caption_fields({key: shot.camera[key] for key in ("sensor", "lens") if key in shot.camera})[
            "lens_focal_length"
        ].split(" ")[0]
    except StudioFlowError:
        return ""


@rule("focus-contradicts-text")
def focus(shot: Shot) -> Iterator[Fault]:
    """Words for depth of field against what lens, aperture and distance give."""
    if shot.sharp is None or _DEEP <= shot.sharp.blur < _SHALLOW:
        return
    deep, part = shot.sharp.blur < _DEEP, shot.sharp.part
    # A subject that is not sharp as a whole looks shallow in front of the sharpest background.
    if deep and part is not None and part < 1.0:
        return
    groups = ["focus.shallow", "focus.shallow_in_background"] if deep else ["focus.deep"]
    for text in shot.texts:
        wrong = [
            match
            for group in groups
            for match in text.matches(group)
            if group != "focus.shallow_in_background" or text.kind == "background"
        ]
        if wrong:
            new = [meaning(match.group, match.phrase) for match in wrong]
            edits = [(match.start, match.end, str(word)) for match, word in zip(wrong, new, strict=True)]
            really = "everything sharp from front to back" if deep else "only a shallow zone sharp"
            yield Fault(
                text.path,
                f"the text says {_listed(wrong)}, while lens, aperture and distance give {really}",
                "change the words, or the aperture, the focal length or the distance",
                text.rewritten(edits) if all(new) else (),
            )


def _listed(found: list[Match] | list[str]) -> str:
    """Phrases as a message quotes them: the first three, each once."""
    phrases = dict.fromkeys(match.phrase if isinstance(match, Match) else match for match in found)
    return ", ".join(show(phrase) for phrase in list(phrases)[:3])
