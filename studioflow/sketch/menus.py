"""What the nodes of the sketch room offer. ComfyUI asks for it when it starts, so nothing is drawn or loaded here."""

from __future__ import annotations

METHODS = ("line_art", "canny", "soft_edge", "scribble", "threshold", "thin", "depth_from_shading")
"""Ways to a control map that need no weights."""
LEARNED = ("hed", "pidinet", "lineart", "lineart_coarse", "lineart_anime", "mlsd", "teed", "depth_anything")
"""Detectors with weights of their own, by their names in detectors.json."""
POLARITIES = ("white_on_black", "black_on_white")
FITS = ("pad", "crop")
"""How a drawing gets another aspect ratio: paper added, or empty paper cut away first."""
RATIOS = ("keep", "1:1", "4:5", "5:4", "3:4", "4:3", "2:3", "3:2", "9:16", "16:9")
"""Width to height of a cleaned drawing."""
ROLES = ("edges", "scribble", "depth", "pose", "monochrome")
"""What a control map is, by the names of caption/guide.json."""
AREAS = ("depth", "monochrome")
"""Those of which the areas count and not the lines."""
