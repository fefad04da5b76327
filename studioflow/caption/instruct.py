"""An edit's caption: what the finished picture shows, and the one sentence that says what to change."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from ..errors import StudioFlowError
from .fields import INSTRUCTION, WRAPPED

MAX_IMAGES = 4
"""The most pictures that one edit of FIBO takes across its release."""

_IMAGE = re.compile(r"<image_(\d+)>")


class EditCaption(NamedTuple):
    """The prompt of an edit, and what FIBO was trained to find in an instruction and does not find in this one."""

    caption: str
    notices: list[str]


def edit_caption(caption: str, instruction: str, *, images: int = 1, masked: bool = False) -> EditCaption:
    """The caption with the instruction as its last key ``edit_instruction``, in either dialect.

    ``caption`` is what Compile Caption writes, plain words, or empty for the instruction alone; an instruction it
    already has gives way. ``images`` is the number of pictures, 1 to MAX_IMAGES, named ``<image_1>`` and so on in the
    instruction. Raises StudioFlowError for an empty instruction, and for one that names a picture that is not there.
    """
    instruction = instruction.strip()
    if not instruction:
        raise StudioFlowError(
            "the edit instruction is empty",
            where="instruction",
            allowed="one sentence in the imperative",
            fix='say what to change, for example "Replace the background with a snowy forest"',
        )
    named = pictures_named(instruction)
    beyond = [number for number in named if not 1 <= number <= images]
    if beyond:
        raise StudioFlowError(
            "the instruction names a picture that is not there",
            where="instruction",
            found=f"<image_{beyond[0]}>",
            allowed=", ".join(f"<image_{number}>" for number in range(1, images + 1)),
            fix="connect that picture and count it in images, or change the number",
        )
    return EditCaption(_joined(caption, instruction), _notices(instruction, named, images, masked))


def without_instruction(caption: str) -> str:
    """The caption of the finished picture inside that of an edit, as ``edit_caption`` was given it; empty for none."""
    try:
        parsed = json.loads(caption)
    except ValueError:
        return caption
    if not isinstance(parsed, dict) or INSTRUCTION not in parsed:
        return caption
    rest = {key: value for key, value in parsed.items() if key != INSTRUCTION}
    inner = rest[WRAPPED] if rest.keys() == {WRAPPED} else rest
    if isinstance(inner, str):
        return inner.strip()
    return json.dumps(inner, separators=(",", ":"), ensure_ascii=caption.isascii()) if inner else ""


def pictures_named(instruction: str) -> list[int]:
    """The numbers of the pictures that an instruction names, ``<image_1>`` and so on, in its order."""
    return [int(number) for number in _IMAGE.findall(instruction)]


def _joined(caption: str, instruction: str) -> str:
    # Non-ASCII characters stay as the caption's dialect writes them.
    last = json.dumps({INSTRUCTION: instruction}, separators=(",", ":"), ensure_ascii=caption.isascii())
    if not caption.strip():
        return last
    try:
        parsed = json.loads(caption)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        both = {WRAPPED: caption.strip(), INSTRUCTION: instruction}
        return json.dumps(both, separators=(",", ":"), ensure_ascii=False)
    if INSTRUCTION in parsed:
        del parsed[INSTRUCTION]
        caption = json.dumps(parsed, separators=(",", ":"), ensure_ascii=caption.isascii())
    # Spliced and not written anew: the caption's bytes stay those that Compile Caption wrote.
    head = caption.strip()[:-1].rstrip()
    return head + ("," if parsed else "") + last[1:]


def _notices(instruction: str, named: list[int], images: int, masked: bool) -> list[str]:
    notices = []
    if images > 1:
        wrong = [number for number in range(1, images + 1) if named.count(number) != 1]
        if wrong:
            listed = ", ".join(f"<image_{number}>" for number in wrong)
            notices.append(f"FIBO expects the instruction to name each picture once: {listed}")
    if masked and "mask" not in instruction.casefold():
        notices.append('FIBO expects an instruction for a masked picture to speak of the "masked region"')
    return notices
