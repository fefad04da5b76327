"""From words, pictures and notes to a shot through a language model: one way for nodes and command line.

The rules read the numbers that the words state; the model answers; its answer is checked and mended; its text is laid
on the shot, whose numbers stay. Only an answer that came through all of it is kept for next time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..caption import INSTRUCTION, body, compile_for
from ..caption.instruct import edit_caption
from ..errors import StudioFlowError, require_choice
from .adopt import adopt
from .answer import caption_of
from .brief import read_brief
from .build import built
from .menus import MASKED_EDIT, NO_STYLE, TASKS
from .refine import Refined, refine_request, refined
from .requests import TASKS_WITH_CAPTION, Ask, check_request, mask_bytes, picture_bytes

if TYPE_CHECKING:
    from .instructions import Instructions
    from .local import LocalModel
    from .profiles import Profile
    from .replies import ReplyStore

OnWait = Callable[[int, int], object]
"""Called with what is done of how much while a model is at work; what it raises stops the work."""

_WORDS = (
    *("subjects", "color", "material", "count", "size_m", "location", "clothing"),
    *("background", "mood", "style", "medium", "shot", "grade"),
)
"""What rules find in a brief and a model words better."""


class Said(NamedTuple):
    """A model's answer as it came, what a person should know about how it came, and what keeps it for next time."""

    text: str
    notes: tuple[str, ...] = ()
    keep: Callable[[], object] = lambda: None


Model = Callable[[Ask], Said]
"""Whoever is asked: see ``hosted`` and ``local``."""


class Translated(NamedTuple):
    """A shot, what FIBO reads of it, and what was found, mended and kept on the way.

    Of an edit ``caption`` is its prompt, and ``instruction`` the sentence in it that says what to change.
    """

    manifest: dict[str, Any]
    caption: str
    notes: tuple[str, ...]
    instruction: str = ""

    @property
    def report(self) -> str:
        """The notes, one a line."""
        return "\n".join(self.notes)


def hosted(profile: Profile, replies: ReplyStore | None = None, on_wait: OnWait = lambda done, total: None) -> Model:
    """The model of a profile. Answers that proved usable are kept in ``replies`` and taken from there."""

    def model(request: Ask) -> Said:
        from .ask import ask
        from .profiles import warning_of

        reply = ask(request, profile, replies=replies, progress=on_wait)
        came = "an answer kept from before" if reply.cached else _how(reply.attempts, reply.seconds)
        notes = [f"{profile.name}, {reply.model}: {came}"]
        if reply.cut_off:
            notes.append('the answer ended at the limit of tokens; give the profile more: "max_tokens"')
        if not reply.cached and (warning := warning_of(profile)):
            notes.append(warning)

        def keep() -> None:
            if replies and not reply.cached:
                replies.put(reply.key, reply.text, reply.model, reply.cut_off)

        return Said(reply.text, tuple(notes), keep)

    return model


def local(model: LocalModel, max_tokens: int, temperature: float, on_wait: OnWait = lambda done, total: None) -> Model:
    """Weights on this machine, whose answers are held to the caption's schema while they are written."""

    def ask_it(request: Ask) -> Said:
        from .local import answer_locally

        reply = answer_locally(model, request, max_tokens=max_tokens, temperature=temperature, progress=on_wait)
        notes = [f"{model.name}: {reply.tokens} tokens in {reply.seconds:.1f} s", model.notice]
        if reply.cut_off:
            notes.append("the answer had to be ended at max_tokens: what came late is short")
        return Said(reply.text, tuple(filter(None, notes)))

    return ask_it


def translate(
    task: str,
    model: Model,
    words: str = "",
    pictures: Sequence[Any] = (),
    manifest: dict[str, Any] | None = None,
    *,
    style: str = NO_STYLE,
    keep: str = "numbers",
    seed: int = 0,
) -> Translated:
    """One of TASKS by its name. Raises StudioFlowError where it lacks what it needs, or gets what it cannot use."""
    require_choice("task", task, TASKS)
    if task == "edit":
        return edit(words, model, pictures, manifest, style=style, seed=seed)
    if task == "refine":
        if manifest is None:
            raise StudioFlowError("there is no shot to refine", where="manifest", fix="connect the shot")
        found = refine(manifest, words, model, style=style, keep=keep, seed=seed)
        return _translated(found.manifest, (*found.notes, *found.diff.splitlines()))
    if task == "describe":
        found = describe(model, pictures, manifest, style=style, keep=keep, seed=seed)
        left_out = ("describe takes no words: they were left out",) if words.strip() else ()
        return found._replace(notes=(*found.notes, *left_out))
    # "inspire", or "generate", which takes no picture
    request = Ask(task, prompt=words, pictures=_pngs(pictures), style=_style(style), seed=seed)
    return _of_brief(request, model, manifest, keep=keep)


def generate(
    brief: str,
    model: Model,
    manifest: dict[str, Any] | None = None,
    *,
    style: str = NO_STYLE,
    read_numbers: bool = True,
    keep: str = "numbers",
    seed: int = 0,
) -> Translated:
    """The shot of a brief in any language, laid on ``manifest``. ``keep`` is one of KEEP.

    With ``read_numbers`` rules set in the shot what they find of the brief's numbers, before the model's text comes.
    """
    request = Ask("generate", prompt=brief, style=_style(style), seed=seed)
    return _of_brief(request, model, manifest, read_numbers=read_numbers, keep=keep)


def inspire(
    brief: str,
    model: Model,
    pictures: Sequence[Any],
    manifest: dict[str, Any] | None = None,
    *,
    style: str = NO_STYLE,
    keep: str = "numbers",
    seed: int = 0,
) -> Translated:
    """The same of a brief that a picture leads."""
    request = Ask("inspire", prompt=brief, pictures=_pngs(pictures), style=_style(style), seed=seed)
    return _of_brief(request, model, manifest, keep=keep)


def describe(
    model: Model,
    pictures: Sequence[Any],
    manifest: dict[str, Any] | None = None,
    *,
    style: str = NO_STYLE,
    keep: str = "numbers",
    seed: int = 0,
) -> Translated:
    """The shot that a picture shows, laid on ``manifest``."""
    return _laid_on(manifest, model, Ask("caption", pictures=_pngs(pictures), style=_style(style), seed=seed), keep)


def refine(
    manifest: dict[str, Any],
    note: str,
    model: Model | None = None,
    *,
    style: str = NO_STYLE,
    keep: str = "numbers",
    outside: str = "report",
    seed: int = 0,
) -> Refined:
    """The shot changed as a note asks: by rules, and by a model where there is one. ``outside`` is one of OUTSIDE."""
    if model is None:
        return refined(manifest, note, None, outside=outside, keep=keep)
    caption = refine_request(manifest, note)
    said = model(Ask("refine", prompt=note, caption=caption, style=_style(style), seed=seed))
    found = refined(manifest, note, caption_of(said.text), outside=outside, keep=keep)
    said.keep()
    return found._replace(notes=(*said.notes, *found.notes))


def edit(
    instruction: str,
    model: Model,
    pictures: Sequence[Any],
    manifest: dict[str, Any] | None = None,
    *,
    mask: Any = None,
    style: str = NO_STYLE,
    seed: int = 0,
) -> Translated:
    """The prompt that leads from one to four pictures, or from a masked one, to what an instruction asks for.

    ``manifest`` is the shot of the first picture; its sections stay, and the caption of the finished picture is laid
    over all they say. ``mask`` is [1, H, W] or [H, W], 1 where the picture is to be painted anew.
    """
    pngs, region, notes = _pngs(pictures), *_region(mask)
    if region and len(pngs) > 1:
        raise StudioFlowError(
            "a mask goes with a single picture",
            where="mask",
            found=f"{len(pngs)} pictures",
            allowed="1",
            fix="take the other pictures away, or the mask",
        )
    said = model(
        Ask(
            MASKED_EDIT if region else "edit",
            prompt=instruction,
            pictures=pngs,
            mask=region,
            caption=_caption_of_shot(manifest),
            style=_style(style),
            seed=seed,
        )
    )
    answer = caption_of(said.text, edit=True)
    adopted = adopt(manifest, answer.caption, "nothing")
    found = _translated(adopted.manifest, (*notes, *said.notes, *answer.notes, *adopted.notes))
    written = answer.caption[INSTRUCTION]
    prompt = edit_caption(found.caption, written, images=len(pngs), masked=bool(region))
    said.keep()
    return found._replace(caption=prompt.caption, instruction=written, notes=(*found.notes, *prompt.notices))


def parse_answer(
    text: str, manifest: dict[str, Any] | None = None, *, repair: bool = True, keep: str = "numbers"
) -> Translated:
    """The shot of what any language model wrote, laid on ``manifest``; an edit's caption stays one."""
    answer = caption_of(text, repair=repair, source="text")
    adopted = adopt(manifest, answer.caption, keep)
    return _translated(adopted.manifest, (*answer.notes, *_kept(adopted.kept), *adopted.notes))


def instructions_for(
    task: str, words: str = "", *, style: str = NO_STYLE, manifest: dict[str, Any] | None = None, pictures: int = 1
) -> Instructions:
    """Bria's instructions for one of TASKS, or a masked edit, as a language model's system prompt and prompt.

    ``manifest`` is the shot that refine changes or that an edit's picture shows; other tasks do not begin with one.
    """
    from .instructions import instructions

    require_choice("task", task, (*TASKS, MASKED_EDIT))
    if task == "describe":
        return instructions("caption", style=_style(style))
    caption = _caption_of_shot(manifest) if task in TASKS_WITH_CAPTION else None
    return instructions(task, words, _style(style), caption, pictures)


def _of_brief(
    request: Ask, model: Model, manifest: dict[str, Any] | None, *, read_numbers: bool = True, keep: str
) -> Translated:
    # Before the rules: what is wrong with a request is told the same whether they read it or not.
    check_request(request)
    shot, notes = _with_numbers(manifest, request.prompt) if read_numbers else (manifest, ())
    found = _laid_on(shot, model, request, keep)
    return found._replace(notes=(*notes, *found.notes))


def _laid_on(manifest: dict[str, Any] | None, model: Model, request: Ask, keep: str) -> Translated:
    said = model(request)
    answer = caption_of(said.text)
    # Nobody asked for an edit; an instruction would make one of the shot.
    caption = {key: value for key, value in body(answer.caption).items() if key != INSTRUCTION}
    adopted = adopt(manifest, caption, keep)
    found = _translated(adopted.manifest, (*said.notes, *answer.notes, *_kept(adopted.kept), *adopted.notes))
    said.keep()
    return found


def _translated(manifest: dict[str, Any], notes: tuple[str, ...]) -> Translated:
    compiled, _ = compile_for(manifest)
    return Translated(manifest, compiled.caption, notes)


def _with_numbers(manifest: dict[str, Any] | None, brief: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The shot with the numbers of the brief, and which these are, one a line."""
    read = read_brief(brief)
    numbers = read._replace(found=tuple(item for item in read.found if item.field not in _WORDS), unused=())
    shot = built({item.field: item.value for item in numbers.found}, "", "brief", manifest)
    return shot, tuple(numbers.report().splitlines())


def _pngs(pictures: Sequence[Any]) -> tuple[bytes, ...]:
    """Pictures [H, W, C] and batches of them [B, H, W, C], one by one; an alpha is left out, as FIBO leaves it out."""
    flat = [picture for given in pictures for picture in (given if given.ndim == 4 else [given])]
    names = ["image"] if len(flat) == 1 else [f"image {number}" for number in range(1, len(flat) + 1)]
    return tuple(picture_bytes(picture[..., :3], name) for picture, name in zip(flat, names, strict=True))


def _region(mask: Any) -> tuple[bytes | None, tuple[str, ...]]:
    """The mask to send, if it marks anything: Load Image gives an empty one with every picture without alpha."""
    if mask is None:
        return None, ()
    if not (mask >= 0.5).any():
        return None, ("the mask marks nothing: the edit is of the whole picture",)
    return mask_bytes(mask[0] if mask.ndim == 3 and len(mask) == 1 else mask), ()


def _caption_of_shot(manifest: dict[str, Any] | None) -> dict[str, Any] | None:
    """What FIBO reads of a shot as it is, before a note or an edit changes it."""
    return refine_request(manifest, "") if manifest else None


def _style(name: str) -> str:
    return "" if name == NO_STYLE else name


def _how(attempts: int, seconds: float) -> str:
    return f"answered in {seconds:.1f} s" + (f", at the {attempts}. attempt" if attempts > 1 else "")


def _kept(fields: Sequence[str]) -> tuple[str, ...]:
    return ("kept from the shot: " + ", ".join(fields),) if fields else ()
