"""The compiler: one manifest in, one caption and one negative out."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import ManifestError
from ..families import DEFAULT, Family
from ..families import family as family_of_id
from ..manifest import RenderSettings, render_settings
from .derive import derive
from .dialect import DIALECTS, serialize, unknown_dialect
from .fields import SECTIONS, body, flat, gives, in_trained_order, with_body, without
from .negative import merged_negative


class Compiled(NamedTuple):
    """What FIBO reads: two prompt strings (the negative may be empty), and the caption they were written from."""

    caption: str
    negative: str
    fields: dict[str, Any]


def compile_manifest(manifest: dict[str, Any], dialect: str) -> Compiled:
    """The caption of a validated manifest in a dialect ("fibo-1" or "fibo-2").

    Raw ``caption`` fields win over derived ones: field by field inside lighting, aesthetics and
    photographic_characteristics, whole for every other key; null is no field. A manifest with nothing but
    ``caption`` keeps that caption's own key order; everything else comes in the order FIBO was trained on.
    """
    raw = manifest.get("caption", {})
    derived = derive(manifest)
    fields = with_body(raw, in_trained_order(_override(derived, raw))) if derived else dict(raw)
    return Compiled(
        caption=serialize(fields, dialect),
        negative=_negative(merged_negative(manifest), dialect),
        fields=fields,
    )


def compile_for(
    manifest: dict[str, Any], dialect: str = "auto", family: Family | None = None
) -> tuple[Compiled, RenderSettings]:
    """Caption and render settings for the model that will render.

    That model is ``family`` where it is known, else the manifest's ``render.model``, else FIBO 2; its dialect
    counts unless one is named. Raises ManifestError where the manifest, or the named dialect, is meant for another
    generation than ``family``.
    """
    if dialect not in ("auto", *DIALECTS):
        raise unknown_dialect(dialect, ("auto", *DIALECTS))
    meant = manifest.get("render", {}).get("model")
    target = family or family_of_id(meant or DEFAULT)
    if family and meant and family_of_id(meant).dialect != family.dialect:
        raise ManifestError(
            "the manifest is meant for another model than the loaded one",
            where="/render/model",
            found=f'"{meant}", while {family.title} is loaded',
            allowed="a model of the same generation",
            fix="load the model that the manifest names, or take render.model out of it",
        )
    if family and dialect not in ("auto", family.dialect):
        raise ManifestError(
            "the dialect does not fit the loaded model",
            where="dialect",
            found=f'"{dialect}", while {family.title} is loaded',
            allowed=f"auto, {family.dialect}",
            fix="choose auto",
        )
    chosen = target.dialect if dialect == "auto" else dialect
    return compile_manifest(manifest, chosen), render_settings(manifest, target)


def _override(derived: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """The raw caption's body with the derived fields that it does not give."""
    open_fields = without(derived, [field for field in flat(derived) if gives(raw, field)])
    merged = {key: value for key, value in body(raw).items() if value is not None or key not in open_fields}
    for key, value in open_fields.items():
        merged[key] = value | merged[key] if key in SECTIONS and isinstance(merged.get(key), dict) else value
    return merged


def _negative(negative: str | dict[str, Any], dialect: str) -> str:
    """A structured negative is serialised like a caption but never scored: it says what a bad picture is."""
    if isinstance(negative, str):
        return negative
    if dialect == "fibo-1":
        # Bria's reference code passes Python's repr of the dictionary; JSON is what its captions are written in.
        return serialize(negative, "fibo-2")
    return serialize(negative, dialect)
