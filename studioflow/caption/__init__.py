"""Manifest -> FIBO caption: deterministic, local, in the dialect that each generation of FIBO was trained on."""

from .compile import Compiled, compile_for, compile_manifest
from .derive import derive
from .dialect import DIALECTS, clean, serialize
from .fields import KEY_ORDER, body, flat, in_trained_order, without
from .owners import fields_owned_by

__all__ = [
    "DIALECTS",
    "KEY_ORDER",
    "Compiled",
    "body",
    "clean",
    "compile_for",
    "compile_manifest",
    "derive",
    "fields_owned_by",
    "flat",
    "in_trained_order",
    "serialize",
    "without",
]
