"""A camera move over a shot: one manifest for every frame, which differ in nothing but the camera."""

from __future__ import annotations

from typing import Any

from ..errors import EditError
from ..studio.camera_path import camera_path, lights_for_path
from ..studio.framing import middle_of
from .path import Path
from .written import begun, finished, leaves, value_at


def path_manifests(
    manifest: dict[str, Any] | None,
    move: str,
    *,
    frames: int,
    start: float | None = None,
    end: float | None = None,
    easing: str = "linear",
    keyframes: str = "",
    way: str = "shortest",
    lights: str = "as they are",
    source: str = "manifest",
) -> list[dict[str, Any]]:
    """The manifest (a new one where there is none) of each of 1 to 240 frames of a camera move of ``camera_path``.

    ``lights`` "stay" keeps the lights where they are for the first picture, "travel" takes them along with the
    camera, and "as they are" leaves to the lighting section's frame which of the two they do. Scene, seed, meta and
    all else stay as they are, except that a raw caption field gives way where the camera decides it. Raises EditError
    for moves that cannot be made, and ManifestError where a frame is no valid manifest.
    """
    shot = begun(manifest)
    subject = next(iter(shot.get("scene", {}).get("subjects", [])), {})
    cameras = camera_path(
        shot.get("camera", {}),
        move,
        frames=frames,
        start=start,
        end=end,
        easing=easing,
        keyframes=keyframes,
        way=way,
        target_m=middle_of(subject),
    )
    lighting = lights_for_path(shot.get("lighting", {}), cameras[0], lights)
    moving = shot | {"lighting": lighting} if lighting != shot.get("lighting", {}) else shot
    frames_of_it = [moving | {"camera": camera} for camera in cameras]
    written = _changed(shot, frames_of_it)
    return [finished(made, written, f"{source}, frame {frame}") for frame, made in enumerate(frames_of_it)]


def _changed(shot: dict[str, Any], frames: list[dict[str, Any]]) -> list[Path]:
    """What any frame changes: in all of them a raw caption field of it gives way, so that they tell of one move."""
    changed: dict[Path, None] = {}
    for made in frames:
        for section in ("camera", "lighting"):
            for path in leaves(made.get(section, {}), (section,)):
                if value_at(shot, path) != value_at(made, path):
                    changed[path] = None
    return list(changed)


def number_or_nothing(name: str, text: str) -> float | None:
    """The number that a widget's text is, None where it is empty; EditError for anything else."""
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise EditError(
            "this is no number",
            where=name,
            found=f'"{text.strip()[:60]}"',
            allowed="a number, or nothing",
            fix="write for example 180, or leave it empty",
        ) from None
