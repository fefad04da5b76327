"""The greybox: first draft by variant, against Mitsuba called bare, a turntable, a final, and memory at 4096².

Each variant of Mitsuba is measured in processes of its own, one after the other.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _common import ROOT, peak_bytes, report

SHOT = ROOT / "samples" / "product_hero.json"
FIRST_DRAFT_S = {"scalar_rgb": 3.0, "llvm_ad_rgb": 1.2}
BARE_RATIO, MOST_GB = 1.1, 4.0
FRAMES = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="processes for each first draft (%(default)s)")
    parser.add_argument("--final", action="store_true", help="also a final at 1024², which takes minutes")
    options = parser.parse_args()

    from studioflow.greybox.variants import VARIANTS, Variant, usable_variant, works

    fastest = usable_variant()
    for name in VARIANTS:
        if name != fastest.name and not works(Variant(name)):
            print(f"{name}: does not work on this machine")
            continue
        drafts = [measured(name, "draft") for _ in range(options.runs)]
        report(f"{name}: first draft at 512², in a new process", [one["first"] for one in drafts], "s")
        target = FIRST_DRAFT_S.get(name)
        report(f"{name}: first draft, Mitsuba imported", [one["first"] - one["import"] for one in drafts], "s", target)
        report(f"{name}: next draft of another camera", [one["next"] for one in drafts], "s")
        bare = measured(name, "bare")["ratios"]
        report(f"{name}: 512², 32 samples, against Mitsuba bare", bare, "times", BARE_RATIO)
        frames = measured(name, "turntable")["frames"]
        report(f"{name}: a frame of a turntable at 384², draft, the first aside", frames[1:], "s")
    large = measured(fastest.name, "large")
    report(f"{fastest.name}: memory of a 4096² final (1 sample a pixel)", [large["gigabytes"]], "GB", MOST_GB)
    if options.final:
        report(f"{fastest.name}: final at 1024²", [measured(fastest.name, "final")["seconds"]], "s")


def measured(variant: str, what: str) -> dict[str, Any]:
    """What a process of its own measures."""
    env = os.environ | {"STUDIOFLOW_MITSUBA_VARIANT": variant}
    done = subprocess.run([sys.executable, __file__, what], env=env, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def settings(side: int, quality: str) -> Any:
    from studioflow.greybox.greybox import Settings

    return Settings(side, side, quality)


def made(manifest: dict[str, Any], how: Any) -> float:
    """Seconds of one greybox."""
    from studioflow.greybox.greybox import render_greybox

    started = time.perf_counter()
    render_greybox(manifest, how, lambda kind, name: Path(name))
    return time.perf_counter() - started


def draft() -> dict[str, Any]:
    import numpy  # noqa: F401 - ComfyUI has it already

    from studioflow.manifest import load

    shot = load(SHOT)
    started = time.perf_counter()
    from studioflow.greybox.variants import mitsuba

    mitsuba()
    imported = time.perf_counter() - started
    first = imported + made(shot, settings(512, "draft"))
    return {"import": imported, "first": first, "next": made(turned(shot, 30.0), settings(512, "draft"))}


def turned(shot: dict[str, Any], by_deg: float) -> dict[str, Any]:
    other = copy.deepcopy(shot)
    other["camera"]["orbit"]["azimuth_deg"] += by_deg
    return other


def bare() -> dict[str, Any]:
    """Our passes against one call of Mitsuba's for the same scene, in turns."""
    from studioflow.greybox.build import build
    from studioflow.greybox.camera import sensor_of
    from studioflow.greybox.render import render
    from studioflow.greybox.scene import shot_of
    from studioflow.greybox.variants import mitsuba
    from studioflow.manifest import load

    mi = mitsuba()
    shot = shot_of(load(SHOT), 512, 512, lambda kind, name: Path(name))
    lamps = {f"lamp{lamp.index}_{i}": plain for lamp in shot.lamps for i, plain in enumerate(lamp.shapes)}
    scene = build(mi, {"type": "scene", **shot.shapes, **lamps})
    sensor, path = build(mi, sensor_of(shot.view)), mi.load_dict({"type": "path", "max_depth": 6})

    def ours() -> None:
        render(mi, scene, sensor, path, samples=32, seed=1)

    def theirs() -> None:
        import numpy as np

        np.asarray(mi.render(scene, sensor=sensor, integrator=path, spp=32, seed=1))

    def seconds(work: Callable[[], None]) -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    seconds(ours), seconds(theirs)
    return {"ratios": [seconds(ours) / seconds(theirs) for _ in range(5)]}


def turntable() -> dict[str, Any]:
    from studioflow.manifest import load

    shot = load(SHOT)
    return {"frames": [made(turned(shot, 360.0 / FRAMES * frame), settings(384, "draft")) for frame in range(FRAMES)]}


def large() -> dict[str, Any]:
    from studioflow.greybox import greybox
    from studioflow.manifest import load

    # The memory does not depend on the samples, the hours do.
    greybox.QUALITIES["final"] = greybox.QUALITIES["final"]._replace(samples=1)
    seconds = made(load(SHOT), settings(4096, "final"))
    return {"gigabytes": peak_bytes() / 1e9, "seconds": seconds}


def final() -> dict[str, Any]:
    from studioflow.manifest import load

    return {"seconds": made(load(SHOT), settings(1024, "final"))}


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in (parts := {f.__name__: f for f in (draft, bare, turntable, large, final)}):
        print(json.dumps(parts[sys.argv[1]]()))
    else:
        main()
