"""Manifest to caption on one core: a shot of six lights and three subjects, and what each part of it takes.

Target: at most 1 ms for the whole caption.

    python dev.py bench
    python benchmarks/caption.py
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable
from typing import Any

from _common import report

from studioflow.caption import DIALECTS, compile_manifest
from studioflow.caption.negative import auto_negative
from studioflow.manifest import load, validate
from studioflow.resources import shipped
from studioflow.studio import camera, light_captions
from studioflow.studio.framing import shot_size

BATCH, RUNS = 200, 9
TARGET_MS = 1.0


def shot() -> dict[str, Any]:
    """Three subjects, two of them of a material, and six lights of which one is coloured."""
    manifest = load(shipped("samples") / "product_hero.json")
    lights = [
        *manifest["lighting"]["lights"],
        {"role": "hair", "type": "strip", "azimuth_deg": 170, "elevation_deg": 60, "color_temperature_k": 4300},
        {"role": "kicker", "type": "spot", "azimuth_deg": -140, "elevation_deg": 20, "color": "#FF7A3D"},
        {"role": "background", "type": "softbox", "azimuth_deg": 180, "elevation_deg": 0, "intensity": 0.5},
    ]
    subjects = [
        subject | {"material": name} if name else subject
        for subject, name in zip(manifest["scene"]["subjects"], ("steel", "ware", ""), strict=True)
    ]
    made = manifest | {
        "scene": manifest["scene"] | {"subjects": subjects},
        "materials": {"steel": {"preset": "brushed_steel"}, "ware": {"preset": "stoneware", "roughness": 0.3}},
        "lighting": {"lights": lights, "frame": "world", "ambient": 0.1},
    }
    validate(made)
    return made


def milliseconds(work: Callable[[], object]) -> list[float]:
    times = timeit.repeat(work, timer=time.process_time, number=BATCH, repeat=RUNS)
    return [1000 * seconds / BATCH for seconds in times]


def main() -> None:
    made = shot()
    subject = made["scene"]["subjects"][0]
    for dialect in DIALECTS:
        report(
            f"caption of 6 lights and 3 subjects ({dialect})",
            milliseconds(lambda dialect=dialect: compile_manifest(made, dialect)),
            "ms",
            TARGET_MS,
        )
    report("of it the lighting", milliseconds(lambda: light_captions.caption_fields(made["lighting"], 20.0)), "ms")
    report("of it the camera", milliseconds(lambda: camera.caption_fields(made["camera"], subject)), "ms")
    report("of it the shot size", milliseconds(lambda: shot_size(made["camera"], subject, 1.5)), "ms")
    report("a negative derived from it", milliseconds(lambda: auto_negative(made)), "ms")


if __name__ == "__main__":
    main()
