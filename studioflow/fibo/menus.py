"""What nodes offer to choose from, apart from all that the choices do: ComfyUI reads this when it starts."""

from __future__ import annotations

MAX_SEED = 2**64 - 1
DTYPES = ("auto", "bfloat16", "float16", "float32")
QUANTIZATIONS = ("none", "int8", "fp8", "nf4")
ATTENTION = ("auto", "native", "flash", "sage", "xformers", "cudnn")
