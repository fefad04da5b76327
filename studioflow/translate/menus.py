"""What the translator's nodes and command offer. ComfyUI asks for it when it starts, so nothing is read here."""

from __future__ import annotations

LANGUAGES = ("auto", "en", "es", "fr", "de", "it", "pt", "ja", "zh")
"""Of a brief; auto is found from its words."""
KEEP = ("numbers", "everything", "nothing")
"""What of the shot a model's text may not replace."""
OUTSIDE = ("report", "put back")
"""What becomes of changes that a note did not ask for."""
PICTURE_TASKS = ("describe", "inspire")
TASKS = ("generate", *PICTURE_TASKS, "refine", "edit")
"""What a model can be asked for."""
MASKED_EDIT = "edit_mask"
RULES_ONLY = "rules only"
"""In place of a profile: no model is asked."""
NO_STYLE = "none"
MAX_SEED = 2**31 - 1
"""The largest that every service takes: Gemini's seed is a signed integer of 32 bits."""
AUTO = "auto"
"""In place of a local model: the first that is there."""
