"""Things that one wears or carries: watches, cameras, bags, hats."""

from __future__ import annotations

from typing import Any

import numpy as np

from .parts import Mesh, Part
from .solids import (
    curve,
    ellipse,
    extruded,
    lofted,
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
from .things import rectangle

Size = tuple[float, float, float]
Row = dict[str, Any]
_FORWARD = turn(90.0)
"""Turns what was made around the y axis towards +Z."""


def watch(size: Size, row: Row) -> tuple[Part, ...]:
    """A wrist watch on its closed strap, the dial towards +Z."""
    width, height, depth = size
    radius, thick = row["case"] * width / 2.0, row["thickness"] * width
    crown = width / 2.0 - radius
    front = depth / 2.0
    case = _drum(
        [(0, 0), (0.92, 0), (1.0, 0.25), (1.0, 0.7), (0.9, 1.0), (0.82, 1.0), (0.8, 0.9), (0, 0.9)], radius, thick, 0.05
    )
    dial = _drum([(0, 0.85), (0.81, 0.85), (0.81, 0.92), (0, 0.92)], radius, thick, 0.0)
    knob = moved(
        _drum([(0, 0), (1, 0), (1, 1), (0, 1)], 0.12 * radius, crown + 0.1 * radius, 0.2),
        (0.97 * radius, 0, 0.5 * thick),
        turn(0, 90),
    )
    hands = [
        moved(
            rounded_box((0.05 * radius, long * radius, 0.02 * thick), 0.01 * thick),
            turn(0, 0, angle) @ [0, long * radius / 2.2, 0] + [0, 0, 0.94 * thick],
            turn(0, 0, angle),
        )
        for long, angle in ((0.45, 55.0), (0.68, -60.0))
    ]
    marks = [
        moved(
            rounded_box((0.04 * radius, 0.12 * radius, 0.02 * thick), 0.01 * thick),
            turn(0, 0, angle) @ [0, 0.68 * radius, 0] + [0, 0, 0.93 * thick],
            turn(0, 0, angle),
        )
        for angle in range(0, 360, 30)
    ]
    shift = np.array([-crown / 2.0, 0.0, front - thick])
    deep = depth - 0.5 * thick
    angles = np.arange(96) * (2.0 * np.pi / 96)
    loop = np.column_stack([np.zeros(96), height / 2.0 * np.sin(angles), deep / 2.0 * np.cos(angles) - 0.25 * thick])
    wide = radius * (row["strap"] + 0.25 * (1.0 + np.cos(angles)) / 2.0)
    strap = ribbon(loop, wide, row["strap_thickness"] * width)
    return (
        Part(moved(merged(case, knob), shift)),
        Part(moved(dial, shift), "dial"),
        Part(moved(merged(*hands, *marks), shift), "metal"),
        Part(moved(strap, (shift[0], 0.0, 0.0)), "strap"),
    )


def _drum(profile: list[tuple[float, float]], radius: float, thick: float, bevel: float, segments: int = 72) -> Mesh:
    """A turned solid whose axis is z, from z = 0 towards the viewer."""
    line = rounded([(r * radius, y * thick) for r, y in profile], bevel * min(radius, thick), 4)
    return moved(revolved(line, segments), matrix=_FORWARD)


def camera(size: Size, row: Row) -> tuple[Part, ...]:
    """A photo camera with its lens towards +Z."""
    width, height, depth = size
    deep, tall = row["body_depth"] * depth, row["body_height"] * height
    back = -depth / 2.0
    body = moved(extruded(rectangle(width, tall, 0.12 * height), deep, 0.12 * deep), (0, tall / 2.0, back + deep / 2.0))
    grip = moved(
        rounded_box((0.2 * width, 0.9 * tall, 0.5 * deep), 0.2 * deep), (-0.39 * width, 0.47 * tall, back + deep)
    )
    hump = lofted(
        [
            np.column_stack([x * width * k, np.full(48, tall * 0.9 + y), back + deep / 2.0 + z * deep * k])
            for y, k in (
                (0.0, 1.0),
                (0.1 * height, 1.0),
                (height - 0.91 * tall - 0.02 * height, 0.82),
                (height - 0.9 * tall, 0.76),
                (height - 0.9 * tall, 0.7),
            )
            for x, z in [ellipse(0.17, 0.52, 48, 5.0).T]
        ]
    )
    knobs = [
        moved(
            revolved(rounded([(0, 0), (r * width, 0), (r * width, 0.1 * height), (0, 0.1 * height)], 0.01 * width)),
            (x * width, 0.97 * tall, back + deep / 2.0),
        )
        for r, x in ((0.06, 0.36), (0.04, -0.28), (0.025, -0.4))
    ]
    radius, long = row["lens_radius"] * height, depth - deep
    lens = _drum(
        [
            (0, 0),
            (0.92, 0),
            (0.92, 0.2),
            (1.0, 0.24),
            (1.0, 0.5),
            (0.95, 0.53),
            (0.95, 0.6),
            (1.0, 0.63),
            (1.0, 0.94),
            (0.96, 1.0),
            (0.86, 1.0),
            (0.78, 0.75),
            (0, 0.75),
        ],
        radius,
        long,
        0.04,
    )
    eye = np.linspace(0.0, 1.0, 12)
    glass = _drum(
        [(0, 0.7), *((0.77 * np.cos(a), 0.76 + 0.16 * np.sin(a)) for a in eye * np.pi / 2.0)], radius, long, 0.0
    )
    spot = (0.04 * width, 0.47 * tall, back + deep)
    return (
        Part(merged(body, hump)),
        Part(grip, "grip"),
        Part(merged(*knobs), "metal"),
        Part(moved(lens, spot), "barrel"),
        Part(moved(glass, spot), "glass"),
    )


def bag(size: Size, row: Row) -> tuple[Part, ...]:
    """A handbag: a body that narrows upwards, a flap with its clasp, and a handle over it."""
    width, height, depth = size
    tall, narrow = row["body_height"] * height, row["narrow"]

    def section(y: float, k: float, power: float) -> np.ndarray:
        share = y / tall
        line = ellipse(
            width / 2 * k * (1 - (1 - narrow) * 0.5 * share), depth / 2 * k * (1 - (1 - narrow) * share), 96, power
        )
        return np.column_stack([line[:, 0], np.full(96, y), line[:, 1]])

    steps = [
        (0.0, 0.9),
        (0.0, 0.95),
        (0.012, 0.985),
        (0.03, 1.0),
        *((y, 1.0) for y in np.linspace(0.08, 0.94, 12)),
        (0.975, 0.985),
        (0.995, 0.94),
        (1.0, 0.88),
        (1.0, 0.8),
    ]
    body = lofted([section(y * tall, k, 5.0) for y, k in steps])
    front = [section(y * tall, 1.0, 5.0)[:, 2].max() for y in (row["flap"], 1.0)]
    outline = _flap(width * narrow**0.5 * 0.985, (1.0 - row["flap"]) * tall)
    lean = np.degrees(np.arctan2(front[0] - front[1], (1.0 - row["flap"]) * tall))
    thick = 0.05 * depth
    flap = moved(
        extruded(outline, thick, 0.4 * thick),
        (0, (1.0 + row["flap"]) / 2.0 * tall, (front[0] + front[1]) / 2.0 + 0.2 * thick),
        turn(-lean),
    )
    clasp = moved(
        rounded_box((0.1 * width, 0.06 * width, 0.6 * thick), 0.25 * thick),
        (0, (row["flap"] + 0.07) * tall, front[0] + 0.4 * thick),
    )
    reach = 0.3 * width
    path = curve(
        [
            (-reach, 0.9 * tall, 0),
            (-reach * 0.97, 0.6 * tall + 0.4 * height, 0),
            (-reach * 0.6, 0.97 * height, 0),
            (0, height, 0),
            (reach * 0.6, 0.97 * height, 0),
            (reach * 0.97, 0.6 * tall + 0.4 * height, 0),
            (reach, 0.9 * tall, 0),
        ],
        48,
    )
    handle = swept(path, row["handle"] * width, 16)
    rings = [
        moved(
            revolved(
                [
                    (0.02 * width + 0.006 * width * np.cos(a), 0.006 * width * np.sin(a))
                    for a in np.arange(16) * np.pi / 8
                ],
                32,
                ring=True,
            ),
            (x, 1.0 * tall, 0),
            turn(90),
        )
        for x in (-reach, reach)
    ]
    return Part(merged(body, flap)), Part(handle, "handle"), Part(merged(clasp, *rings), "metal")


def _flap(width: float, tall: float) -> np.ndarray:
    corners = [
        (-width / 2, -0.3 * tall),
        (-0.3 * width, -tall / 2),
        (0.3 * width, -tall / 2),
        (width / 2, -0.3 * tall),
        (width / 2, tall / 2),
        (-width / 2, tall / 2),
    ]
    return rounded(corners, [0.15 * width] * 4 + [0.02 * width] * 2, closed=True)


def hat(size: Size, row: Row) -> tuple[Part, ...]:
    """A felt hat: a pinched crown with a ribbon, and a brim that rises at the sides."""
    crown, band = (
        revolved(rounded([(r, y) for r, y, _ in row[name]], [f for *_, f in row[name]]), 96)
        for name in ("felt", "ribbon")
    )
    return Part(_bent(crown, row)), Part(_bent(band, row), "ribbon")


def _bent(mesh: Mesh, row: Row) -> Mesh:
    x, y, z = mesh.vertices.astype(np.float64).T
    out = np.hypot(x, z)
    brim = np.clip((out - row["crown"]) / (1.0 - row["crown"]), 0.0, 1.0)
    y = y + row["rise"] * brim**2 * (np.abs(x) / np.maximum(out, 1e-9)) ** 3
    high = np.clip((y - 0.25) / 0.35, 0.0, 1.0) ** 2 * (out < row["crown"] * 1.1)
    y = y - row["dent"] * high * np.exp(-((x / 0.13) ** 2)) * (1.0 + 0.4 * z)
    x = x * (1.0 - row["pinch"] * high * np.clip(z / row["crown"] + 0.1, 0.0, 1.0))
    return solid(np.column_stack([x * row["wide"], y, z]), mesh.faces)
