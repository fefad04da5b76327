"""Manifest -> FIBO caption: deterministic, local, in the dialect that each generation of FIBO was trained on."""

from .compile import Compiled, compile_for, compile_manifest
from .derive import derive
from .dialect import DIALECTS, clean, serialize

__all__ = ["DIALECTS", "Compiled", "clean", "compile_for", "compile_manifest", "derive", "serialize"]
