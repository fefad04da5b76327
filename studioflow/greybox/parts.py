"""What a greybox is made of, in plain values: no Mitsuba yet, which has objects of its own for each variant.

Colours are scene-linear ACEScg, which holds the light of every colour temperature from 1000 K on. Space is the
manifest's: right-handed, Y up, metres.

A ``Plain`` is a dictionary as ``mitsuba.load_dict`` takes it, except that a 4 × 4 array stands for a transform and a
``Mesh`` under the key ``mesh``, with the type ``mesh``, for a triangle mesh; ``build.py`` makes it Mitsuba's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Plain = dict[str, Any]
Rgb = tuple[float, float, float]
Point = tuple[float, float, float]


class Mesh(NamedTuple):
    """Triangles: ``vertices`` [N, 3] float32 in metres, ``faces`` [M, 3] uint32, counter-clockwise seen from outside.

    ``normals`` [N, 3] float32 of unit length make it smooth, without them each triangle is flat. ``uvs`` [N, 2]
    float32, with v = 0 at the bottom of the picture.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.uint32]
    normals: NDArray[np.float32] | None = None
    uvs: NDArray[np.float32] | None = None


class Part(NamedTuple):
    """One body of one material, in the subject's own space: it stands at the origin on y = 0 and faces +Z.

    ``role`` says what it is of the whole (``body``, ``cap``, ``liquid``, ``skin``, ``hair``, ``screen``, ``picture``…);
    ``surface`` is its BSDF where the part brings its own, as parts of mesh files do.
    """

    mesh: Mesh
    role: str = "body"
    surface: Plain | None = None


class Body(NamedTuple):
    """A subject in the scene: its parts, and where each copy of it stands, as 4 × 4 arrays."""

    subject: int
    parts: tuple[Part, ...]
    places: tuple[NDArray[np.float64], ...]


class Lamp(NamedTuple):
    """A light in the scene.

    ``shapes`` are the Plain shapes with their emitters. ``corners`` [N, 3] are points that enclose what shines, for
    finding out whether the camera sees it. ``shown`` lamps belong into the picture (practicals), all others are hidden
    from the camera as a studio keeps its lights out of the frame. ``label`` names it for the person, as in
    ``key light (softbox)``; ``index`` is its place in the list of lights.
    """

    index: int
    label: str
    shapes: tuple[Plain, ...]
    corners: NDArray[np.float64]
    shown: bool = False
