"""A manifest prepared for the rules: its texts, and the numbers that the texts are held against.

Everything here is tolerant: a number that says nothing usable (a camera on its target, a coordinate beyond all
measure, a caption field of the wrong type) is simply not there, and the rule that is about it tells.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...caption import body, derive
from ...caption.fields import WRAPPED
from ...errors import StudioFlowError
from ...families import Family
from ...manifest import render_settings, schema
from ...studio.camera import Sharpness, sharpness_of
from ...studio.framing import Frame, frame_at, middle_of
from ...studio.lens import Lens, lens_of, sensor_of
from ...studio.lighting import apparent_size, key_of, lights_of
from ...studio.placement import orbit_of
from ...studio.words import signed_deg
from .base import Path, words
from .words import MAX_CHARACTERS, Text

Point = tuple[float, float, float]

_FAR_M = 1e6
"""Coordinates beyond this are nobody's studio; cut off so that no arithmetic overflows."""


@dataclass(frozen=True)
class Light:
    """A light in force; ``seen_deg`` is its direction from the camera, ``index`` None where a setup brings it."""

    role: str
    seen_deg: float
    elevation_deg: float
    intensity: float
    kelvin: float | None
    apparent: float
    index: int | None


class Shot:
    """One manifest and the model that will render it, with what rules ask for; each part is made when first used."""

    def __init__(self, manifest: dict[str, Any], family: Family) -> None:
        self.manifest = manifest
        self.family = family
        self.scene: dict[str, Any] = manifest.get("scene", {})
        self.camera: dict[str, Any] = manifest.get("camera", {})
        self.lighting: dict[str, Any] = manifest.get("lighting", {})
        self.render: dict[str, Any] = manifest.get("render", {})
        self.subjects: list[dict[str, Any]] = self.scene.get("subjects", [])
        caption = manifest.get("caption", {})
        self.raw = body(caption)
        wrapped = self.raw is not caption
        self.raw_path: Path = ("caption", WRAPPED) if wrapped else ("caption",)
        self.raw_is_text = wrapped and isinstance(caption[WRAPPED], str)

    @functools.cached_property
    def texts(self) -> list[Text]:
        """All free texts that say what the picture shows, those of the scene first; lettering is not among them."""
        named = self.manifest.get("materials", {})
        texts = (*_scene_texts(self.scene, named), *self._raw_texts())
        return [text for text in texts if text.text.strip()]

    def texts_of(self, *kinds: str) -> list[Text]:
        """The texts of some kinds."""
        return [text for text in self.texts if text.kind in kinds]

    @functools.cached_property
    def raw_objects(self) -> dict[int, dict[str, Any]]:
        """The well-formed objects of the raw caption by their index."""
        objects = self.raw.get("objects")
        found = enumerate(objects) if isinstance(objects, list) else ()
        return {index: item for index, item in found if isinstance(item, dict)}

    def raw_at(self, *keys: str | int) -> Path:
        """The path of something in the raw caption; the whole text where the caption stands there as one."""
        return self.raw_path if self.raw_is_text else (*self.raw_path, *keys)

    def _raw_texts(self) -> Iterator[Text]:
        # A text that is a caption in JSON is read and not rewritten.
        in_json = self.raw_is_text and self.raw != {"short_description": self.manifest["caption"][WRAPPED]}
        limit = 0 if in_json else MAX_CHARACTERS
        for kind, keys in words("caption_texts").items():
            node: Any = self.raw
            for key in keys:
                node = node.get(key) if isinstance(node, dict) else None
            for path, text in _strings(self.raw_at(*keys), node):
                yield Text(path, text, kind, keys[-1], limit=limit)
        for index, item in self.raw_objects.items():
            for field in words("caption_object_texts"):
                for path, text in _strings(self.raw_at("objects", index, field), item.get(field)):
                    yield Text(path, text, "subject", field, index, limit)

    @functools.cached_property
    def derived(self) -> dict[str, Any]:
        """The caption that the sections say; empty where they cannot be said."""
        try:
            return derive(self.manifest)
        except (StudioFlowError, OverflowError):
            return {}

    @functools.cached_property
    def orbit(self) -> dict[str, float] | None:
        """The placement of the camera as azimuth, elevation, distance and roll; None where there is none."""
        try:
            orbit = orbit_of(self.camera)
        except (StudioFlowError, OverflowError):
            return None
        return orbit if orbit and all(math.isfinite(value) for value in orbit.values()) else None

    @functools.cached_property
    def lens(self) -> Lens:
        """The lens in force."""
        return lens_of(self.camera)

    @property
    def equivalent_mm(self) -> float | None:
        """The lens's focal length in terms of full frame."""
        return self.lens.equivalent_mm(sensor_of(self.camera))

    @functools.cached_property
    def sharp(self) -> Sharpness | None:
        """What is sharp, measured as the camera's words are; None where lens or placement do not say."""
        if self.orbit is None and not {"orbit", "pose"}.isdisjoint(self.camera):
            return None
        try:
            return sharpness_of(self.camera, self.subjects[0] if self.subjects else None)
        except StudioFlowError:
            return None

    @property
    def ratio(self) -> float | None:
        """Width of the picture over its height; None where render says an impossible size."""
        return self.size[0] / self.size[1] if self.size else None

    def frame_at(self, distance_m: float) -> Frame | None:
        """What the picture covers at a distance, the sensor turned upright for an upright picture and cropped to it."""
        return frame_at(self.camera, self.ratio, distance_m) if self.ratio else None

    @functools.cached_property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the picture in pixels; None where render says an impossible one."""
        try:
            settings = render_settings(self.manifest, self.family)
        except StudioFlowError:
            return None
        return settings.width, settings.height

    @property
    def target(self) -> Point | None:
        """The point looked at, where the manifest gives it."""
        if "pose" in self.camera:
            return point(self.camera["pose"]["look_at_m"])
        given = self.camera.get("orbit", {}).get("target_m")
        return point(given) if given else None

    @functools.cached_property
    def camera_at(self) -> Point | None:
        """Where the camera stands; around the middle of the main subject where no target is given."""
        if self.orbit is None:
            return None
        azimuth, elevation = math.radians(self.orbit["azimuth_deg"]), math.radians(self.orbit["elevation_deg"])
        distance = min(self.orbit["distance_m"], _FAR_M)
        x, y, z = self.target or (center_of(self.subjects[0]) if self.subjects else (0.0, 0.0, 0.0))
        flat = distance * math.cos(elevation)
        return x + flat * math.sin(azimuth), y + distance * math.sin(elevation), z + flat * math.cos(azimuth)

    def facing_deg(self, subject: int | None) -> float:
        """Where a subject, or the main one, faces; 0 is the front."""
        index = subject or 0
        facing = self.subjects[index].get("facing_deg", 0.0) if index < len(self.subjects) else 0.0
        return signed_deg(facing)

    @functools.cached_property
    def lights(self) -> list[Light]:
        """The lights in force."""
        azimuth = self.orbit["azimuth_deg"] if self.orbit else 0.0
        turn = azimuth if self.lighting.get("frame") == "world" else 0.0
        own = bool(self.lighting.get("lights"))
        return [
            Light(
                role=light["role"],
                seen_deg=signed_deg(light.get("azimuth_deg", 0.0) - turn),
                elevation_deg=light.get("elevation_deg", 0.0),
                intensity=light.get("intensity", 1.0),
                kelvin=light.get("color_temperature_k"),
                apparent=apparent_size(light),
                index=index if own else None,
            )
            for index, light in enumerate(lights_of(self.lighting))
        ]

    @property
    def key(self) -> Light | None:
        """The key light, or the strongest where none is called so."""
        raw = lights_of(self.lighting)
        key = key_of(raw)
        return next((seen for seen, light in zip(self.lights, raw, strict=True) if light is key), None)


def point(values: list[float]) -> Point:
    """Three coordinates in metres as numbers that arithmetic can bear."""
    x, y, z = (float(max(-_FAR_M, min(_FAR_M, value))) for value in values)
    return x, y, z


def center_of(subject: dict[str, Any]) -> Point:
    """The middle of a subject, which stands on its position."""
    return point(middle_of(subject))


def _scene_texts(scene: dict[str, Any], materials: dict[str, Any]) -> Iterator[Text]:
    """The texts of the scene; the name of a material is none."""
    rules = schema()["$defs"]
    for kind in words("scene_texts"):
        if kind in scene:
            yield Text(("scene", kind), scene[kind], kind, kind, limit=_limit(rules["scene"], kind))
    for index, subject in enumerate(scene.get("subjects", [])):
        for field in words("subject_texts"):
            if field in subject and not (field == "material" and subject[field] in materials):
                path = ("scene", "subjects", index, field)
                yield Text(path, subject[field], "subject", field, index, _limit(rules["subject"], field))


def _limit(rule: dict[str, Any], field: str) -> int:
    limit: int = rule["properties"][field].get("maxLength", MAX_CHARACTERS)
    return limit


def _strings(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """A text, or the texts of a list, which a caption may have in place of one."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        yield from (((*path, index), item) for index, item in enumerate(value) if isinstance(item, str))
