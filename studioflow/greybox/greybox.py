"""The greybox of a manifest: a physically based render with stand-in shapes, and maps of its geometry."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..errors import StudioFlowError, require_choice
from ..studio.placement import to_comfyui
from .menus import MOST_PIXELS, TONES
from .parts import Lamp

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .camera import View
    from .maps import Maps
    from .scene import Find, Shot

SPACE = "ACEScg"
"""The space of the scene-linear picture."""


class Quality(NamedTuple):
    """``samples`` of light a pixel, ``bounces`` of a path, and ``looks`` a pixel side for masks and lines (odd).

    ``guides`` looks a pixel tell a denoiser the colours and normals. Without any it takes its smaller network: half the
    time, and as near to the light as four samples are.

    Light through a full glass meets ten surfaces on the way to the eye, and fewer bounces leave it black. More cost
    next to nothing: most paths end long before by Russian roulette.
    """

    samples: int
    bounces: int
    looks: int
    guides: int


QUALITIES = {"draft": Quality(4, 16, 1, 0), "preview": Quality(64, 24, 3, 16), "final": Quality(256, 32, 3, 16)}
_ROOM = 0.1
"""Part of the picture's width and height around it in which a lamp still counts as in it."""


_EMITTED_SAMPLES = 16
"""Samples a pixel of what is seen of lamps themselves."""


class Settings(NamedTuple):
    """How to render: pixels, a name of QUALITIES, and the display picture's white balance and tone curve.

    ``tone`` is one of menus.TONES; ``none`` shows light as it is, up to paper white.
    """

    width: int
    height: int
    quality: str = "draft"
    seed: int = 0
    denoise: bool = True
    white_balance_k: float = 5600.0
    tone: str = "none"


class Progress(Protocol):
    def __call__(self, done: int, total: int, picture: Callable[[], NDArray[np.float32] | None], /) -> None:
        """Is told after each step; ``picture()`` is the display picture so far. What it raises ends the render."""


class Greybox(NamedTuple):
    """[H, W] and [H, W, 3] float32 arrays, and what there is to say.

    ``linear`` is scene-linear ACEScg in which 18 % grey that faces the key light lands at 0.18; ``display``
    sRGB-encoded 0..1, balanced to white_balance_k; ``depth`` metres along the view, 1e10 where nothing is;
    ``depth_map`` 0..1, near white; ``normals`` -1..1 in the camera's space, X right, Y up, Z towards it; ``masks`` a
    name and the coverage 0..1 of each subject; ``lines`` white on black. The maps are sharp whatever the aperture.
    ``camera_info`` is ComfyUI's.
    """

    linear: NDArray[np.float32]
    display: NDArray[np.float32]
    depth: NDArray[np.float32]
    depth_map: NDArray[np.float32]
    normals: NDArray[np.float32]
    lines: NDArray[np.float32]
    masks: tuple[tuple[str, NDArray[np.float32]], ...]
    camera_info: dict[str, Any]
    notes: tuple[str, ...]
    variant: str
    seconds: float


def render_greybox(
    manifest: Mapping[str, Any], settings: Settings, find: Find, progress: Progress | None = None
) -> Greybox:
    """Renders the manifest's shot with its camera, light and stand-ins.

    ``find`` as in ``scene.shot_of``. The same manifest, settings and machine give the same bits. StudioFlowError for
    settings out of range, for what ``shot_of`` refuses, and where Mitsuba is not installed.
    """
    quality = _checked(settings)
    from .variants import mitsuba

    started = time.monotonic()
    mi = mitsuba()
    from .maps import near_is_white
    from .scene import shot_of

    shot = shot_of(manifest, settings.width, settings.height, find)
    stage = _Stage(mi, shot, quality, settings, progress or (lambda done, total, picture: None))
    linear, notes = stage.light()
    maps = stage.maps()
    display = _displayed(linear, settings)
    stage.told(display)
    view = shot.view
    camera = {**manifest.get("camera", {}), "pose": _pose(view)}
    camera.pop("orbit", None)
    return Greybox(
        linear=linear,
        display=display,
        depth=maps.depth,
        depth_map=near_is_white(maps.depth),
        normals=maps.normals,
        lines=maps.lines,
        masks=tuple(zip(shot.names, maps.masks, strict=True)),
        camera_info=to_comfyui(camera, ratio=settings.width / settings.height),
        notes=(*shot.notes, *_in_the_picture(view, shot.lamps), *notes),
        variant=mi.variant(),
        seconds=time.monotonic() - started,
    )


def _checked(settings: Settings) -> Quality:
    import numpy as np

    for name in ("width", "height"):
        if not 1 <= getattr(settings, name) <= MOST_PIXELS:
            found, allowed = f"{getattr(settings, name)} pixels", f"1 to {MOST_PIXELS}"
            raise StudioFlowError("a greybox cannot have this size", where=name, found=found, allowed=allowed)
    require_choice("quality", settings.quality, QUALITIES)
    require_choice("tone", settings.tone, TONES)
    # A white balance that cannot be is told before the light is rendered.
    _displayed(np.zeros((1, 1, 3), dtype=np.float32), settings)
    return QUALITIES[settings.quality]


class _Stage:
    """A shot in Mitsuba, and its renders one after the other."""

    def __init__(self, mi: Any, shot: Shot, quality: Quality, settings: Settings, progress: Progress) -> None:
        self._mi, self._shot, self._quality, self._settings, self._progress = mi, shot, quality, settings, progress
        self._done, self._total = 0, quality.samples + 1

    def light(self) -> tuple[NDArray[np.float32], list[str]]:
        """The scene-linear picture [H, W, 3], and what there is to say about it."""
        from .build import build
        from .camera import sensor_of

        mi, sensor = self._mi, build(self._mi, sensor_of(self._shot.view))
        lamps = [lamp for lamp in self._shot.lamps if not lamp.shown]
        hidden = any(_may_be_seen(self._shot.view, lamp) for lamp in lamps)
        every = self._scene(self._shot.lamps)
        path = {"type": "path", "max_depth": self._quality.bounces, "hide_emitters": hidden, "rr_depth": 3}
        linear = self._rendered(every, sensor, mi.load_dict(path), self._quality.samples)
        shown = [lamp for lamp in self._shot.lamps if lamp.shown]
        seen = self._scene(shown) if hidden else every
        if hidden and (shown or self._shot.environment is not None):
            # What shines and belongs into the picture was hidden with the rest: seen directly, it is added.
            emitted = mi.load_dict({"type": "path", "max_depth": 1})
            linear += self._rendered(seen, sensor, emitted, _EMITTED_SAMPLES, told=False)
        if not self._settings.denoise:
            return linear, []
        return self._denoised(linear, seen, sensor)

    def maps(self) -> Maps:
        """The maps of the bodies; lamps and their stands are not in them."""
        from .build import build
        from .camera import sensor_of
        from .maps import AOVS, CHANNELS, coded, empty_maps, maps_of
        from .render import look
        from .scene import subject_of

        mi, view, looks = self._mi, self._shot.view, self._quality.looks
        scene = build(mi, {"type": "scene", **coded(self._shot.shapes)})
        named = [(number, subject_of(name)) for number, name in enumerate(self._shot.shapes)]
        owners = {number: subject for number, subject in named if subject >= 0}
        sensor = build(mi, sensor_of(view, sharp=True, scale=looks))
        integrator = mi.load_dict({"type": "aov", "aovs": AOVS})
        whole = empty_maps(view.height, view.width, len(self._shot.names))
        for top, seen in look(mi, scene, sensor, integrator, step=looks):
            # A film of RGBA puts four channels of nothing in front.
            band = maps_of(seen[..., -CHANNELS:], view, owners, len(self._shot.names), looks)
            rows = slice(top // looks, top // looks + band.depth.shape[0])
            for name in ("depth", "normals", "lines"):
                getattr(whole, name)[rows] = getattr(band, name)
            whole.masks[:, rows] = band.masks
            self._progress(self._done, self._total, lambda: None)
        return whole

    def told(self, display: NDArray[np.float32]) -> None:
        """Shows the finished picture: the last live one is noisy, and ComfyUI's canvas keeps it."""
        self._progress(self._total, self._total, lambda: display)

    def _scene(self, lamps: Sequence[Lamp]) -> Any:
        from .build import build

        shapes = {f"lamp{lamp.index}_{part}": plain for lamp in lamps for part, plain in enumerate(lamp.shapes)}
        sky = {} if self._shot.environment is None else {"environment": self._shot.environment}
        return build(self._mi, {"type": "scene", **self._shot.shapes, **shapes, **sky})

    def _rendered(
        self, scene: Any, sensor: Any, integrator: Any, samples: int, *, told: bool = True
    ) -> NDArray[np.float32]:
        from .render import render

        pixels = self._shot.view.width * self._shot.view.height

        def tick(done: int, so_far: Callable[[], NDArray[np.float32]]) -> None:
            if told:
                self._done = done // pixels
            self._progress(
                self._done, self._total, lambda: _displayed(so_far()[..., :3], self._settings) if told else None
            )

        seed = self._settings.seed
        return render(self._mi, scene, sensor, integrator, samples=samples, seed=seed, tick=tick)[..., :3].copy()

    def _denoised(self, linear: NDArray[np.float32], scene: Any, sensor: Any) -> tuple[NDArray[np.float32], list[str]]:
        """The picture without noise, by the colours and normals of a scene of what the camera sees."""
        from .denoise import Guides, denoise, denoiser
        from .maps import seen_by_camera
        from .render import render

        mi = self._mi
        if denoiser(mi.variant()) is None:
            return linear, ["not denoised: pip install pyoidn brings a denoiser"]
        if not self._quality.guides:
            return denoise(linear, mi.variant(), fast=True), []
        aovs = mi.load_dict({"type": "aov", "aovs": "albedo:albedo,normal:sh_normal"})
        looks, seed = self._quality.guides, self._settings.seed
        told = render(mi, scene, sensor, aovs, samples=looks, seed=seed)
        guides = Guides(told[..., -6:-3], seen_by_camera(told[..., -3:], self._shot.view))
        return denoise(linear, mi.variant(), guides=guides), []


def _pose(view: View) -> dict[str, Any]:
    pose = view.pose
    return {"position_m": list(pose.position_m), "look_at_m": list(pose.look_at_m), "roll_deg": pose.roll_deg}


def _displayed(linear: NDArray[np.float32], settings: Settings) -> NDArray[np.float32]:
    """Scene-linear light as a camera balanced to that colour temperature shows it, sRGB-encoded 0..1."""
    import numpy as np

    from ..color.tone import tone_map
    from .emitted import rgb_of_kelvin

    white = np.asarray(rgb_of_kelvin(settings.white_balance_k), dtype=np.float32)
    return tone_map(linear / white, settings.tone, source=SPACE, target="sRGB").clip(0.0, 1.0)


def _may_be_seen(view: View, lamp: Lamp) -> bool:
    """Whether a lamp could be in the picture, with some room for blur: never False for one that is.

    It is not where all its corners lie beyond one and the same side of the picture, or behind the camera.
    """
    import numpy as np

    axes = view.axes
    away = lamp.corners - np.asarray(view.pose.position_m)
    right, up, along = (away @ np.asarray(axis) for axis in (axes.right, axes.up, axes.forward))
    across = (1.0 + _ROOM) * math.tan(math.radians(view.fov_deg) / 2.0)
    upwards = across * view.height / view.width
    # The room also covers the aperture, through which a camera sees a little around corners.
    room = view.aperture_radius_m * (1.0 + np.abs(along) / view.focus_m)
    beyond = (
        right > across * along + room,
        right < -across * along - room,
        up > upwards * along + room,
        up < -upwards * along - room,
        along < 0.0,
    )
    return not any(bool(side.all()) for side in beyond)


def _in_the_picture(view: View, lamps: Sequence[Lamp]) -> list[str]:
    """What to say of lamps whose middle the camera sees: a photographer would move them."""
    from .camera import seen_at

    labels = []
    for lamp in lamps:
        x, y, along = seen_at(view, tuple(lamp.corners.mean(axis=0)))
        if not lamp.shown and along > 0.0 and 0.0 <= x < view.width and 0.0 <= y < view.height:
            labels.append(lamp.label)
    return [f"stands in the picture, and is not shown: {label}" for label in labels]
