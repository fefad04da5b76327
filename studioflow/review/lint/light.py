"""Words that contradict the light, and lights that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from ...studio.lighting import intensity_of, is_setup, key_of, lights_of, lit, seen_from
from ...studio.words import entry, side, signed_deg
from .base import Fault, Path, replace, rule, show, words
from .shot import Light, Shot
from .words import Match, Text, meaning, word_set

_HARD_BELOW, _SOFT_FROM = 0.06, 0.25
"""Size of a light over its distance below which shadows have sharp edges, and from which their edges are soft."""
_STRONG_ENOUGH = 0.5
"""A second light of this part of the key's intensity can be the one that a text speaks of."""
_ANOTHER_VIEW_DEG = 60.0
"""A setup seen from this far off the place it is made for looks otherwise."""


@rule("warmth-contradicts-text")
def warmth(shot: Shot) -> Iterator[Fault]:
    """Words for warm or cool light against the colour temperature of all lights."""
    key = shot.key
    if key is None or key.kelvin is None or any("color" in light for light in shot.lighting.get("lights", [])):
        return
    for text in shot.texts:
        for match in text.matches("warmth"):
            low, high = words("kelvin_limits")[match.group.split(".")[1]]
            there = [light.kelvin for light in shot.lights if light.kelvin is not None and light.intensity > 0]
            if not any(low <= kelvin <= high for kelvin in there):
                yield Fault(
                    text.path,
                    f"the text says {show(match.phrase)}, while the key light has {key.kelvin:g} K",
                    f"set the key's color_temperature_k between {low} and {high}, or change the words",
                )
                break


@rule("warmth-contradicts-time")
def warmth_of_time(shot: Shot) -> Iterator[Fault]:
    """A key light whose colour temperature does not fit the time of day."""
    key, time = shot.key, shot.lighting.get("time_of_day")
    typical = words("kelvin_of_time").get(time)
    if key is None or key.kelvin is None or typical is None:
        return
    low, high = words("kelvin_limits")[time]
    if not low <= key.kelvin <= high:
        path: Path = ("lighting", "lights", key.index or 0, "color_temperature_k")
        yield Fault(
            ("lighting", "time_of_day") if key.index is None else path,
            f"a key light of {key.kelvin:g} K does not fit time_of_day {show(time)}",
            f"set color_temperature_k to about {typical}, or take another time_of_day",
            () if key.index is None else (replace(path, typical),),
        )


@rule("time-contradicts-text")
def time_of_day(shot: Shot) -> Iterator[Fault]:
    """Words for a time of day against time_of_day."""
    time = shot.lighting.get("time_of_day")
    if time is None:
        return
    for text in shot.texts:
        wrong = [match for match in text.matches("time") if time not in words("time_fits")[match.group.split(".")[1]]]
        if wrong:
            forms = words("time_forms")[time]
            new = [forms.get(match.group.split(".")[2]) for match in wrong]
            edits = [(match.start, match.end, str(word)) for match, word in zip(wrong, new, strict=True)]
            yield Fault(
                text.path,
                f"the text says {show(wrong[0].phrase)}, while time_of_day is {show(time)}",
                "change the words or time_of_day",
                text.rewritten(edits) if all(new) else (),
            )


@rule("light-direction-contradicts-text")
def direction(shot: Shot) -> Iterator[Fault]:
    """Words for where the light comes from against the key as the camera sees it."""
    if shot.key is None:
        return
    for text in shot.texts:
        wrong = [match for match in _said_directions(text) if not _comes_from(shot, match.group.split(".")[1])]
        if wrong:
            sides = all(match.group.startswith(("light_from.left", "light_from.right")) for match in wrong)
            edits = (
                [(match.start, match.end, str(meaning(match.group, match.phrase))) for match in wrong] if sides else []
            )
            yield Fault(
                text.path,
                f"the text says light {show(wrong[0].phrase)}, while the key light stands at an azimuth of "
                f"{shot.key.seen_deg:g} and an elevation of {shot.key.elevation_deg:g} degrees seen from the camera",
                "change the words or move the key light",
                text.rewritten(edits),
            )


def _said_directions(text: Text) -> list[Match]:
    """Phrases about the main light: "from the left" counts behind a word for light that is no fill or rim light."""
    said = []
    for match in text.matches("light_from"):
        ahead = set(text.before(match.first, 5))
        if not word_set("light_words").isdisjoint(ahead) and word_set("second_light_words").isdisjoint(ahead):
            said.append(match)
    for match in text.matches("light_is"):
        lit = text.after(match.last, 1)
        if word_set("lit_objects").isdisjoint(lit) and word_set("second_light_words").isdisjoint(
            text.before(match.first, 2)
        ):
            said.append(match)
    return said


def _comes_from(shot: Shot, wanted: str) -> bool:
    """Whether the key, or another light about as strong, comes from there; generous at the borders."""
    key = shot.key
    return key is None or any(
        _fits(light, wanted)
        for light in shot.lights
        if light is key or light.intensity >= _STRONG_ENOUGH * key.intensity
    )


def _fits(light: Light, wanted: str) -> bool:
    off_axis = abs(light.seen_deg)
    if wanted in ("left", "right"):
        return side(light.seen_deg) == wanted or not 20 < off_axis < 160 or light.elevation_deg >= 75
    return {
        "behind": off_axis >= 105,
        "front": off_axis <= 70,
        "side": 25 <= off_axis <= 155,
        "above": light.elevation_deg >= 15,
        "below": light.elevation_deg <= 0,
    }[wanted]


@rule("shadows-contradict-text")
def shadows(shot: Shot) -> Iterator[Fault]:
    """Words for hard or soft light against the size of the key over its distance."""
    key = shot.key
    if key is None or _HARD_BELOW <= key.apparent < _SOFT_FROM:
        return
    really, group = ("hard", "shadows.soft") if key.apparent < _HARD_BELOW else ("soft", "shadows.hard")
    for text in shot.texts:
        wrong = text.matches(group)
        if wrong:
            new = [meaning(match.group, match.phrase) for match in wrong]
            edits = [(match.start, match.end, str(word)) for match, word in zip(wrong, new, strict=True)]
            yield Fault(
                text.path,
                f"the text says {show(wrong[0].phrase)}, while the key light is so "
                f"{'small' if really == 'hard' else 'large'} at its distance that shadows are {really}",
                "change the words, or the type, size_m or distance_m of the key light",
                text.rewritten(edits) if all(new) else (),
            )


@rule("setup-contradicts-text")
def setup_words(shot: Shot) -> Iterator[Fault]:
    """Names of setups against the setup."""
    setup = shot.lighting.get("setup")
    if setup is None:
        return
    types = {light.get("type") for light in lights_of(shot.lighting)}
    own = {"window_light": "window", "neon_duo": "neon"}
    for text in shot.texts:
        wrong = [
            match
            for match in text.matches("setup")
            if (said := match.group.split(".")[1]) != setup
            and own.get(said, "") not in types
            and setup not in words("setup_fits").get(said, [])
        ]
        if wrong:
            name = words("setup_names")[setup]
            yield Fault(
                text.path,
                f"the text says {show(wrong[0].phrase)}, while the setup is {show(setup)}",
                "change the words or the setup",
                text.rewritten([(match.start, match.end, name) for match in wrong]),
            )


@rule("no-key-light")
def no_key(shot: Shot) -> Iterator[Fault]:
    """Fills with nothing to fill up; light from the sky or a panorama counts as something."""
    lights = shot.lighting.get("lights", [])
    natural = "time_of_day" in shot.lighting or "environment" in shot.lighting
    roles = {light["role"] for light in lit(lights)}
    if "fill" in roles and "key" not in roles and not natural:
        fills = (index for index, light in enumerate(lights) if light["role"] == "fill")
        index = max(fills, key=lambda index: intensity_of(lights[index]))
        yield Fault(
            ("lighting", "lights"),
            "there is a fill light and no key light, so the strongest light is taken for the key",
            "give the main light the role key",
            (replace(("lighting", "lights", index, "role"), "key"),),
        )


@rule("two-key-lights")
def two_keys(shot: Shot) -> Iterator[Fault]:
    """More than one key: the caption speaks of the strongest only."""
    lights = shot.lighting.get("lights", [])
    keys = [index for index, light in enumerate(lights) if light["role"] == "key" and intensity_of(light) > 0]
    if len(keys) > 1:
        spoken_of = key_of(lights)
        strongest = next(index for index in keys if lights[index] is spoken_of)
        others = [index for index in keys if index != strongest]
        yield Fault(
            ("lighting", "lights", others[0], "role"),
            f"{len(keys)} lights are key lights, and the caption speaks only of the strongest",
            "give the others another role, such as fill",
            tuple(replace(("lighting", "lights", index, "role"), "fill") for index in others),
        )


@rule("fill-stronger-than-key")
def strong_fill(shot: Shot) -> Iterator[Fault]:
    """A fill that outshines the key is the key."""
    lights = [
        (light.get("intensity", 1.0), index, light["role"])
        for index, light in enumerate(shot.lighting.get("lights", []))
    ]
    keys = [light for light in lights if light[2] == "key" and light[0] > 0]
    fills = [light for light in lights if light[2] == "fill"]
    if len(keys) == 1 and fills and max(fills)[0] > keys[0][0]:
        (strength, fill, _), (weaker, key, _) = max(fills), keys[0]
        yield Fault(
            ("lighting", "lights", fill),
            f"a fill light of intensity {strength:g} is stronger than the key light of {weaker:g}",
            "swap their roles, or lower the fill",
            tuple(
                replace(("lighting", "lights", index, "role"), role) for index, role in ((fill, "key"), (key, "fill"))
            ),
        )


@rule("setup-with-lights")
def setup_with_lights(shot: Shot) -> Iterator[Fault]:
    """A setup whose lights are replaced, and whose words stay in the caption."""
    setup = shot.lighting.get("setup")
    if setup is not None and shot.lighting.get("lights") and not _is_setup(shot, setup):
        yield Fault(
            ("lighting", "setup"),
            f"the lights given replace those of the setup {show(setup)}, and only its words remain",
            "take the setup out, or the lights",
        )


@rule("setup-seen-from-elsewhere")
def setup_from_elsewhere(shot: Shot) -> Iterator[Fault]:
    """Lights that stay in the world, a setup whose words are of one view, and a camera that has another."""
    setup, azimuth = shot.lighting.get("setup"), _camera_azimuth(shot)
    if setup not in words("setups_of_one_view") or not azimuth or not _is_setup(shot, setup):
        return
    key, own = key_of(lights_of(shot.lighting)), key_of(entry("setups", setup, "lighting setup")["lights"])
    if key is None or own is None:
        return
    seen = signed_deg(key.get("azimuth_deg", 0.0) - azimuth)
    if min(abs(signed_deg(seen - meant)) for meant in (own["azimuth_deg"], -own["azimuth_deg"])) > _ANOTHER_VIEW_DEG:
        yield Fault(
            ("lighting", "frame"),
            f"the words of the setup {show(setup)} are of another view: its lights stay in the world, and from the "
            f"camera at an azimuth of {azimuth:g} degrees the main light stands at {seen:g}",
            "set frame to camera, move the camera back, or take the setup out and write its lights",
        )


def _is_setup(shot: Shot, setup: str) -> bool:
    """Whether the lights, as they stand in the world or as the camera sees them, are a setup with changes."""
    lights = lights_of(shot.lighting)
    views = (lights, seen_from(lights, _camera_azimuth(shot)))
    return any(is_setup(setup, seen, shot.lighting.get("ambient")) for seen in views)


def _camera_azimuth(shot: Shot) -> float:
    """The camera's azimuth where lights stay in the world; 0 where they travel with it."""
    return shot.orbit["azimuth_deg"] if shot.orbit and shot.lighting.get("frame") == "world" else 0.0
