"""What the nodes of colour offer. ComfyUI asks for it when it starts, so no config is opened here."""

from __future__ import annotations

from ..errors import StudioFlowError
from ..resources import table
from .spaces import plain_spaces

AUTO = "auto"
"""The config that the OCIO variable names, and ACES 2.0 without it."""
ACES_2, ACES_1 = "ACES 2.0", "ACES 1.3"
BUILT_IN = {
    ACES_2: "ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5",
    ACES_1: "ocio://studio-config-v2.2.0_aces-v1.3_ocio-v2.4",
}
"""Configs inside of OpenColorIO, by version: what "latest" means changes with it, and colours would too."""
CONFIGS = (AUTO, *BUILT_IN)
OPERATORS = ("none", "reinhard", "reinhard_extended", "hable", "agx", "aces_1_3", "aces_2_0", "view")
"""Ways of tone mapping."""
HIGHLIGHTS = "highlights"
METHODS = {HIGHLIGHTS: "", "aces_2_0_inverse": "aces_2_0", "aces_1_3_inverse": "aces_1_3"}
"""Ways to expand a range, and the operator of tone mapping that they undo."""
DEFAULT_KNEE, DEFAULT_PEAK_STOPS, MOST_STOPS = 0.7, 3.0, 16.0
OTHER = "Other"
"""The choice that leaves it to a text to name the space."""


def spaces() -> list[str]:
    """Every colour space of the menus: the plain ones, then what else the built-in ACES 2.0 config has, then Other."""
    return [*plain_spaces(), *_config_spaces(), OTHER]


def light_spaces() -> list[str]:
    """The scene-linear and logarithmic ones of them, the plain ones first."""
    plain = [name for name, space in plain_spaces().items() if space.encoding in ("linear", "log")]
    return plain + [name for name, encoding in _config_spaces().items() if encoding in ("linear", "log")]


def plain_of(*encodings: str) -> list[str]:
    """The plain spaces of these encodings."""
    return [name for name, space in plain_spaces().items() if space.encoding in encodings]


def _config_spaces() -> dict[str, str]:
    return dict(table("color/config_spaces.json")["spaces"])


def chosen_space(choice: str, other: str, socket: str) -> str:
    """The space that a menu and the text beside it name together; StudioFlowError where Other is left without one."""
    if choice != OTHER:
        return choice
    if not other.strip():
        raise StudioFlowError(
            "no colour space is named",
            where=socket,
            found="nothing",
            allowed="the name of a space, an alias or a role of the config",
            fix=f"write the name into {socket}, or choose a space from the menu",
        )
    return other.strip()
