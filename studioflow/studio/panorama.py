"""What a panorama says about the light: its lamps, its ambience, and where it was taken.

A panorama is equirectangular: rows are elevations from 90 degrees at the top to -90, columns are azimuths. Its middle
is what a camera at azimuth 0 looks at, behind the subject (azimuth 180); going right in the picture goes to +X, so at
three quarters is azimuth 90, at one quarter -90, and both edges are in front of the subject (azimuth 0), behind the
camera. A positive rotation moves all that is in the picture to the right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..resources import table
from .color_temperature import MAX_DUV, srgb_to_kelvin
from .words import signed_deg

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Rgb = tuple[float, float, float]
STUDIO, INTERIOR, OUTDOOR = "studio", "interior", "outdoor"
_COOLEST_K, _WARMEST_K = 20000, 1000
"""The range of colour temperatures in a manifest."""
_MOST_STOPS = 10.0
WIDE_DEG = 90.0
"""How wide the one light is given where nothing stands out."""


class PanoramaLight(NamedTuple):
    """One light of a panorama.

    Azimuth and elevation as lights of a manifest have them; width and height are those of the rectangle that spreads
    as far (a disc looks like a square 0.87 times its diameter). ``strength`` is its irradiance on a surface that faces
    it, relative to the strongest. ``kelvin`` and ``duv`` as in color_temperature, ``color`` its hue at full brightness
    as sRGB hex.
    """

    azimuth_deg: float
    elevation_deg: float
    width_deg: float
    height_deg: float
    strength: float
    kelvin: float
    duv: float
    color: str

    @property
    def diameter_deg(self) -> float:
        """Of the disc that looks as large."""
        return math.sqrt(4.0 / math.pi * self.width_deg * self.height_deg)


class PanoramaReport(NamedTuple):
    """What ``analyse`` found; lights strongest first, none where the panorama is evenly bright.

    ``ambient`` is the irradiance of all the rest, averaged over all directions, relative to the key; above 1 where
    there is hardly a key, and 1 where there is none. ``contrast_stops`` is log2 of the brightest over the darkest side
    of a white ball, at most 10. ``setting`` is studio, interior or outdoor; ``sunlit`` says whether the sun itself is
    in the picture.
    """

    lights: tuple[PanoramaLight, ...]
    ambient: float
    ambient_kelvin: float
    contrast_stops: float
    setting: str
    sunlit: bool
    rotation_deg: float

    def text(self) -> str:
        """A line of summary, then the lights, one a line."""
        place = f"{self.setting}, {'sun' if self.sunlit else 'overcast or shade'}" if self.outdoor else self.setting
        ambient = f"ambient {self.ambient:.2f} of the key" if self.lights else "no light stands out, soft even light"
        lines = [f"{place}; contrast {self.contrast_stops:.1f} stops; {ambient}, {self.ambient_kelvin:.0f} K"]
        for number, (light, made) in enumerate(zip(self.lights, lighting_from(self)["lights"], strict=True), 1):
            color = made.get("color") or f"{light.kelvin:.0f} K"
            lines.append(
                f"{number} {made['role']}: {made['type'].replace('_', ' ')}, azimuth {light.azimuth_deg:.0f}°, "
                f"elevation {light.elevation_deg:.0f}°, {light.diameter_deg:.1f}° across, "
                f"strength {light.strength:.2f}, {color}"
            )
        return "\n".join(lines)

    @property
    def outdoor(self) -> bool:
        return self.setting == OUTDOOR


def azimuth_of(u: float, rotation_deg: float = 0.0) -> float:
    """The azimuth of a place across a panorama, 0 at its left edge and 1 at its right, in (-180, 180]."""
    return signed_deg(360.0 * (1.0 - u) - rotation_deg)


def across_of(azimuth_deg: float, rotation_deg: float = 0.0) -> float:
    """The inverse of ``azimuth_of``, in 0..1."""
    return (-(azimuth_deg + rotation_deg) / 360.0) % 1.0


def analyse(pixels: NDArray[np.floating], *, rotation_deg: float = 0.0, max_lights: int = 4) -> PanoramaReport:
    """The lights and the ambience of a panorama ``[height, width, 3]`` of scene-linear Rec. 709 colour.

    Every pixel counts by its solid angle. Finite values of 0 and more are expected, as ``read_panorama`` gives them.
    At most ``max_lights`` lights, the strongest; the others stay in the ambience, and so do those that give less than
    a thirtieth of the key. What kind of place it is all of them tell. Where nothing stands out, the one light is where
    most of the light comes from on balance, and there is none where that is no more than the rest.
    """
    from . import panorama_search as search

    rule = table("studio/panorama.json")["search"]
    grid = search.reduced(pixels, rule["columns"])
    contrast = search.contrast_stops(grid)
    sources = search.sources(grid)
    if not sources and contrast >= rule["even_below_stops"]:
        sources = [search.balance(grid)]
    key = sources[0].irradiance if sources else float(search.luminance(search.mean_irradiance(grid)))
    lights = tuple(_light(source, key, rotation_deg) for source in sources)
    whole_rest = _rest(grid, sources)
    setting, sunlit = _setting(search.surroundings(grid), lights, float(search.luminance(whole_rest)) / key)
    rest = _rest(grid, sources[:max_lights])
    return PanoramaReport(
        lights[:max_lights],
        float(search.luminance(rest)) / key,
        _kelvin(_rgb(rest))[0] if rest.any() else lights[0].kelvin,
        min(_MOST_STOPS, contrast),
        setting,
        sunlit,
        rotation_deg,
    )


def lighting_from(report: PanoramaReport) -> dict[str, Any]:
    """A manifest's lighting section with the lights of a panorama, in the world's frame.

    Each stands where such a light usually stands, and is as large as it looks from the subject. An evenly bright
    panorama gives an empty list of lights, and an ambience of 1.
    """
    lights = [_made(report, index, light) for index, light in enumerate(report.lights)]
    section: dict[str, Any] = {"lights": lights, "ambient": round(min(1.0, report.ambient), 3), "frame": "world"}
    kelvin = report.lights[0].kelvin if report.lights else report.ambient_kelvin
    gray = kelvin < table("studio/panorama.json")["settings"]["overcast_below_k"]
    return section | ({"time_of_day": "overcast"} if report.outdoor and not report.sunlit and gray else {})


def _rest(grid: Any, sources: Sequence[Any]) -> NDArray[np.floating]:
    """Irradiance [3] of all but these lights, averaged over all directions."""
    from .panorama_search import mean_irradiance

    rest: NDArray[np.floating] = mean_irradiance(grid) - sum(source.rgb_flux / 4.0 for source in sources)
    return rest.clip(min=0.0)


def _light(source: Any, key: float, rotation_deg: float) -> PanoramaLight:
    x, y, z = source.direction
    kelvin, duv = _kelvin(_rgb(source.rgb_flux))
    return PanoramaLight(
        signed_deg(math.degrees(math.atan2(x, z)) - rotation_deg),
        math.degrees(math.asin(max(-1.0, min(1.0, y)))),
        source.width_deg,
        source.height_deg,
        source.irradiance / key,
        kelvin,
        duv,
        _hex(_rgb(source.rgb_flux)),
    )


def _setting(seen: Any, lights: tuple[PanoramaLight, ...], ambient: float) -> tuple[str, bool]:
    """Where the panorama was taken and whether the sun shines; the rules stand in panorama.json."""
    rule = table("studio/panorama.json")["settings"]
    # A wide light is no lamp but where most of the light comes from on balance.
    key = next((light for light in lights[:1] if light.width_deg < WIDE_DEG), None)
    # A lamp lights its whole hemisphere of directions: a quarter of its irradiance on average.
    shares = [light.strength / 4.0 for light in lights]
    whole = sum(shares) + ambient
    lamps = sum(shares) / whole if key else 0.0
    strongest = shares[0] / whole if key else 0.0
    blue = seen.sky_blue_over_red >= rule["sky_blue_over_red"]
    even = seen.sky_evenness <= rule["sky_evenness"]
    small = key and key.diameter_deg < rule["sun_below_deg"] and key.elevation_deg > rule["sun_above_deg"]
    sky = even and (blue or seen.sky_over_ground >= rule["sky_over_ground"]) and ambient >= rule["sun_ambient"]
    if small and strongest > rule["sun_share"] and sky:
        return OUTDOOR, True
    bright = even and seen.sky_over_ground >= rule["sky_over_ground"]
    if bright and (strongest < rule["sun_share"] or (blue and sky)):
        return OUTDOOR, False
    return (STUDIO if lamps >= rule["studio_share"] else INTERIOR), False


def _made(report: PanoramaReport, index: int, light: PanoramaLight) -> dict[str, Any]:
    data = table("studio/panorama.json")
    behind = abs(light.azimuth_deg) >= data["roles"]["rim_from_deg"] and light.elevation_deg < 75.0
    row = next(row for row in data["types"]["rows"] if _fits(row, report.setting, light))
    distance = row["distance_m"]
    size = [2.0 * distance * math.tan(math.radians(side) / 2.0) for side in (light.width_deg, light.height_deg)]
    made: dict[str, Any] = {
        "role": "key" if index == 0 else "rim" if behind else "fill",
        "type": row["type"],
        "azimuth_deg": round(light.azimuth_deg, 1),
        "elevation_deg": round(light.elevation_deg, 1),
        "distance_m": distance,
        "intensity": round(light.strength, 3),
    }
    if abs(light.duv) > data["color"]["white_within_duv"]:
        made["color"] = light.color
    else:
        made["color_temperature_k"] = round(light.kelvin, -1)
    made["size_m"] = [round(min(1000.0, max(0.005, side)), 3) for side in size]
    return made


def _fits(row: dict[str, Any], setting: str, light: PanoramaLight) -> bool:
    larger, smaller = max(light.width_deg, light.height_deg), min(light.width_deg, light.height_deg)
    return (
        row["setting"] == setting
        and larger < row.get("below_deg", math.inf)
        and larger >= row.get("sides", 0.0) * smaller
    )


def _kelvin(rgb: Rgb) -> tuple[float, float]:
    """Colour temperature within what a manifest can say, and the distance from the black body."""
    found = srgb_to_kelvin(rgb)
    return min(_COOLEST_K, max(_WARMEST_K, found.kelvin)), max(-MAX_DUV, min(MAX_DUV, found.duv))


def _rgb(values: NDArray[np.floating]) -> Rgb:
    red, green, blue = (max(0.0, float(value)) for value in values)
    return red, green, blue


def _hex(rgb: Rgb) -> str:
    whole = max(rgb)
    encoded = [12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in (c / whole for c in rgb)]
    return "#" + "".join(f"{round(255 * channel):02X}" for channel in encoded)
