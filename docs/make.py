"""Writes docs/shots/: twelve shots as a person reads them, each with the caption that it compiles to.

    .venv/bin/python docs/make.py

tests/unit/test_docs.py fails while what is checked in differs from what this would write.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from studioflow.caption import compile_manifest  # noqa: E402
from studioflow.edit.light import lighting_diagram  # noqa: E402
from studioflow.manifest import load  # noqa: E402

SHOTS = ROOT / "docs" / "shots"
NAMES = (
    "product_hero",
    "portrait_window",
    "portrait_rembrandt",
    "product_on_white",
    "golden_hour_exterior",
    "turntable_sneaker",
    "food_ramen",
    "jewellery_ring",
    "glass_dark_field",
    "film_noir_detective",
    "neon_musician",
    "interior_reading_room",
)


def documents() -> dict[str, str]:
    """Each file of docs/shots/ by its name: a page and a lighting diagram a shot, and the list of them."""
    made: dict[str, str] = {}
    rows = []
    for name in NAMES:
        path = ROOT / "samples" / f"{name}.json"
        manifest = load(path)
        title = manifest["meta"]["title"]
        _, made[f"{name}.svg"] = lighting_diagram(manifest, "")
        made[f"{name}.md"] = _page(name, title, path.read_text(encoding="utf-8"), manifest)
        rows.append(f"- [{title}]({name}.md): {manifest['scene']['description']}")
    made["README.md"] = (
        "# Twelve shots and their captions\n\n"
        "The manifests of `samples/`, and what FIBO reads of them. `docs/make.py` writes these pages.\n\n"
        + "\n".join(rows)
        + "\n"
    )
    return made


def _page(name: str, title: str, text: str, manifest: dict[str, Any]) -> str:
    compiled = compile_manifest(manifest, "fibo-2")
    parts = [
        f"# {title}",
        f"![Lighting diagram]({name}.svg)",
        f"The caption, laid out for reading:\n\n{_block(compiled.fields)}",
    ]
    if compiled.negative:
        negative = compiled.negative
        shown = _block(json.loads(negative)) if negative.startswith("{") else f"```text\n{negative}\n```"
        parts.append(f"The negative:\n\n{shown}")
    parts.append(f"The manifest, `samples/{name}.json`:\n\n```json\n{text.strip()}\n```")
    return "\n\n".join(parts) + "\n"


def _block(value: Any) -> str:
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```"


def main() -> None:
    SHOTS.mkdir(exist_ok=True)
    made = documents()
    for old in set(SHOTS.iterdir()) - {SHOTS / name for name in made}:
        old.unlink()
    for name, text in made.items():
        (SHOTS / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
