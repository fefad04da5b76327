"""What is sharp in a shot, as numbers and as a drawing, and the focus or aperture that makes sharp what is wanted."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..errors import EditError, require_choice
from ..manifest import picture_ratio
from ..studio.camera import Sharpness, sharpness_of
from ..studio.lens import Lens, Sensor, lens_of, sensor_of, used_sensor_mm
from ..studio.menus import FOCUS_ACTIONS
from ..studio.optics import blur_disc_mm, depth_of_field_m, hyperfocal_m, sharp_limits_m
from .camera import set_camera, set_lens
from .field import put
from .written import begun, finished

WHOLE_STOPS = (1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0, 22.0, 32.0, 45.0, 64.0)
_FOCUS, _APERTURE = ("camera", "lens", "focus_distance_m"), ("camera", "lens", "aperture")
_BACKGROUND = 2.0
"""Where the blur of a background is told: this many times as far away as the focus."""


class Focus(NamedTuple):
    """What a camera renders sharp, in metres from it; ``sharp.far_m`` may be ``math.inf``.

    ``depth_m`` is the total depth of field. ``subject_m`` and ``subject_depth_m`` are where the middle of the main
    subject lies and how deep it is along the view, None where the shot does not say. ``blur_mm`` is the blur disc, on
    the sensor, of a point at ``background_m``, and ``used_height_mm`` the height of the sensor's part that the picture
    uses.
    """

    lens: Lens
    sensor: Sensor
    sharp: Sharpness
    depth_m: float
    hyperfocal_m: float
    background_m: float
    blur_mm: float
    used_height_mm: float
    subject_m: float | None
    subject_depth_m: float | None

    @property
    def blur_of_height(self) -> float:
        """The blur disc over the picture's height."""
        return self.blur_mm / self.used_height_mm

    def text(self) -> str:
        """The numbers, one a line, as a person reads them."""
        near, far, focus = self.sharp.near_m, self.sharp.far_m, self.sharp.focus_m
        depth, apart = "no end" if math.isinf(far) else _metres(self.depth_m), min(focus - near, far - focus)
        lines = [
            f"lens: {self.lens.focal_length_mm:g} mm at f/{self.lens.aperture:g}, "
            f"circle of confusion {self.sensor.coc_mm:.3f} mm",
            f"focus: {_metres(focus)}",
            f"sharp: {_metres(near, apart)} to {'infinity' if math.isinf(far) else _metres(far, apart)}, depth {depth}",
            f"hyperfocal distance: {_metres(self.hyperfocal_m)}",
            f"blur at {_metres(self.background_m)}: {_percent(self.blur_of_height)} of the picture's height",
        ]
        if self.subject_m is not None and self.subject_depth_m is not None:
            front, back = self.subject_m - self.subject_depth_m / 2, self.subject_m + self.subject_depth_m / 2
            whole = near <= front and back <= far
            lines.append(
                f"main subject: {_metres(self.subject_depth_m)} deep, "
                + ("sharp from front to back" if whole else "not all of it sharp")
            )
        return "\n".join(lines)


def focus_of(manifest: dict[str, Any]) -> Focus:
    """What the shot's camera renders sharp; EditError where its lens does not say enough to calculate it."""
    camera = manifest.get("camera", {})
    subject = next(iter(manifest.get("scene", {}).get("subjects", [])), None)
    lens, sensor, sharp = lens_of(camera), sensor_of(camera), sharpness_of(camera, subject)
    if sharp is None or lens.focal_length_mm is None or lens.aperture is None:
        raise EditError(
            "what is sharp cannot be calculated",
            where="/camera/lens",
            found="no focal length" if lens.focal_length_mm is None else "no aperture",
            allowed="a focal length and an aperture, or a lens preset",
            fix="put a Lens node before",
        )
    subject_m, subject_depth_m = _subject_along_view(camera, sharp)
    background = sharp.focus_m * _BACKGROUND
    return Focus(
        lens=lens,
        sensor=sensor,
        sharp=sharp,
        depth_m=depth_of_field_m(lens.focal_length_mm, lens.aperture, sensor.coc_mm, sharp.focus_m),
        hyperfocal_m=hyperfocal_m(lens.focal_length_mm, lens.aperture, sensor.coc_mm),
        background_m=background,
        blur_mm=blur_disc_mm(lens.focal_length_mm, lens.aperture, sharp.focus_m, background),
        used_height_mm=used_sensor_mm(camera, picture_ratio(manifest))[1],
        subject_m=subject_m,
        subject_depth_m=subject_depth_m,
    )


def _subject_along_view(camera: dict[str, Any], sharp: Sharpness) -> tuple[float | None, float | None]:
    """The middle of the main subject and its depth, in metres; None what the shot does not say."""
    front, back = sharp.front_m, sharp.back_m
    if camera.keys().isdisjoint({"orbit", "pose"}) or front is None or back is None:
        return None, None
    return (front + back) / 2.0, back - front if back > front else None


def set_focus(
    manifest: dict[str, Any] | None, change: str = FOCUS_ACTIONS[0], source: str = "manifest"
) -> tuple[dict[str, Any], Focus]:
    """The manifest with its focus or aperture changed as one of FOCUS_ACTIONS says, and what is sharp then.

    Without a manifest a new one gets an 85 mm lens at f/2.8, two metres in front of the subject. Raises EditError
    where the lens is not known, and where no whole stop renders the main subject sharp.
    """
    require_choice("change", change, FOCUS_ACTIONS)
    before = begun(manifest) if manifest else _usual()
    focus = focus_of(before)
    if change == "focus at hyperfocal":
        result = finished(put(before, _FOCUS, math.ceil(focus.hyperfocal_m * 1000) / 1000), [_FOCUS], source)
    elif change == "aperture for subject":
        result = finished(put(before, _APERTURE, _stop_for_subject(focus)), [_APERTURE], source)
    else:
        return before, focus
    return result, focus_of(result)


def focus_drawing(focus: Focus) -> str:
    """The side view of what is sharp, as SVG."""
    from ..studio.focus_drawing import focus_svg

    if focus.lens.focal_length_mm is None or focus.lens.aperture is None:
        raise ValueError("a drawing needs a focal length and an aperture")
    return focus_svg(
        focal_length_mm=focus.lens.focal_length_mm,
        aperture=focus.lens.aperture,
        focus_m=focus.sharp.focus_m,
        near_m=focus.sharp.near_m,
        far_m=focus.sharp.far_m,
        hyperfocal_m=focus.hyperfocal_m,
        subject_m=focus.subject_m,
        subject_depth_m=focus.subject_depth_m,
        background_m=focus.background_m,
        blur_mm=focus.blur_mm,
        blur_of_height=focus.blur_of_height,
    )


def _usual() -> dict[str, Any]:
    placed = set_camera(None, sensor="full_frame", azimuth_deg=0.0, elevation_deg=0.0, distance_m=2.0)
    return set_lens(placed, preset="portrait_85", aperture=2.8)


def _stop_for_subject(focus: Focus) -> float:
    """The widest stop at which the main subject is sharp from front to back: the lens's widest, or a whole one."""
    if focus.sharp.front_m is None:
        raise EditError(
            "the main subject cannot be sharp",
            where="/camera",
            found="a camera that has it at its back",
            allowed="a camera in front of which it stands",
            fix="move the camera or its target, or correct position_m of the main subject",
        )
    if focus.subject_m is None:
        raise EditError(
            "where the main subject stands is not known",
            where="/camera",
            found="no orbit and no pose",
            allowed="one of them",
            fix="put a Camera node before",
        )
    if focus.subject_depth_m is None:
        raise EditError(
            "the depth of the main subject is not known",
            where="/scene/subjects/0/size_m",
            found="nothing",
            allowed="its size: [width, height, depth] in metres",
            fix="give the main subject a size, for example size_m: [0.06, 0.19, 0.06]",
        )
    widest = focus.lens.widest or WHOLE_STOPS[0]
    stops = [widest, *(stop for stop in WHOLE_STOPS if stop > widest)]
    for stop in stops:
        if _covers(focus, stop):
            return stop
    raise EditError(
        "no aperture renders the whole subject sharp",
        where="/camera/lens",
        found=f"a subject {_metres(focus.subject_depth_m)} deep at {_metres(focus.subject_m)} from a lens of "
        f"{focus.lens.focal_length_mm:g} mm focused at {_metres(focus.sharp.focus_m)}",
        allowed=f"f/{stops[0]:g} to f/{stops[-1]:g}",
        fix="move the camera away, take a shorter lens, or focus on the middle of the subject",
    )


def _covers(focus: Focus, stop: float) -> bool:
    if focus.subject_m is None or focus.subject_depth_m is None or focus.lens.focal_length_mm is None:
        return False
    near, far = sharp_limits_m(focus.lens.focal_length_mm, stop, focus.sensor.coc_mm, focus.sharp.focus_m)
    return near <= focus.subject_m - focus.subject_depth_m / 2 and focus.subject_m + focus.subject_depth_m / 2 <= far


def _metres(value: float, apart: float = math.inf) -> str:
    """A distance with about three figures, and as many more as it takes to see a difference of ``apart``."""
    if value < 0.01:
        return f"{value * 1000:.3g} mm"
    usual = max(0, 2 - math.floor(math.log10(value))) if value < 10 else 1
    needed = math.ceil(-math.log10(apart)) + 1 if 0 < apart < 1 else 0
    text = f"{value:.{min(max(usual, needed), 6)}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} m"


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %" if part >= 0.1 else f"{100 * part:.2g} %"
