"""What is asked of a language model: a task, words, pictures. Checked here, before any model is woken."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import StudioFlowError, require_choice
from ..fibo.cache import digest
from .guidance import style_guidance

if TYPE_CHECKING:
    import numpy as np

    from .profiles import Profile

_TASKS = {
    "generate": ("Generate", 0, 0),
    "inspire": ("Inspire", 1, 1),
    "caption": ("Caption", 1, 1),
    "refine": ("Refine", 0, 0),
    "edit": ("EditImages", 1, 4),
    "edit_mask": ("EditImageWithMask", 1, 1),
}
"""Each task with bria-vgl's payload for it, and how many pictures it takes, least and most."""
IN_ENGLISH = (
    "The request may be in any language. Write every value in English, except the exact text that is to be readable "
    "in the image."
)
"""For the end of the system prompt: bria-vgl's own says nothing of languages, and FIBO was trained on English."""

_MOST_CHARACTERS = 20_000
_MOST_PIXELS = 1 << 20
_LEAST_SIDE = 16
_MOST_RATIO = 100
_STYLED = ("generate", "inspire", "caption", "refine")
TASKS_WITH_CAPTION = ("refine", "edit", "edit_mask")
"""Those that begin with the caption of a shot."""


class Ask(NamedTuple):
    """One question to a language model; the same question has the same ``reply_key``."""

    task: str
    """generate: a new caption; inspire: a new one, after a picture; caption: what a picture shows; refine: a caption
    changed; edit and edit_mask: what becomes of pictures."""
    prompt: str = ""
    pictures: tuple[bytes, ...] = ()
    """As ``picture_bytes`` makes them; an edit's prompt calls them <image_1> to <image_4>."""
    mask: bytes | None = None
    """As ``mask_bytes`` makes it, of the picture's size: white is what changes."""
    caption: dict[str, Any] | None = None
    """What is refined, or what an edit's first picture was rendered from."""
    style: str = ""
    """A key of styles.json."""
    seed: int = 0


def payload_name(task: str) -> str:
    """The name of bria-vgl's payload for a task."""
    return _TASKS[task][0]


def check_request(request: Ask) -> None:
    """Raises StudioFlowError where the parts of a request do not go together."""
    task = request.task
    require_choice("task", task, _TASKS)
    _, least, most = _TASKS[task]
    if not least <= len(request.pictures) <= most:
        raise StudioFlowError(
            "not the number of pictures for this task",
            where=f"pictures of {'describe' if task == 'caption' else task}",
            found=str(len(request.pictures)),
            allowed=f"{least}" if least == most else f"{least} to {most}",
            fix="connect a picture"
            if len(request.pictures) < least
            else "take the others away; a batch counts as several",
        )
    check_words(task, request.prompt, request.style, request.caption)
    if (request.mask is not None) != (task == "edit_mask"):
        found = "none" if request.mask is None else "a mask"
        raise StudioFlowError("a masked edit takes a mask, and nothing else does", where=f"mask of {task}", found=found)
    if request.mask is not None and _size(request.mask) != _size(request.pictures[0]):
        raise StudioFlowError(
            "the mask must be as large as the picture",
            where="mask",
            found="{} × {} pixels".format(*_size(request.mask)),
            allowed="{} × {}".format(*_size(request.pictures[0])),
        )


def check_words(task: str, prompt: str, style: str, caption: dict[str, Any] | None) -> None:
    """Raises StudioFlowError where a task lacks words or a caption, or gets words, a style or a caption too many."""
    require_choice("task", task, _TASKS)
    words = prompt.strip()
    if task == "caption" and words:
        raise StudioFlowError("describing a picture takes no words", where="prompt", found=f"{words[:40]!r}")
    if task != "caption" and not words:
        raise StudioFlowError("there is nothing to ask", where="prompt", found="an empty text", fix="write what to do")
    if not words.isprintable() and any("\ud800" <= character <= "\udfff" for character in words):
        raise StudioFlowError(
            "the text holds halves of characters, which no service takes", where="prompt", fix="type the text again"
        )
    if len(words) > _MOST_CHARACTERS:
        raise StudioFlowError(
            "the text is too long",
            where="prompt",
            found=f"{len(words):,} characters",
            allowed=f"at most {_MOST_CHARACTERS:,} characters",
        )
    if task == "refine" and not caption:
        raise StudioFlowError("there is no caption to refine", where="caption", fix="connect the shot to change")
    if caption is not None and task not in TASKS_WITH_CAPTION:
        raise StudioFlowError("this task takes no caption", where=f"caption of {task}")
    if style and task not in _STYLED:
        raise StudioFlowError(
            "an edit takes no style: bria-vgl gives styles to new captions only",
            where="style",
            fix="say the look in the instruction",
        )


def picture_bytes(picture: Any, where: str = "image") -> bytes:
    """A picture [H, W, 3], sRGB-encoded floats in 0..1 (array or tensor), as PNG of at most about a megapixel.

    Values outside 0..1 are clipped. The same picture gives the same bytes. Raises StudioFlowError: another shape,
    values that are no numbers, too small or too narrow.
    """
    values = _values(picture, where)
    if values.ndim != 3 or values.shape[2] != 3:
        raise _wrong_shape(values, where, "height × width × 3, one picture in RGB")
    return _png(values, "RGB", where)


def mask_bytes(mask: Any, where: str = "mask") -> bytes:
    """A mask [H, W], floats in 0..1 where 1 is what changes, as PNG, reduced as ``picture_bytes`` reduces a picture.

    From 0.5 on a pixel counts as marked. Raises StudioFlowError as ``picture_bytes`` does, and where nothing is marked.
    """
    values = _values(mask, where)
    if values.ndim != 2:
        raise _wrong_shape(values, where, "height × width, one mask")
    if not (values >= 0.5).any():
        raise StudioFlowError("nothing is marked", where=where, fix="paint over what is to change")
    return _png(values, "L", where)


def reply_key(request: Ask, profile: Profile) -> str:
    """The name of this question's answer in a ReplyStore, 64 hex digits; "" where it can have none.

    Nothing secret is part of it. With openai/auto it is the server that knows the model, so nothing can be told apart.
    """
    from .profiles import FIRST_OF_SERVER

    if profile.model == FIRST_OF_SERVER:
        return ""
    asked = request._replace(style=style_guidance(request.style))
    model = (profile.model, profile.base_url, profile.temperature, profile.max_tokens)
    return digest("language model", _vgl_version(), IN_ENGLISH, model, tuple(asked))


def _vgl_version() -> str:
    """Its prompts change with it."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("bria-vgl")
    except PackageNotFoundError:
        return ""


def _values(picture: Any, where: str) -> np.ndarray:
    import numpy as np

    if hasattr(picture, "detach"):
        picture = picture.detach().cpu().float().numpy()
    values = np.asarray(picture)
    if values.dtype.kind != "f":
        raise StudioFlowError(
            "not the values of a picture", where=where, found=str(values.dtype), allowed="floats in 0 to 1"
        )
    if not np.isfinite(values).all():
        raise StudioFlowError("the picture holds values that are no numbers", where=where, found="NaN or infinity")
    return values


def _png(values: np.ndarray, mode: str, where: str) -> bytes:
    import numpy as np
    from PIL import Image

    height, width = values.shape[:2]
    if min(height, width) < _LEAST_SIDE or max(height, width) > _MOST_RATIO * min(height, width):
        raise StudioFlowError(
            "a language model sees nothing in a picture of this size",
            where=where,
            found=f"{width} × {height} pixels",
            allowed=f"sides of {_LEAST_SIDE} pixels or more, the longer at most {_MOST_RATIO} times the shorter",
        )
    picture = Image.fromarray(np.round(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8), mode)
    shrink = (_MOST_PIXELS / (width * height)) ** 0.5
    if shrink < 1:
        size = (max(round(width * shrink), 1), max(round(height * shrink), 1))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    if mode == "L":
        picture = picture.point(lambda value: 255 if value >= 128 else 0)
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _size(png: bytes) -> tuple[int, int]:
    from PIL import Image

    with Image.open(io.BytesIO(png)) as picture:
        return picture.size


def _wrong_shape(values: np.ndarray, where: str, allowed: str) -> StudioFlowError:
    found = " × ".join(map(str, values.shape)) or "one number"
    return StudioFlowError("not the shape of a picture", where=where, found=found, allowed=allowed)
