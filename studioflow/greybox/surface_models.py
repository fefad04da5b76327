"""Materials' numbers as BSDFs of Mitsuba, in scene-linear ACEScg: a material's ``Look``, and the Plain of a look.

Roughness is that of the metallic-roughness model of glTF 2.0: the width alpha of the microfacets is its square.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..resources import table
from ..studio.words import entries
from .emitted import linear_of_hex
from .parts import Plain, Rgb

_METAL_FROM = 0.9
"""From this ``metallic`` on a thing is all metal: it has the measured indices of one."""
_SMOOTHEST = 0.002
"""The smallest alpha of opaque things. A perfect mirror would not show lamps without extent, such as the sun."""
_CLEAR_BELOW = 0.06
"""Glass of less roughness is perfectly smooth."""
_BRIGHTEST = 0.93
"""No surface scatters more of any channel; fresh snow and barium sulphate come near."""
_DARKEST = 0.005
"""No painted or dyed surface scatters less of any channel; black velvet comes near."""
_GLOSSY_BELOW = 0.25
"""Mitsuba's rough plastic is exact where it is glossy and loses the light that bounces between rough microfacets, a
third of it at 0.6. From here on the principled BSDF is nearer to the colour that is asked for."""
_FLAKES = 0.45
"""The roughness of the flakes in metallic paint, which lie at slightly different angles."""
_CLEAR_FROM = 0.5
"""What is clear to this share and has no colour is taken for colourless glass, not for grey."""
_CLEAREST = 0.02
"""A share that is not worth a second lobe."""


class Look(NamedTuple):
    """A material with its changes.

    ``model`` as in surfaces.json; ``color`` the albedo, or the light that passes through two walls; ``metal`` a row of
    metals.json and ``tint`` what its reflectance is multiplied with; ``clear`` the share 0..1 that is clear glass, the
    rest scatters; ``lobes`` more numbers of the principled BSDF.
    """

    model: str
    color: Rgb
    roughness: float
    metallic: float
    transmission: float
    clear: float
    ior: float
    metal: str
    tint: Rgb
    lobes: Mapping[str, float]


def look_of(preset: str, changes: Mapping[str, Any], color: str = "") -> Look:
    """A preset ("" for none) with changed ``roughness``, ``metallic``, ``transmission`` and ``ior``.

    ``color`` is an sRGB hex in place of the preset's own. On a metal it is compared with the preset's typical colour
    and tints what is measured, so that gold of the typical colour of gold stays gold.
    """
    rules = table("greybox/surfaces.json")
    known = entries("materials").get(preset, {"family": "plastic"})
    row = {**rules["_families"][known["family"]], **rules.get(preset, {})}
    number = {**{"roughness": 0.6, "metallic": 0.0, "transmission": 0.0}, **known, **changes}
    typical = row.get("color") or known.get("color", "")
    was_clear = row["model"] == "clear"
    before = known.get("transmission") or 1.0
    share = min(1.0, number["transmission"] / before) if was_clear else number["transmission"]
    made_clear = "transmission" in changes and row["model"] in ("plastic", "metal", "principled", "flakes")
    clear = share if was_clear or made_clear else 0.0
    model = row["model"]
    if model == "metal" and number["metallic"] < _METAL_FROM:
        model = "principled"
    elif model == "plastic" and number["metallic"] > known.get("metallic", 0.0):
        model = "principled"
    usual = "#FFFFFF" if clear >= _CLEAR_FROM else rules["_neutral"]
    return Look(
        model=model,
        color=_linear(color or typical or usual),
        roughness=float(number["roughness"]),
        metallic=float(number["metallic"]),
        transmission=float(number["transmission"]),
        clear=clear,
        ior=float(number.get("ior", rules["_usual_ior"])),
        metal=row.get("metal", "iron"),
        tint=_tint(row.get("tint", ""), color, typical),
        lobes=row.get("lobes", {}),
    )


def plain_surface(look: Look) -> Plain:
    """The BSDF of a look; it has two sides wherever light does not pass through."""
    if look.model == "thin":
        return _thin(look)
    if look.model == "gauze":
        return {"type": "mask", "opacity": 1.0 - look.transmission, "bsdf": _two_sided(_principled(look))}
    if look.model == "clear" or look.clear:
        opaque = _two_sided(_plastic(look) if look.model in ("clear", "plastic", "flakes") else _principled(look))
        if look.clear <= _CLEAREST:
            return opaque
        if look.clear >= 1.0 - _CLEAREST:
            return _clear(look)
        return {"type": "blendbsdf", "weight": look.clear, "opaque": opaque, "clear": _clear(look)}
    if look.model == "flakes" and look.metallic:
        return _two_sided(_flakes(look))
    return _two_sided({"metal": _metal, "principled": _principled}.get(look.model, _plastic)(look))


def _two_sided(bsdf: Plain) -> Plain:
    return {"type": "twosided", "bsdf": bsdf}


def _metal(look: Look) -> Plain:
    row = table("greybox/metals.json")[look.metal]
    return {
        "type": "roughconductor",
        "distribution": "ggx",
        "alpha": _alpha(look.roughness),
        "eta": _rgb(row["eta"]),
        "k": _rgb(row["k"]),
        "specular_reflectance": _rgb(look.tint),
    }


def _plastic(look: Look) -> Plain:
    """Colour under a clear skin. What is as rough as plaster has none that one would see."""
    color = _rgb(_albedo(look.color))
    if look.roughness >= table("greybox/surfaces.json")["_matte_from"]:
        return {"type": "diffuse", "reflectance": color}
    if look.roughness >= _GLOSSY_BELOW:
        return _principled(look._replace(metallic=0.0))
    return {
        "type": "roughplastic",
        "distribution": "ggx",
        "alpha": _alpha(look.roughness),
        "int_ior": max(look.ior, 1.01),
        "diffuse_reflectance": color,
    }


def _flakes(look: Look) -> Plain:
    """Paint with flakes of aluminium under a clear coat, which keeps its full gloss on half of the surface at least."""
    flakes = look._replace(metal="aluminium", tint=_albedo(look.color), roughness=max(_FLAKES, look.roughness))
    return {"type": "blendbsdf", "weight": look.metallic / 2, "coat": _plastic(look), "flakes": _metal(flakes)}


def _clear(look: Look) -> Plain:
    """Glass and liquids. Light passes through at least two walls, each of which takes its half of the tint."""
    wall = _rgb([channel**0.5 for channel in look.color])
    smooth = look.roughness < _CLEAR_BELOW
    faces: Plain = {"int_ior": max(look.ior, 1.01), "ext_ior": 1.0, "specular_transmittance": wall}
    if smooth:
        return {"type": "dielectric", **faces}
    return {"type": "roughdielectric", "distribution": "ggx", "alpha": _alpha(look.roughness), **faces}


def _principled(look: Look) -> Plain:
    """Disney's BSDF, which gives back up to a tenth more than its base colour at grazing angles, and more if flat."""
    brightest = 0.88 - 0.12 * look.lobes.get("flatness", 0.0)
    lobes = {"roughness": look.roughness, "metallic": look.metallic, **look.lobes}
    if "specular" not in lobes:
        lobes["eta"] = max(look.ior, 1.01)
    return {"type": "principled", "base_color": _rgb(_albedo(look.color, brightest)), **lobes}


def _thin(look: Look) -> Plain:
    """A sheet: half of what it scatters goes through where ``transmission`` is 0.5."""
    through = 2.0 * look.transmission
    return {
        "type": "principledthin",
        "base_color": _rgb(_albedo(look.color)),
        "roughness": look.roughness,
        "diff_trans": through,
        "eta": max(look.ior, 1.01),
        **look.lobes,
    }


def _alpha(roughness: float) -> float:
    return max(roughness * roughness, _SMOOTHEST)


def _albedo(color: Rgb, brightest: float = _BRIGHTEST) -> Rgb:
    scale = min(1.0, brightest / max(*color, 1e-6))
    red, green, blue = (max(channel * scale, _DARKEST) for channel in color)
    return (red, green, blue)


def _tint(own: str, color: str, typical: str) -> Rgb:
    """What a metal's reflectance is multiplied with: its finish's tint, and a colour as compared to the typical one."""
    tint = _linear(own) if own else (1.0, 1.0, 1.0)
    if not color or not typical:
        return tint
    ratio = [t * c / max(usual, 1e-3) for t, c, usual in zip(tint, _linear(color), _linear(typical), strict=True)]
    brightest = max(1.0, *ratio)
    return (ratio[0] / brightest, ratio[1] / brightest, ratio[2] / brightest)


def _rgb(color: Any) -> Plain:
    return {"type": "rgb", "value": [float(channel) for channel in color]}


@functools.cache
def _linear(hex_color: str) -> Rgb:
    """An sRGB hex as scene-linear ACEScg, 0..1."""
    red, green, blue = linear_of_hex(hex_color).clip(0.0, 1.0).tolist()
    return red, green, blue
