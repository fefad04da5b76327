"""colour-science, whose figures ours are compared with: ``from .colour_reference import colour``.

Where there is no matplotlib it leaves something in its place that has no ``__spec__``, and diffusers, imported later in
the same process, fails over that.
"""

from __future__ import annotations

import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour

for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
    if not hasattr(sys.modules[name], "__spec__"):
        del sys.modules[name]

__all__ = ["colour"]
