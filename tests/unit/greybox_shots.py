"""Small shots for the tests of the greybox, and their renders by the variant that every machine has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from studioflow.greybox.greybox import QUALITIES, Greybox, Quality, Settings, render_greybox
from studioflow.greybox.remembered import forget


@contextmanager
def scalar(folders: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """Mitsuba's scalar variant, and a cache that is not the person's own: one for all test processes, as making a
    figure takes seconds."""
    cache = folders.getbasetemp().parent / "studioflow"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIOFLOW_MITSUBA_VARIANT", "scalar_rgb")
        for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
            patch.setenv(name, str(cache))
        forget()
        yield patch
    forget()


def nothing_to_find(kind: str, name: str) -> Path:
    raise AssertionError(f"the shot names no {kind}, not {name} either")


def subject(stand_in: str = "sphere", size_m: tuple[float, float, float] = (0.04, 0.04, 0.04), **more: Any) -> Any:
    """Of a matte grey of 18 %, unless ``more`` says otherwise."""
    usual = {"description": "grey thing", "material": "matte_paint", "color": "#767676"}
    return {**usual, "stand_in": stand_in, "size_m": list(size_m), **more}


def light(role: str = "key", azimuth_deg: float = 0.0, elevation_deg: float = 0.0, **more: Any) -> dict[str, Any]:
    angles = {"azimuth_deg": azimuth_deg, "elevation_deg": elevation_deg}
    return {"role": role, "type": "softbox", "color_temperature_k": 5600, **angles, **more}


def shot(*subjects: Any, lights: Any = (), distance_m: float = 1.0, **more: Any) -> dict[str, Any]:
    """Subjects in front of a camera with nothing around them."""
    return {
        "studioflow": "1.0",
        "scene": {"subjects": list(subjects), "backdrop": {"kind": "none"}},
        "camera": {"lens": {"focal_length_mm": 85}, "orbit": {"distance_m": distance_m}},
        "lighting": {"lights": list(lights)},
        **more,
    }


def rendered(
    manifest: Mapping[str, Any],
    side: int | tuple[int, int] = 48,
    samples: int = 2,
    *,
    looks: int = 1,
    find: Any = nothing_to_find,
    progress: Any = None,
    **settings: Any,
) -> Greybox:
    """A greybox of so many samples, without a denoiser unless the settings say so."""
    width, height = side if isinstance(side, tuple) else (side, side)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(QUALITIES, "draft", Quality(samples, 4, looks, 1))
        wanted = Settings(width, height, "draft", **{"denoise": False, **settings})
        return render_greybox(manifest, wanted, find, progress)
