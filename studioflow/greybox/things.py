"""Plain solids, and small things made of boxes and outlines: books, screens, cards, watches, cameras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .parts import Mesh, Part
from .solids import (
    ellipse,
    extruded,
    faceted,
    merged,
    moved,
    revolved,
    ribbon,
    rounded,
    rounded_box,
    solid,
    swept,
    turn,
)

Array = NDArray[np.float64]
Size = tuple[float, float, float]
Row = dict[str, Any]


def box(size: Size, row: Row) -> tuple[Part, ...]:
    return (Part(rounded_box(size, row["bevel"] * min(size))),)


def ball(size: Size, row: Row) -> tuple[Part, ...]:
    return (Part(_ball(size, 128)),)


def _ball(size: Size, around: int) -> Mesh:
    angles = np.linspace(-np.pi / 2.0, np.pi / 2.0, around // 2 + 1)
    return moved(revolved(np.column_stack([np.cos(angles), np.sin(angles)]), around), matrix=np.diag(size) / 2.0)


def turned(size: Size, row: Row) -> tuple[Part, ...]:
    """A cylinder, a cone or a disc: a profile of [radius, height] with fillets in terms of the smaller side."""
    width, height, _ = size
    line = rounded([(r * width / 2.0, y * height) for r, y in row["profile"]], row["bevel"] * min(width, height))
    return (Part(revolved(line, 96)),)


def torus(size: Size, row: Row) -> tuple[Part, ...]:
    thick = size[1] / 2.0
    angles = np.arange(48) * (2.0 * np.pi / 48)
    middle = max(size[0] / 2.0 - thick, thick * 1.05)
    line = np.column_stack([middle + thick * np.cos(angles), thick * np.sin(angles)])
    return (Part(revolved(line, 128, ring=True)),)


def pebble(size: Size, row: Row) -> tuple[Part, ...]:
    """A ball worn out of round by a few low waves of the row."""
    mesh = _ball((2.0, 2.0, 2.0), 128)
    points = mesh.vertices.astype(np.float64)
    for *way, phase, height in row["waves"]:
        points = points * (1.0 + height * np.sin(points @ np.array(way) + phase))[:, None]
    return (Part(solid(points * np.array(size) / 2.0, mesh.faces)),)


def bean(size: Size, row: Row) -> tuple[Part, ...]:
    """A coffee bean on its round back: flattened above, with a curved crease along x."""
    # Beans come by the handful.
    mesh = moved(_ball((2.0, 2.0, 2.0), 64), matrix=turn(0.0, 0.0, -90.0))
    x, y, z = mesh.vertices.astype(np.float64).T
    y = np.where(y > 0.0, y * row["flatness"], y)
    across = (z - row["bend"] * np.sin(np.pi * x)) / row["crease_width"]
    y = y - row["crease_depth"] * np.exp(-(across**2)) * np.clip(1.0 - x**2, 0.0, 1.0) ** 0.5 * (y > 0.0)
    return (Part(solid(np.column_stack([x, y, z]) * np.array(size) / 2.0, mesh.faces)),)


def rods(size: Size, row: Row) -> tuple[Part, ...]:
    """Round rods that lie along the longest side of the box, side by side along the next, thinner towards one end."""
    order = np.argsort(size)[::-1]
    long, across, thick = (size[axis] for axis in order)
    count = max(1, min(row["count"], int(across / thick)))
    radius = thick / 2.0
    path = np.linspace((-long / 2.0 + radius, 0.0, 0.0), (long / 2.0 - radius * row["taper"], 0.0, 0.0), 12)
    rod = swept(path, list(np.linspace(1.0, row["taper"], 12) * radius), 32)
    spots = np.linspace(-1.0, 1.0, count) * (across / 2.0 - radius) if count > 1 else [0.0]
    axes = np.zeros((3, 3))
    for column, axis in enumerate(order):
        axes[axis, column] = 1.0
    return (Part(moved(merged(*(moved(rod, (0.0, spot, 0.0)) for spot in spots)), matrix=axes)),)


def book(size: Size, row: Row) -> tuple[Part, ...]:
    return _upright(_book, size, row)


def phone(size: Size, row: Row) -> tuple[Part, ...]:
    return _upright(_phone, size, row)


def card(size: Size, row: Row) -> tuple[Part, ...]:
    return _upright(_card, size, row)


def _upright(build: Callable[[Size, Row], list[Part]], size: Size, row: Row) -> tuple[Part, ...]:
    """What is made standing, laid on its back where the height is its smallest side."""
    width, height, depth = size
    if height >= min(width, depth):
        return tuple(build(size, row))
    return tuple(
        part._replace(mesh=moved(part.mesh, matrix=turn(-90.0))) for part in build((width, depth, height), row)
    )


def _book(size: Size, row: Row) -> list[Part]:
    width, height, depth = size
    board, square = row["board"] * min(depth, width), row["square"] * min(width, height)
    covers = [
        moved(rounded_box((width, height, board), 0.45 * board), (0.0, 0.0, side * (depth - board) / 2.0))
        for side in (-1.0, 1.0)
    ]
    spine = moved(rounded_box((board, height, 0.998 * depth), 0.45 * board), (-(width - board) / 2.0, 0.0, 0.0))
    inside = (width - board - square, height - 2.0 * square, depth - 1.9 * board)
    pages = moved(rounded_box(inside, 0.02 * depth), ((board - square) / 2.0, 0.0, 0.0))
    return [Part(merged(*covers, spine)), Part(pages, "pages")]


def rectangle(width: float, height: float, radius: float) -> Array:
    """The outline [N, 2] of a rectangle with round corners around the origin."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (width / 2.0, height / 2.0)
    return rounded(corners, min(radius, 0.49 * min(width, height)), closed=True)


def panel(outline: Array, thickness: float, front: float) -> Mesh:
    """A thin slab whose front lies at z = ``front``, with uvs that show a picture once on it."""
    mesh = moved(extruded(outline, thickness, 0.2 * thickness), (0.0, 0.0, front - thickness / 2.0))
    flat = mesh.vertices[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    return mesh._replace(uvs=((flat - low) / (high - low)).astype(np.float32))


def _phone(size: Size, row: Row) -> list[Part]:
    width, height, depth = size
    corner, rim = row["corner"] * width, row["rim"] * width
    body = extruded(rectangle(width, height, corner), 0.97 * depth, row["edge"] * depth)
    screen = panel(rectangle(width - 2 * rim, height - 2 * rim, corner - rim), 0.1 * depth, depth / 2.0)
    return [Part(moved(body, (0.0, 0.0, -0.015 * depth))), Part(screen, "screen")]


def _card(size: Size, row: Row) -> list[Part]:
    width, height, depth = size
    front, rim = 0.3 * depth, row["rim"] * min(width, height)
    back = moved(rounded_box((width, height, depth - 0.1 * depth), 0.2 * depth), (0.0, 0.0, -0.05 * depth))
    return [Part(back), Part(panel(rectangle(width - rim, height - rim, 0.0), front, depth / 2.0), "picture")]


def monitor(size: Size, row: Row) -> tuple[Part, ...]:
    width, height, depth = size
    low, thick, rim = row["stand"] * height, row["thickness"] * width, row["rim"] * width
    tall, front = height - low, 0.25 * depth
    middle = (0.0, low + tall / 2.0, front - thick / 2.0)
    case = moved(extruded(rectangle(width, tall, row["corner"] * width), thick, 0.3 * thick), middle)
    screen = moved(
        panel(rectangle(width - 2 * rim, tall - 2 * rim, 0.0), 0.2 * thick, front + 0.03 * thick), (*middle[:2], 0.0)
    )
    foot = extruded(rectangle(row["foot"] * width, depth, 0.1 * width), 0.02 * height, 0.008 * height)
    foot = moved(foot, (0.0, 0.01 * height, 0.0), turn(-90.0))
    neck = moved(
        rounded_box((0.12 * width, low + 0.3 * tall, thick), 0.3 * thick),
        (0.0, (low + 0.3 * tall) / 2.0, front - 1.9 * thick),
    )
    return Part(case), Part(screen, "screen"), Part(merged(foot, neck), "metal")


def laptop(size: Size, row: Row) -> tuple[Part, ...]:
    """Open: the keyboard towards +Z, the screen behind it leaning back by the row's angle."""
    width, height, depth = size
    thick = row["thickness"] * width
    lean = np.radians(row["lean_deg"])
    tall = (height - thick) / np.cos(lean)
    back = tall * np.sin(lean)
    deep = max(depth - back, 0.4 * depth)
    hinge = -depth / 2.0 + back
    flat = turn(-90.0)
    base = moved(
        extruded(rectangle(width, deep, 0.03 * width), thick, 0.3 * thick), (0.0, thick / 2.0, hinge + deep / 2.0), flat
    )
    keys = _keys(width, deep, row)
    keys = moved(keys, (0.0, 1.05 * thick, hinge + 0.36 * deep))
    pad = extruded(rectangle(0.38 * width, 0.28 * deep, 0.01 * width), 0.2 * thick, 0.05 * thick)
    pad = moved(pad, (0.0, 0.93 * thick, hinge + 0.81 * deep), flat)
    tilt, rim = turn(-row["lean_deg"]), row["rim"] * width
    lid = extruded(rectangle(width, tall, 0.03 * width), 0.5 * thick, 0.2 * thick)
    screen = panel(rectangle(width - 2 * rim, tall - 2 * rim, 0.01 * width), 0.1 * thick, 0.27 * thick)
    up = tilt @ np.array([0.0, tall / 2.0, 0.0]) + (0.0, thick, hinge)
    return (
        Part(merged(base, moved(lid, up, tilt))),
        Part(moved(screen, up, tilt), "screen"),
        Part(keys, "keys"),
        Part(pad, "metal"),
    )


def _keys(width: float, deep: float, row: Row) -> Mesh:
    across, rows = row["keys"]
    pitch = 0.88 * width / across
    down = 0.46 * deep / rows
    key = rounded_box((0.84 * pitch, 0.25 * pitch, 0.84 * down), 0.08 * pitch, 2)
    spots = [
        ((i - (across - 1) / 2.0) * pitch, 0.0, (j - (rows - 1) / 2.0) * down)
        for i in range(across)
        for j in range(rows)
    ]
    return merged(*(moved(key, spot) for spot in spots))


def ring(size: Size, row: Row) -> tuple[Part, ...]:
    """A finger ring that stands upright, its hole along z: wider towards the top, where a stone or a plate sits."""
    width, height, depth = size
    top = row.get("top", 0.0) * height
    outer = (height - top) / 2.0
    thick = row["thickness"] * outer
    angles = np.arange(128) * (2.0 * np.pi / 128)
    narrow, wide = row["band"] * depth / 2.0, row.get("shoulder", row["band"]) * depth / 2.0
    half = narrow + (wide - narrow) * ((1.0 + np.sin(angles)) / 2.0) ** 2
    middle = outer - thick / 2.0
    path = np.column_stack([np.zeros(128), middle * np.sin(angles), -middle * np.cos(angles)])
    band = moved(ribbon(path, half, thick), matrix=np.diag([width / (2.0 * outer), 1.0, 1.0]) @ turn(0.0, 90.0))
    parts = [Part(band)]
    if row.get("plate"):
        outline = ellipse(0.42 * width, depth / 2.0, 64)
        plate = extruded(outline, top + 1.2 * thick, 0.25 * top)
        parts.append(Part(moved(plate, (0.0, outer + top / 2.0 - 0.6 * thick, 0.0), turn(-90.0))))
    elif top > 0.0:
        parts += _stone(outer - 0.3 * thick, top + 0.3 * thick, depth / 2.0)
    return tuple(parts)


def _stone(base: float, tall: float, radius: float) -> list[Part]:
    """A round brilliant in four prongs: crown angle 34.5, pavilion 40.75 degrees, table 56 % (Tolkowsky's cut)."""
    crown, girdle = 0.152 * 2 * radius, 0.03 * 2 * radius
    line = [
        (0.0, -0.431 * 2 * radius),
        (radius, 0.0),
        (radius, girdle),
        (0.56 * radius, girdle + crown),
        (0.0, girdle + crown),
    ]
    gem = revolved(line, 16)
    lift = base + tall - girdle - crown
    prongs = []
    for angle in np.radians((45.0, 135.0, 225.0, 315.0)):
        way = np.array([np.cos(angle), 0.0, np.sin(angle)])
        path = [
            way * 0.2 * radius + (0, base, 0),
            way * 0.95 * radius + (0, lift, 0),
            way * 0.85 * radius + (0, lift + girdle + 0.4 * crown, 0),
        ]
        prongs.append(swept(path, 0.1 * radius, 12))
    return [Part(moved(faceted(gem), (0.0, lift, 0.0)), "stone"), Part(merged(*prongs))]
