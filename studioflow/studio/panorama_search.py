"""Finding the lights in the pixels of a panorama, and measuring them.

The picture is reduced to about half a degree a cell without losing light; every cell counts by its solid angle. The
ambience around each direction is a low quantile of what is seen within 60 degrees of it. Regions brighter than that
are then followed from the brightest level down, as in a component tree (Salembier, Oliveras and Garrido, IEEE TIP 7,
1998): a region that stays as it is over a range of brightness is a light, and regions that meet are told apart by how
far their peaks stand out. Numbers stand in panorama.json.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..resources import table
from .panorama_regions import Region, grown, regions

Array = NDArray[np.float64]
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""ITU-R BT.709-6, table 3."""


class Grid(NamedTuple):
    """A reduced panorama: colours [h, w, 3], luminances [h, w], solid angles [h, w] in sr, directions [h, w, 3]."""

    rgb: Array
    light: Array
    solid: Array
    directions: Array


class Source(NamedTuple):
    """A light as measured, without the ambience behind it.

    ``direction`` is a unit vector (x right, y up, z towards the camera in front), ``irradiance`` its luminance on a
    surface that faces it, ``rgb_flux`` [3] its radiance over its solid angle.
    ``coherence`` is 1 for a point and less the wider it lies scattered.
    """

    direction: Array
    irradiance: float
    rgb_flux: Array
    width_deg: float
    height_deg: float
    coherence: float


class Surroundings(NamedTuple):
    """Medians of the upper part of a panorama over those of the lower part, and how even and blue the upper part is."""

    sky_over_ground: float
    sky_evenness: float
    sky_blue_over_red: float


def luminance(rgb: Array) -> Array:
    """Relative luminance of linear Rec. 709 colours [..., 3]."""
    result: Array = rgb @ _LUMINANCE
    return result


def reduced(pixels: NDArray[np.floating], columns: int) -> Grid:
    """A panorama [height, width, 3] of at most that many columns, half as many rows, as much light in every cell.

    A smaller one keeps its size. Cells are whole pixels, so where the sizes do not divide some are one pixel larger;
    each has its own solid angle.
    """
    height, width = pixels.shape[:2]
    rows = min(height, columns // 2)
    row_edges = np.linspace(0, height, rows + 1).round().astype(int)
    column_edges = np.linspace(0, width, min(width, columns) + 1).round().astype(int)
    heights = -np.diff(np.sin(np.pi * (0.5 - np.arange(height + 1) / height)))
    rgb = np.empty((rows, len(column_edges) - 1, 3))
    for row, (top, bottom) in enumerate(itertools.pairwise(row_edges)):
        share = (heights[top:bottom] / heights[top:bottom].sum()).astype(pixels.dtype)
        strip = (share @ pixels[top:bottom].reshape(bottom - top, -1)).reshape(width, 3)
        rgb[row] = np.add.reduceat(strip, column_edges[:-1], axis=0, dtype=np.float64)
    rgb /= np.diff(column_edges)[:, None]
    edges = np.sin(np.pi * (0.5 - row_edges / height))
    solid = -np.diff(edges)[:, None] * (2.0 * np.pi * np.diff(column_edges) / width)
    across = (column_edges[:-1] + column_edges[1:]) / (2.0 * width)
    sines = (edges[:-1] + edges[1:]) / 2.0
    return Grid(rgb, luminance(rgb), solid, _directions(across, sines))


def mean_irradiance(grid: Grid) -> Array:
    """Irradiance [3] averaged over surfaces of every direction: a quarter of all radiance (Cauchy: mean projection)."""
    result: Array = np.einsum("hwc,hw->c", grid.rgb, grid.solid) / 4.0
    return result


def contrast_stops(grid: Grid) -> float:
    """log2 of the brightest over the darkest side of a white ball, without its shadow on anything."""
    coarse = _coarse(grid, 16)
    normals = coarse.directions.reshape(-1, 3)
    received = np.maximum(normals @ normals.T, 0.0) @ (coarse.light * coarse.solid).ravel()
    return float(np.log2(received.max() / max(received.min(), 1e-12 * received.max())))


def surroundings(grid: Grid) -> Surroundings:
    """What tells a sky from a room; colours and brightness of the middle of each part."""
    rule = table("studio/panorama.json")["settings"]
    coarse = _coarse(grid, 32)
    elevation = np.degrees(np.arcsin(coarse.directions[..., 1]))
    above, below = elevation > rule["sky_from_deg"], elevation < rule["ground_below_deg"]
    quarters = [_quantile(coarse.light[above], coarse.solid[above], part) for part in (0.25, 0.5, 0.75)]
    ground = _quantile(coarse.light[below], coarse.solid[below], 0.5)
    red, _, blue = (_quantile(coarse.rgb[above][:, c], coarse.solid[above], 0.5) for c in range(3))
    return Surroundings(_over(quarters[1], ground), _over(quarters[2], quarters[0]), _over(blue, red))


def sources(grid: Grid) -> list[Source]:
    """The lights that stand out, strongest first; empty where none does."""
    rule = table("studio/panorama.json")["search"]
    ambience = _ambience(grid, rule)
    excess = np.maximum(grid.light - ambience, 0.0) * grid.solid
    floor = rule["floor_of_mean"] * float((grid.light * grid.solid).sum() / (4.0 * np.pi))
    found, owner = regions(grid.light / (ambience + floor), excess, grid.solid, rule)
    measured = [_measured(grid, region, owner, ambience) for region in found if region.area < rule["largest_sr"]]
    whole = [source for source in measured if source and source.coherence >= rule["coherence"]]
    best = sorted(whole, key=lambda source: -source.irradiance)
    return [source for source in best if source.irradiance >= rule["least_of_key"] * best[0].irradiance]


def _measured(grid: Grid, region: Region, owner: NDArray[np.int32], ambience: Array) -> Source | None:
    """A region's light above what lies around it; None where nothing is left of it."""
    own = owner == region.number
    free = (owner == 0) | (owner == region.around)
    edge = grown(own, 1)
    ring = grown(edge, 6) & ~grown(own, 2) & free
    whole = own | (edge & free)
    if ring.sum() >= 12:
        behind = np.array([_quantile(grid.rgb[ring][:, c], grid.solid[ring], 0.5) for c in range(3)])
    else:
        behind = grid.rgb[own].mean(axis=0) * min(1.0, ambience[own].mean() / max(grid.light[own].mean(), 1e-30))
    colors = (grid.rgb[whole] - behind) * grid.solid[whole][:, None]
    weights = np.maximum(luminance(colors), 0.0)
    flux = np.maximum(colors.sum(axis=0), 0.0)
    if weights.sum() <= 0.0 or not flux.any():
        return None
    return _source(grid.directions[whole], grid.solid[whole], weights, flux)


def _source(directions: Array, solid: Array, weights: Array, flux: Array) -> Source:
    """From the directions [n, 3] and solid angles [n] of a light's cells, their luminance times those, its colour."""
    cell = math.sqrt(float(solid.max()))
    middle = weights @ directions / weights.sum()
    coherence = float(np.linalg.norm(middle))
    middle /= coherence
    facing = directions @ middle
    sideways = np.array([middle[2], 0.0, -middle[0]])
    length = np.linalg.norm(sideways)
    sideways = sideways / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    upwards = np.cross(middle, sideways)
    sides = []
    for axis in (sideways, upwards):
        # On the plane that touches the sphere at the middle; a cell's own extent does not count.
        place = directions @ axis / np.maximum(facing, 0.1)
        spread = np.average(place**2, weights=weights) - np.average(place, weights=weights) ** 2 - cell**2 / 12.0
        sides.append(math.degrees(2.0 * math.atan(math.sqrt(12.0 * max(spread, (cell / 4.0) ** 2)) / 2.0)))
    # A glow around a small bright light spreads far and says little of its size: what counts then is how large an even
    # light of the same flux and brightness would be.
    even = float(weights.sum() ** 2 / np.sum(weights**2 / solid))
    spread_sr = math.radians(sides[0]) * math.radians(sides[1])
    shrink = math.sqrt(even / spread_sr) if even < 0.7 * spread_sr else 1.0
    sides = [shrink * side for side in sides]
    irradiance = float(weights @ np.maximum(facing, 0.0))
    return Source(
        middle, irradiance * float(luminance(flux)) / float(weights.sum()), flux, sides[0], sides[1], coherence
    )


def balance(grid: Grid) -> Source:
    """The one light of a panorama in which none stands out: a wide one, from where most of the light comes.

    As strong as one side of a white ball receives more than the other. For panoramas that are not even.
    """
    middle = np.einsum("hw,hwc->c", grid.light * grid.solid, grid.directions)
    length = float(np.linalg.norm(middle))
    color = np.einsum("hwc,hw->c", grid.rgb, grid.solid)
    return Source(middle / length, length, color * length / float(luminance(color)), 90.0, 90.0, 1.0)


def _ambience(grid: Grid, rule: dict[str, float]) -> Array:
    """Luminance [h, w] of what surrounds every direction, its lights left out."""
    coarse, centres = _coarse(grid, 32), _coarse(grid, 16)
    normals, cells = centres.directions.reshape(-1, 3), coarse.directions.reshape(-1, 3)
    limit = math.cos(math.radians(rule["cap_deg"]))
    weights = np.maximum(normals @ cells.T - limit, 0.0) * coarse.solid.ravel()
    order = np.argsort(coarse.light.ravel())
    summed = np.cumsum(weights[:, order], axis=1)
    place = (summed < rule["ambience_quantile"] * summed[:, -1:]).sum(axis=1)
    found = coarse.light.ravel()[order][place]
    # Sky between trees is no light: it is as bright as the sky above them.
    near = normals @ normals.T > math.cos(math.radians(rule["neighbour_deg"]))
    values = np.where(near, found, 0.0).max(axis=1).reshape(centres.light.shape)
    rows, columns = grid.light.shape
    return _between(rows, values.shape[0], wrap=False) @ values @ _between(columns, values.shape[1], wrap=True).T


def _between(fine: int, coarse: int, wrap: bool) -> Array:
    """The matrix [fine, coarse] that interpolates cell centres in a straight line."""
    place = (np.arange(fine) + 0.5) * coarse / fine - 0.5
    low = np.floor(place).astype(int)
    matrix = np.zeros((fine, coarse))
    for index, part in ((low, 1.0 - (place - low)), (low + 1, place - low)):
        column = index % coarse if wrap else index.clip(0, coarse - 1)
        matrix[np.arange(fine), column] += part
    return matrix


def _coarse(grid: Grid, rows: int) -> Grid:
    """The grid in at most that many rows and twice as many columns; for averages, not for places."""
    rows, columns = min(rows, grid.light.shape[0]), min(2 * rows, grid.light.shape[1])
    row_edges = np.linspace(0, grid.light.shape[0], rows + 1).round().astype(int)
    column_edges = np.linspace(0, grid.light.shape[1], columns + 1).round().astype(int)

    def summed(values: Array) -> Array:
        return np.add.reduceat(np.add.reduceat(values, row_edges[:-1], axis=0), column_edges[:-1], axis=1)

    solid = summed(grid.solid)
    rgb = summed(grid.rgb * grid.solid[..., None]) / solid[..., None]
    directions = summed(grid.directions * grid.solid[..., None])
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    return Grid(rgb, luminance(rgb), solid, directions)


def _directions(across: Array, sines: Array) -> Array:
    """Unit vectors [h, w, 3] of places across the picture (0..1) and sines of elevations."""
    azimuth = 2.0 * np.pi * (1.0 - across)
    cosines = np.sqrt(1.0 - sines**2)[:, None]
    parts = (cosines * np.sin(azimuth), np.broadcast_to(sines[:, None], cosines.shape), cosines * np.cos(azimuth))
    return np.stack(np.broadcast_arrays(*parts), axis=-1)


def _quantile(values: Array, weights: Array, part: float) -> float:
    """The value below which that part of the weight lies."""
    order = np.argsort(values)
    summed = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(summed, part * summed[-1])])


def _over(one: float, other: float) -> float:
    return one / other if other > 0.0 else (math.inf if one > 0.0 else 1.0)
