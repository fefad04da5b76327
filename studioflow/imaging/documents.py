"""The documents of a delivery, as texts inside its files and as files beside them."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..files import Write, text_writer
from ..manifest import CAPTION_KEY, MANIFEST_KEY, dumps, portable

PROVENANCE_KEY, SEED_KEY, MODEL_KEY = "studioflow:provenance", "studioflow:seed", "studioflow:model"


@dataclass(frozen=True)
class Documents:
    """What goes into and beside every picture: the shot, what FIBO read, how it was made, and ComfyUI's own."""

    manifest: dict[str, Any] | None
    """None where none is connected; the files then have no manifest."""
    caption: str
    provenance: dict[str, Any]
    workflow: Mapping[str, Any]
    """ComfyUI's ``prompt`` and ``workflow`` by those names; empty where metadata is switched off."""

    @property
    def seeds(self) -> list[int]:
        """The seed of each picture, as far as they are known."""
        seed = (self.manifest or {}).get("render", {}).get("seed")
        return list(self.provenance.get("seeds") or ([] if seed is None else [seed]))

    def texts(self, picture: int) -> dict[str, str]:
        """As strings under the names that files carry them by; ``picture`` counts from 0."""
        provenance = dict(self.provenance)
        own = {}
        # Pictures of several renders in one batch: which seed made which is not known, so all of them stay.
        if picture < len(provenance.get("seeds") or ()):
            seed = provenance.pop("seeds")[picture]
            provenance = {"seed": seed, **provenance}
            own[SEED_KEY] = str(seed)
        if provenance:
            own[PROVENANCE_KEY] = _dump(provenance)
        return self._of_all | own

    @functools.cached_property
    def _of_all(self) -> dict[str, str]:
        """The texts that every picture has; a workflow can be long, and a sequence too."""
        own = {} if self.manifest is None else {MANIFEST_KEY: _dump(portable(self.manifest))}
        if self.caption:
            own[CAPTION_KEY] = self.caption
        if model := self.provenance.get("model"):
            own[MODEL_KEY] = f"{model} {self.provenance.get('fingerprint', '')}".rstrip()
        # ComfyUI reads its own entries as ASCII-escaped JSON.
        return own | {name: json.dumps(value) for name, value in self.workflow.items()}

    def sidecars(self) -> dict[str, Write]:
        """What stands beside each picture, by the ending of its name."""
        found = {}
        if self.manifest is not None:
            found[".manifest.json"] = text_writer(dumps(portable(self.manifest)))
        if self.caption:
            found[".caption.json"] = text_writer(self.caption + "\n")
        return found


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def json_object(text: str) -> dict[str, Any]:
    """The JSON object in a text of a file; {} where there is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
