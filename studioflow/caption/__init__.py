"""Manifest -> FIBO caption: deterministic, local, in the dialect that each generation of FIBO was trained on."""

from .compile import Compiled, compile_for, compile_manifest
from .derive import derive
from .dialect import DIALECTS, clean, serialize
from .fields import INSTRUCTION, KEY_ORDER, WRAPPED, body, flat, in_trained_order, with_body, without
from .owners import fields_owned_by

__all__ = [
    "DIALECTS",
    "INSTRUCTION",
    "KEY_ORDER",
    "WRAPPED",
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
    "with_body",
    "without",
]
