"""The choices that no table holds, apart from the code behind them: a menu is shown long before its node runs."""

from __future__ import annotations

MOVES = ("turntable", "dolly", "crane", "pedestal", "zoom", "dolly_zoom", "arc")
EASINGS = ("linear", "ease_in", "ease_out", "ease_in_out")
LIGHTS_ON_THE_WAY = ("as they are", "stay", "travel")
MAX_FRAMES = 240
FOCUS_ACTIONS = ("nothing", "focus at hyperfocal", "aperture for subject")
LIGHT_ACTIONS = ("replace", "add")
"""What becomes of the lights that have the new one's role."""
FRAMES = ("camera", "world")
"""Whether lights travel with the camera or stay in the world."""
NEGATIVE_MODES = ("none", "auto", "auto + mine")
"""No negative; what would contradict the shot; that and words of one's own."""
FROM_PLACE = "date and place"
"""The sun of a place at a time, instead of a time of day by its name."""
