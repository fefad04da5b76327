"""Manifest -> caption on one core. Target: at most 1 ms for the sample shot."""

from __future__ import annotations

import timeit

from _common import report

from studioflow.caption import compile_manifest
from studioflow.manifest import loads
from studioflow.resources import shipped

BATCH = 200


def milliseconds(work) -> list[float]:
    return [1000 * seconds / BATCH for seconds in timeit.repeat(work, number=BATCH, repeat=15)]


def main() -> None:
    text = (shipped("samples") / "product_hero.json").read_bytes()
    manifest = loads(text)
    for dialect in ("fibo-2", "fibo-1"):
        report(
            f"manifest to caption, {dialect}",
            milliseconds(lambda dialect=dialect: compile_manifest(manifest, dialect)),
            "ms",
            target=1.0,
        )
    report("text to validated manifest", milliseconds(lambda: loads(text)), "ms")


if __name__ == "__main__":
    main()
