"""How each generation of FIBO wants its caption written down.

FIBO 1.x: only the ten trained keys in their order, both scores "very high", compact ASCII JSON, as Bria's
reference code prepares it. FIBO 2: scores dropped, unknown keys kept, compact UTF-8 JSON, as the pipeline in
diffusers and ComfyUI's own node clean it. An edit's instruction comes last in both; FIBO 2 also takes the caption
wrapped beside it, and FIBO 1.x only flat.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from ..errors import StudioFlowError, did_you_mean
from ..families import DIALECTS
from .fields import INSTRUCTION, KEY_ORDER, WRAPPED, body

_TEXT_ONLY = {"short_description", "text_render"}
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")|e-0')
_ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|.)")
_SCORES = ("preference_score", "aesthetic_score")


def serialize(caption: dict[str, Any], dialect: str) -> str:
    """The prompt string of a caption in a dialect of DIALECTS; the same bytes on every machine."""
    if dialect not in DIALECTS:
        raise unknown_dialect(dialect, DIALECTS)
    if dialect == "fibo-1":
        return _dump(_for_fibo_1(caption), ascii_only=True)
    return _dump(_for_fibo_2(caption), ascii_only=False)


def unknown_dialect(dialect: str, allowed: tuple[str, ...]) -> StudioFlowError:
    """The error for a dialect that is none of the allowed ones."""
    return StudioFlowError(
        "no such caption dialect",
        where="dialect",
        found=f'"{dialect}"',
        allowed=", ".join(allowed),
        fix=did_you_mean(dialect, allowed),
    )


def clean(value: Any) -> Any:
    """The value without its empty parts (null, "", {}, [], NaN), all the way down."""
    if isinstance(value, dict):
        cleaned = {key: clean(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if not _empty(item)}
    if isinstance(value, list):
        return [item for item in map(clean, value) if not _empty(item)]
    return value


def _for_fibo_1(caption: dict[str, Any]) -> dict[str, Any]:
    inner = body(caption)
    cleaned = clean({key: inner[key] for key in KEY_ORDER if key in inner})
    aesthetics = cleaned.get("aesthetics", {})
    if not isinstance(aesthetics, dict):
        raise StudioFlowError(
            "aesthetics must be an object for FIBO 1.x, which writes its scores there",
            where="/caption/aesthetics",
            found=json.dumps(aesthetics, ensure_ascii=False)[:80],
            allowed='an object such as {"composition": "centered"}',
        )
    # The reference code fills a missing section in last, behind all other keys.
    cleaned["aesthetics"] = aesthetics | dict.fromkeys(_SCORES, "very high")
    if caption.get(INSTRUCTION):
        # FIBO Edit takes the instruction as one more key behind the caption's.
        cleaned[INSTRUCTION] = caption[INSTRUCTION]
    return cleaned


def _for_fibo_2(caption: dict[str, Any]) -> dict[str, Any]:
    instruction = {INSTRUCTION: caption[INSTRUCTION]} if caption.get(INSTRUCTION) else {}
    wrapped = caption.get(WRAPPED)
    if isinstance(wrapped, dict) and body(caption) is wrapped:
        picture = _picture_for_fibo_2(wrapped)
        return ({WRAPPED: picture} if picture else {}) | instruction
    if wrapped:
        return {WRAPPED: wrapped} | instruction
    return _picture_for_fibo_2({key: value for key, value in caption.items() if key != INSTRUCTION}) | instruction


def _picture_for_fibo_2(caption: dict[str, Any]) -> dict[str, Any]:
    unscored = {
        key: {name: item for name, item in value.items() if name not in _SCORES} if isinstance(value, dict) else value
        for key, value in clean(caption).items()
        if key not in _SCORES
    }
    kept = {key: value for key, value in unscored.items() if value != {}}
    # Exactly these two keys mean "this text and no other": the empty list says that there is no text at all. The
    # pipeline cleans our text once more, so the rule also holds where only cleaning leaves these two.
    if _TEXT_ONLY in (set(caption), kept.keys()):
        return {
            "short_description": kept.get("short_description") or "",
            "text_render": kept.get("text_render") or [],
        }
    return kept


def _empty(value: Any) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, (str, dict, list)) and not value)


def _dump(caption: dict[str, Any], *, ascii_only: bool) -> str:
    text = json.dumps(caption, separators=(",", ":"), ensure_ascii=ascii_only)
    if ascii_only and ("e-0" in text or "\\u007f" in text):
        text = _TOKEN.sub(_as_ujson_does, text)
    return text


def _as_ujson_does(token: re.Match[str]) -> str:
    """Two things that ujson, which wrote FIBO 1.x's captions, writes otherwise than Python: 1e-7, and DEL as it is."""
    if not token[1]:
        return "e-"
    return _ESCAPE.sub(lambda escape: "\x7f" if escape[0] == "\\u007f" else escape[0], token[1])
