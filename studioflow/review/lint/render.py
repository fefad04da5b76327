"""What the render section asks of the model that it was not trained for, or that has no effect."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...caption import compile_for
from ...errors import StudioFlowError
from ...families import Family
from ...resources import table
from ...sizes import size_for_ratio
from .base import Fault, Path, parsed_pointer, remove, replace, rule, show, words
from .shot import Shot

_TRAINED_AREA = 1024 * 1024
_LARGEST = 1.15
"""In units of 1024 × 1024; the largest size that FIBO was trained at has 1.09 of them."""
_RATIO_TOLERANCE = 0.03
_STEPS_FACTOR = 3.0
"""Users of FIBO 2 dev see no difference between 20 and 50 steps; beyond a factor of three something else was meant."""


@rule("cannot-compile")
def cannot_compile(shot: Shot) -> Iterator[Fault]:
    """Whatever the compiler itself refuses."""
    try:
        compile_for(shot.manifest, "auto", shot.family)
    except StudioFlowError as error:
        path = parsed_pointer(error.where) if error.where and error.where.startswith("/") else ()
        found = f": {error.found}" if error.found else ""
        yield Fault(path, f"{error.problem}{found}", error.fix or error.allowed or "correct it")
    except OverflowError:
        yield Fault((), "a number is too large to compute with", "give positions in metres that a studio can have")


@rule("ratio-not-trained")
def ratio(shot: Shot) -> Iterator[Fault]:
    """An aspect ratio that the model has not seen."""
    trained: dict[str, list[int]] = table("trained_sizes.json")[shot.family.dialect]
    if "aspect_ratio" in shot.render:
        width, height = (int(part) for part in shot.render["aspect_ratio"].split(":"))
        divisor = math.gcd(width, height)
        known = f"{width // divisor}:{height // divisor}" in trained
        path: Path = ("render", "aspect_ratio")
    elif "width" in shot.render:
        width, height = shot.render["width"], shot.render["height"]
        known, path = False, ("render", "width")
    else:
        return
    nearest = min(trained, key=lambda name: abs(math.log(_quotient(name) * height / width)))
    if path[1] == "width":
        known = abs(math.log(_quotient(nearest) * height / width)) <= _RATIO_TOLERANCE
    if known:
        return
    size = trained[nearest]
    patch = (
        (replace(path, nearest),)
        if path[1] == "aspect_ratio"
        else (replace(path, size[0]), replace(("render", "height"), size[1]))
    )
    yield Fault(
        path,
        f"{shot.family.title} was not trained on pictures of {width} × {height}"
        if path[1] == "width"
        else f"{shot.family.title} was not trained on the aspect ratio {shot.render['aspect_ratio']}",
        f"take {nearest}, which is {size[0]} × {size[1]} pixels",
        patch,
    )


def _quotient(name: str) -> float:
    width, height = name.split(":")
    return int(width) / int(height)


@rule("picture-too-large")
def too_large(shot: Shot) -> Iterator[Fault]:
    """More pixels than the model was trained on."""
    if "width" in shot.render:
        width, height = shot.render["width"], shot.render["height"]
        if width * height > _LARGEST * _TRAINED_AREA:
            less = size_for_ratio(f"{int(width)}:{int(height)}", 1, shot.family.dialect)
            yield Fault(
                ("render", "width"),
                f"{width} × {height} pixels are {width * height / _TRAINED_AREA:.1f} times what FIBO was trained on; "
                "above that subjects repeat",
                f"render {less[0]} × {less[1]} and enlarge the picture afterwards",
                (replace(("render", "width"), less[0]), replace(("render", "height"), less[1])),
            )
    elif shot.render.get("megapixels", 1) > _LARGEST:
        yield Fault(
            ("render", "megapixels"),
            f"{shot.render['megapixels']:g} megapixels are more than the 1 that FIBO was trained on; "
            "above that subjects repeat",
            "leave megapixels out and enlarge the picture afterwards",
            (remove(("render", "megapixels")),),
        )


@rule("megapixels-ignored")
def megapixels(shot: Shot) -> Iterator[Fault]:
    """megapixels is for aspect_ratio and does nothing beside width and height."""
    if "width" in shot.render and "megapixels" in shot.render:
        yield Fault(
            ("render", "megapixels"),
            "megapixels beside width and height has no effect",
            "leave it out, or give aspect_ratio instead of width and height",
            (remove(("render", "megapixels")),),
        )


@rule("steps-far-off")
def steps(shot: Shot) -> Iterator[Fault]:
    """A number of steps that belongs to another model."""
    given, own = shot.render.get("steps"), shot.family.steps
    if given is not None and not own / _STEPS_FACTOR <= given <= own * _STEPS_FACTOR:
        yield Fault(
            ("render", "steps"),
            f"{given} steps, while {shot.family.title} wants about {own}",
            "leave steps out to take the model's own number",
            (remove(("render", "steps")),),
        )


@rule("cfg-far-off")
def guidance(shot: Shot) -> Iterator[Fault]:
    """Guidance for a model that was distilled to need none, or none for one that needs it."""
    given, own = shot.render.get("cfg"), shot.family.cfg
    if given is None or (given <= 1.5 if own == 1.0 else 2.0 <= given <= 2.0 * own):
        return
    yield Fault(
        ("render", "cfg"),
        f"a cfg of {given:g}, while {shot.family.title} wants {own:g}",
        "leave cfg out to take the model's own value",
        (remove(("render", "cfg")),),
    )


@rule("negative-without-guidance")
def negative(shot: Shot) -> Iterator[Fault]:
    """A negative that nothing reads."""
    if shot.render.get("negative") and effective_cfg(shot.render.get("cfg"), shot.family) <= 1.0:
        yield Fault(
            ("render", "negative"),
            f"the negative has no effect without guidance: cfg is 1 for {shot.family.title}",
            "say in the scene what is there instead, or render with a model that takes guidance",
            (remove(("render", "negative")),),
        )


def effective_cfg(given: float | None, family: Family) -> float:
    """The guidance that the model will run with."""
    return family.cfg if given is None else given


@rule("section-without-effect")
def no_effect(shot: Shot) -> Iterator[Fault]:
    """Sections that only a node of their own uses."""
    for section, why in words("sections_without_effect").items():
        if shot.manifest.get(section):
            yield Fault(
                (section,),
                f"{show(section)} has no effect by itself: {why}",
                "render with that node, or do not rely on it",
            )
