"""What the nodes of the sketch room offer. ComfyUI asks for it when it starts, so nothing is drawn or loaded here."""

from __future__ import annotations

METHODS = ("line_art", "canny", "soft_edge", "scribble", "threshold", "thin", "depth_from_shading")
"""Ways to a control map that need no weights."""
LEARNED = ("hed", "pidinet", "lineart", "lineart_anime", "mlsd", "teed", "depth_midas")
"""Detectors with weights of their own, by their names in detectors.json."""
POLARITIES = ("white_on_black", "black_on_white")
FITS = ("pad", "crop")
"""How a drawing gets another aspect ratio: paper added, or empty paper cut away first."""
