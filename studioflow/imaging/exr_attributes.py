"""What the header of an EXR says besides the pixels: colour, camera, time, rights, and the documents.

Names, types and units: OpenEXR, Standard Attributes. Only what is known is written; in particular no maker or model of
a camera, no transmission of a lens (tStop), no white balance of a camera (cameraCCTSetting) and no luminance of white.

``acesImageContainerFlag`` is never written: it promises all of SMPTE ST 2065-4, which forbids compression and any
channel but one picture's, and rules over the whole header; ``colorInteropID`` names the space without that promise.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

from ..color.spaces import DATA, plain_spaces
from ..errors import DeliveryError
from .facts import Facts
from .sheet import Sheet

_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;])(\d\d)")
_SLOW = 30.0
"""Frames a second that a timecode can count; of faster pictures two share a number (SMPTE ST 12-1)."""
_COMFYUI = ("prompt", "workflow")
_OURS = "studioflow:"


def attributes(sheet: Sheet, width: int, height: int) -> tuple[dict[str, Any], list[str]]:
    """The attributes that describe the sheet, for the first part, and what the person should know of them.

    ``sheet.texts`` are written under their own names, in UTF-8, where those are ours or ComfyUI's: no text can replace
    an attribute that the format defines. Raises DeliveryError for a timecode that is none.
    """
    kept = {key: text for key, text in sheet.texts.items() if key.startswith(_OURS) or key in _COMFYUI}
    left = sorted(set(sheet.texts) - set(kept))
    notes = [f"left out of the header, under names that are not StudioFlow's: {', '.join(left)}"] if left else []
    header = _camera(sheet.facts) | _placement(sheet.facts, width / height) | _editorial(sheet.facts)
    if sheet.frame is not None:
        header["imageCounter"] = sheet.frame
    return header | kept | sheet.own_texts, notes


def colour(space: str) -> dict[str, Any]:
    """``colorInteropID`` and ``chromaticities`` of a part in that space, a scene-linear one or DATA.

    The Color Interop Forum would have the first alone; most programs know only the second, and the two agree. A space
    that is not one of the plain ones has the id that its primaries have, if any. Raises DeliveryError for any other
    space, StudioFlowError for an unknown one.
    """
    if space == DATA:
        return {"colorInteropID": "data"}
    row = plain_spaces().get(space)
    if row:
        _require_linear(space, row.encoding)
        return {"colorInteropID": row.interop, "chromaticities": row.primaries}
    from ..color.convert import chromaticities_of, encoding_of

    encoding = encoding_of(space)
    if encoding == DATA:
        return {"colorInteropID": "data"}
    _require_linear(space, encoding)
    primaries = chromaticities_of(space)
    if primaries is None:
        return {}
    found = {"chromaticities": tuple(float(part) for part in primaries)}
    known = (row for row in plain_spaces().values() if row.encoding == "linear")
    same = next((row for row in known if _close(row.primaries, found["chromaticities"])), None)
    return found | ({"colorInteropID": same.interop} if same else {})


def _close(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Within 0.001 in x and y, as the Color Interop Forum compares them."""
    return all(abs(a - b) <= 0.001 for a, b in zip(one, other, strict=True))


def _require_linear(space: str, encoding: str) -> None:
    if encoding == "linear":
        return
    linear = [name for name, row in plain_spaces().items() if row.encoding == "linear"]
    raise DeliveryError(
        "an EXR holds scene-linear values",
        where="color_space",
        found=f'"{space}", whose encoding is {encoding}',
        allowed=f"a scene-linear space: {', '.join(linear)}, or one of the OpenColorIO config",
        fix="choose ACEScg, for example; for values to look at, deliver TIFF or PNG",
    )


def _camera(facts: Facts) -> dict[str, Any]:
    """Lens and exposure: millimetres, metres, seconds, f-number."""
    focal = facts.focal_length_mm
    found = {
        "lensModel": facts.lens or None,
        "nominalFocalLength": focal,
        # A fisheye is no pinhole.
        "pinholeFocalLength": None if facts.fisheye else focal,
        "aperture": facts.aperture,
        "focus": facts.focus_distance_m,
        "expTime": facts.exposure_time_s,
        "isoSpeed": facts.iso,
    }
    header: dict[str, Any] = {
        name: value if isinstance(value, str) else float(value) for name, value in found.items() if value is not None
    }
    if facts.sensor_width_mm and facts.sensor_height_mm:
        header["sensorOverallDimensions"] = (float(facts.sensor_width_mm), float(facts.sensor_height_mm))
    return header


def _placement(facts: Facts, ratio: float) -> dict[str, Any]:
    """The camera in the world as two matrices, in metres, where the manifest places it.

    ``worldToCamera``: camera space is left-handed, x to the right of the picture, y up and z along the view, as in
    RenderMan. ``worldToNDC``: after the division by w, (0, 0) is the upper left corner of the picture and (1, 1) the
    lower right one; z is 1 - near / z with a near plane of 1 m, and means nothing else. Both multiply row vectors from
    the right, as Imath does.
    """
    import numpy as np

    if facts.position_m is None or facts.quaternion is None:
        return {}
    right, up, back = _axes(facts.quaternion)
    rotation = np.array([right, up, [-part for part in back]]).T
    to_camera = np.eye(4)
    to_camera[:3, :3] = rotation
    to_camera[3, :3] = -np.array(facts.position_m) @ rotation
    found = {"worldToCamera": to_camera.astype(np.float32)}
    seen = _seen_mm(facts, ratio)
    if seen and facts.focal_length_mm and not facts.fisheye:
        to_ndc = np.zeros((4, 4))
        to_ndc[0, 0] = facts.focal_length_mm / seen[0]
        to_ndc[1, 1] = -facts.focal_length_mm / seen[1]
        to_ndc[2] = (0.5, 0.5, 1.0, 1.0)
        to_ndc[3, 2] = -1.0
        found["worldToNDC"] = (to_camera @ to_ndc).astype(np.float32)
    return found


def _axes(quaternion: tuple[float, float, float, float]) -> tuple[list[float], list[float], list[float]]:
    """The camera's own X, Y and Z in the world (glTF 2.0, rotation of a node by a unit quaternion x, y, z, w)."""
    x, y, z, w = quaternion
    return (
        [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)],
        [2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)],
        [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)],
    )


def _seen_mm(facts: Facts, ratio: float) -> tuple[float, float] | None:
    """What a picture of that ratio uses of the sensor, as studio.lens.used_sensor_mm has it."""
    if not (facts.sensor_width_mm and facts.sensor_height_mm):
        return None
    across, high = facts.sensor_width_mm * (facts.squeeze or 1.0), facts.sensor_height_mm
    if ratio < 1.0:
        across, high = high, across
    used = min(across, high * ratio)
    return used, used / ratio


def _editorial(facts: Facts) -> dict[str, Any]:
    """Time, rights and a description in words."""
    offset = facts.captured.utcoffset()
    header: dict[str, Any] = {"capDate": facts.captured.strftime("%Y:%m:%d %H:%M:%S")}
    if offset is not None:
        # UTC = local time + utcOffset.
        header["utcOffset"] = 0.0 - offset.total_seconds()
    if owner := facts.copyright or facts.author:
        header["owner"] = owner
    titled = f"{facts.title} ({facts.sku})" if facts.title and facts.sku else facts.title or facts.sku
    lines = [titled, facts.description, ", ".join(facts.tags), *facts.lights]
    if comments := "\n".join(line for line in lines if line):
        header["comments"] = comments
    if facts.frames_per_second is not None:
        header["framesPerSecond"] = rational_rate(facts.frames_per_second)
    if facts.timecode is not None:
        header["timeCode"] = _timecode(facts.timecode, facts.frames_per_second)
    return header


def rational_rate(frames_per_second: float) -> Fraction:
    """A frame rate as a fraction: 23.976 and its like are n × 1000 / 1001, as SMPTE ST 12-1 defines them."""
    if not (math.isfinite(frames_per_second) and frames_per_second > 0.0):
        raise DeliveryError(
            "no frame rate", where="frames_per_second", found=repr(frames_per_second), allowed="above 0"
        )
    slowed = Fraction(round(frames_per_second * 1.001) * 1000, 1001)
    if abs(float(slowed) - frames_per_second) < 0.005 and abs(round(frames_per_second) - frames_per_second) > 1e-6:
        return slowed
    return Fraction(frames_per_second).limit_denominator(1001)


def _timecode(text: str, frames_per_second: float | None) -> Any:
    """Above 30 frames a second ``fieldPhase`` tells the second frame of a pair, as SMPTE ST 12-1 has it."""
    import OpenEXR

    in_pairs = (frames_per_second or 0.0) > _SLOW
    limits = (24, 60, 60, 60 if in_pairs else 30)
    match = _TIMECODE.fullmatch(text)
    parts = [int(match[index]) for index in (1, 2, 3, 5)] if match else []
    if not match or any(part >= limit for part, limit in zip(parts, limits, strict=True)):
        raise DeliveryError(
            "not a timecode",
            where="timecode",
            found=f'"{text}"',
            allowed=f"HH:MM:SS:FF, or HH:MM:SS;FF with dropped frame numbers; frames from 00 to {limits[3] - 1}",
            fix='write "01:00:00:00", for example',
        )
    number, phase = divmod(parts.pop(), 2 if in_pairs else 1)
    # The colour frame, three flags and the eight binary groups say nothing here.
    return OpenEXR.TimeCode(*parts, number, int(match[4] == ";"), 0, phase, *[0] * 11)
