"""The light of a panorama for a shot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import EditError, require_between
from ..studio.panorama import PanoramaReport, analyse, lighting_from
from .written import begun, finished

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_LIGHTS = 8


class PanoramaShot(NamedTuple):
    """A manifest lit by a panorama, what was found in it, and the panorama itself for ``marked``."""

    manifest: dict[str, Any]
    report: PanoramaReport
    pixels: NDArray[np.float32]

    def text(self) -> str:
        """What was found, for a person."""
        return self.report.text()

    def marked(self, width: int = 1024) -> NDArray[np.float32]:
        """The panorama with its lights marked, ``[width / 2, width, 3]``, sRGB-encoded."""
        from ..imaging.panorama_marks import marked_panorama

        return marked_panorama(self.pixels, self.report, width)


def light_from_panorama(
    manifest: dict[str, Any] | None,
    path: Path,
    *,
    name: str = "",
    rotation_deg: float = 0.0,
    max_lights: int = 4,
    intensity: float = 1.0,
    source: str = "manifest",
) -> PanoramaShot:
    """The manifest (a new one where there is none) lit like a .hdr or .exr panorama, and by nothing else.

    ``name`` is what the manifest calls the file (its own name where that is empty). ``rotation_deg`` moves all that is
    in the panorama to its right, so that azimuths fall. ``intensity``, more than 0 and at most 100, is kept for
    renderers: the lights of a shot are relative to its key, so no light and no word depends on it. At most
    ``max_lights`` (1 to 8) become lights of the shot, strongest first; the rest is ambient. Raises StudioFlowError for
    a file that is no panorama and for numbers out of range.
    """
    from ..imaging.panorama import read_panorama

    require_between("max_lights", max_lights, 1, MAX_LIGHTS)
    require_between("rotation_deg", rotation_deg, -360, 360)
    _require_intensity(intensity)
    pixels = read_panorama(path)
    report = analyse(pixels, rotation_deg=rotation_deg, max_lights=max_lights)
    environment = {"hdri": name or path.name, "rotation_deg": rotation_deg, "intensity": intensity}
    before = begun(manifest)
    lighting = lighting_from(report) | {"environment": environment}
    written = [("lighting", key) for key in {**before.get("lighting", {}), **lighting}]
    return PanoramaShot(finished(before | {"lighting": lighting}, written, source), report, pixels)


def _require_intensity(intensity: float) -> None:
    if not 0 < intensity <= 100:
        raise EditError(
            "out of range",
            where="intensity",
            found=f"{intensity:g}",
            allowed="more than 0, at most 100",
            fix="leave the panorama out for a shot without its light" if intensity == 0 else None,
        )
