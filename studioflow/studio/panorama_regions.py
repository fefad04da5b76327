"""Bright regions of a panorama, followed from level to level: which of them are lights of their own.

Arrays are panoramas [h, w]: they close at the left and right edges, and the whole top and bottom rows are one point.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int32]
Cells = NDArray[np.intp]
_ALL_ROUND = np.ones((3, 3), dtype=bool)
_BLUR = 3
"""Cells over which the edge of a light may be blurred: by filtering, the reduction, and the smoothing below."""


class Region:
    """A bright region: its number in the map of owners, solid angle in sr, and light above the ambience.

    ``born`` is the level at which it gave enough light to count, ``growth`` by how much of itself it grew at the last
    level. ``closed`` once it has met a neighbour or a larger source; ``around`` is then that source's number, else -1.
    """

    def __init__(self, number: int, born: float) -> None:
        self.number = number
        self.born = born
        self.area = self.flux = 0.0
        self.growth = math.inf
        self.closed = False
        self.around = -1


class _Map:
    """Which cell belongs to which region (0: none), cells counted row by row, and the regions by their numbers."""

    def __init__(self, excess: Array, solid: Array) -> None:
        self.excess, self.solid = excess.ravel(), solid.ravel()
        self.shape = excess.shape
        self.owner = np.zeros(excess.size, dtype=np.int32)
        self.regions: dict[int, Region] = {}
        self.count = 0

    def new(self, cells: Cells, level: float) -> Region:
        self.count += 1
        region = self.regions[self.count] = Region(self.count, level)
        self.give(cells, region)
        return region

    def give(self, cells: Cells, region: Region) -> None:
        self.owner[cells] = region.number
        region.area += float(self.solid[cells].sum())
        region.flux += float(self.excess[cells].sum())

    def absorb(self, small: Region, into: Region) -> None:
        self.owner[self.owner == small.number] = into.number
        into.area, into.flux = into.area + small.area, into.flux + small.flux
        del self.regions[small.number]

    def is_source(self, around: Cells, inside: list[Region], least: float) -> bool:
        """Whether cells around regions are a source of their own: larger than they, and more than a blurred edge."""
        area = sum(region.area for region in inside)
        if self.excess[around].sum() < least or self.solid[around].sum() <= area:
            return False
        own = np.isin(self.owner, [region.number for region in inside]).reshape(self.shape)
        far = around[~grown(own, _BLUR).ravel()[around]]
        return bool(self.excess[far].sum() >= least and self.solid[far].sum() > area)

    def nearest(self, cells: Cells, among: list[Region]) -> Region:
        """The region whose middle row and column lie closest to those of the cells, over the edges."""
        width = self.shape[1]

        def place(some: Cells) -> complex:
            return complex((some // width).mean() / width, np.angle(np.exp(2j * np.pi * (some % width) / width).mean()))

        here = place(cells)
        return min(among, key=lambda region: abs(place(np.flatnonzero(self.owner == region.number)) - here))


def regions(relative: Array, excess: Array, solid: Array, rule: dict[str, float]) -> tuple[list[Region], Labels]:
    """The lights' regions, and the map [h, w] of which cell belongs to which (0: none).

    ``relative`` is the brightness over the ambience, ``excess`` the light above it times the cell's ``solid`` angle.
    """
    from scipy import ndimage

    # Grain must not break a light into pieces.
    relative = ndimage.uniform_filter(relative, 3, mode=("nearest", "wrap"))
    cells = _Map(excess, np.broadcast_to(solid, excess.shape))
    least = rule["least_share"] * float(excess.sum())
    for level in _levels(float(relative.max()), rule) if least > 0.0 else []:
        labels = components(relative > level).ravel()
        enough = np.bincount(labels, cells.excess) >= least
        before = {number: region.area for number, region in cells.regions.items()}
        for label in np.flatnonzero(enough[1:]) + 1:
            _meet(cells, np.flatnonzero(labels == label), level, least, rule)
        for number, area in before.items():
            if number in cells.regions:
                cells.regions[number].growth = cells.regions[number].area / area - 1.0
    return list(cells.regions.values()), cells.owner.reshape(cells.shape)


def _meet(cells: _Map, component: Cells, level: float, least: float, rule: dict[str, float]) -> None:
    """What becomes of the regions that one component of a lower level holds, and of its cells that are nobody's yet."""
    owners = cells.owner[component]
    inside = [cells.regions[number] for number in np.unique(owners[owners > 0])]
    new = component[owners == 0]
    if not inside:
        cells.new(new, level)
        return
    still_open = [region for region in inside if not region.closed]
    serious = [region for region in still_open if region.born >= rule["prominence"] * level]
    if len(serious) < 2 and still_open:
        main = max(still_open, key=lambda region: region.flux)
        for region in still_open:
            if region is not main:
                cells.absorb(region, main)
        if main.growth >= rule["stable_growth"] or not cells.is_source(new, [main], least):
            cells.give(new, main)
            return
        inside, still_open = [main], [main]
    _enclose(cells, inside, new, level, least)


def _enclose(cells: _Map, inside: list[Region], new: Cells, level: float, least: float) -> None:
    """Closes these regions; what lies around them becomes a source of its own, or their fringe where it is little."""
    for region in inside:
        region.closed = True
    if not new.size:
        return
    if cells.is_source(new, inside, least):
        around = cells.new(new, level)
        for region in inside:
            region.around = around.number if region.around < 0 else region.around
    else:
        cells.give(new, cells.nearest(new, inside))


def components(mask: NDArray[np.bool_]) -> Labels:
    """Connected cells of a panorama, numbered from 1."""
    from scipy import ndimage
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    labels, count = ndimage.label(mask, _ALL_ROUND)
    pairs = [(labels[:, 0], np.roll(labels[:, -1], shift)) for shift in (-1, 0, 1)]
    pairs += [(row, np.full_like(row, row.max())) for row in (labels[0], labels[-1])]
    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    both = (one > 0) & (other > 0)
    links = coo_array((np.ones(both.sum()), (one[both], other[both])), shape=(count + 1, count + 1))
    _, joined = connected_components(links, directed=False)
    # 0 is linked to nothing and comes first.
    result: Labels = joined[labels].astype(np.int32)
    return result


def grown(mask: NDArray[np.bool_], cells: int) -> NDArray[np.bool_]:
    """The mask and all cells at most that many away, over the edges too."""
    from scipy import ndimage

    wide = np.concatenate([mask[:, -cells:], mask, mask[:, :cells]], axis=1)
    result: NDArray[np.bool_] = ndimage.binary_dilation(wide, _ALL_ROUND, iterations=cells)[:, cells:-cells]
    return result


def _levels(highest: float, rule: dict[str, float]) -> list[float]:
    """From just below the highest value down to the lowest: small steps near the ambience, doubling above."""
    levels = [rule["lowest"]]
    while levels[-1] * rule["step"] < highest:
        levels.append(levels[-1] * (rule["step"] if levels[-1] < 8.0 else 1.6))
    return [level for level in reversed(levels) if level < highest]
