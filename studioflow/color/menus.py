"""What the nodes of colour offer. ComfyUI asks for it when it starts, so no config is opened here."""

from __future__ import annotations

from ..errors import StudioFlowError
from ..resources import table
from .ocio import AUTO, BUILT_IN
from .spaces import plain_spaces

CONFIGS = (AUTO, *BUILT_IN)
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
