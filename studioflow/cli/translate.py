"""The command that makes a shot of words, by rules or by a language model, and lists the models that can be asked."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PathError, StudioFlowError
from ..manifest import dumps, load, portable, save
from ..translate import menus
from .console import DOCUMENT, json_for_stdout, printable

if TYPE_CHECKING:
    from ..translate.translate import Model


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command of this module to the parser's."""
    text = "print the shot that a brief, a picture or a note describes, as a manifest"
    parser = commands.add_parser("translate", help=text, description=text)
    parser.add_argument("words", nargs="?", default="", help="the shot in words, or with --note what to change")
    parser.add_argument("--list", action="store_true", help="list the profiles of language models instead")
    parser.add_argument("--note", action="store_true", help="the words are a note on the shot of --manifest")
    parser.add_argument("--manifest", type=Path, metavar="FILE", help=f"the shot to change: {DOCUMENT}")
    parser.add_argument(
        "--language", choices=menus.LANGUAGES, default=menus.LANGUAGES[0], help="of the words (%(default)s)"
    )
    parser.add_argument("--llm", metavar="PROFILE", help="ask that language model; without it rules read the words")
    picture = "with --llm: a picture that leads the words, or that is described where there are none"
    parser.add_argument("--image", type=Path, metavar="FILE", help=picture)
    parser.add_argument("--style", default=menus.NO_STYLE, help="with --llm: a look that the model is told to write in")
    parser.add_argument("--keep", choices=menus.KEEP, default=menus.KEEP[0], help="with --llm (%(default)s)")
    outside = "with --llm and --note: changes that the note did not ask for (%(default)s)"
    parser.add_argument("--outside", choices=menus.OUTSIDE, default=menus.OUTSIDE[0], help=outside)
    parser.add_argument("--seed", type=int, default=0, help="with --llm (%(default)s)")
    profiles = "profiles of your own (that of the ComfyUI that COMFYUI_DIR names)"
    parser.add_argument("--profiles", type=Path, metavar="FILE", help=profiles)
    parser.add_argument("--report", action="store_true", help="say what was found in which words")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there instead; never over another file")
    parser.set_defaults(run=_translate)


def _translate(options: argparse.Namespace) -> None:
    if options.list:
        _list(options)
        return
    _check(options)
    given = load(options.manifest) if options.manifest else None
    manifest, report, notes = _translated(options, given)
    for line in [*notes, *(report if options.report else [])]:
        print(printable(line), file=sys.stderr)
    if options.out:
        print(save(portable(manifest), options.out))
    else:
        print(json_for_stdout(dumps(portable(manifest))), end="")


def _check(options: argparse.Namespace) -> None:
    if options.note and not options.manifest:
        raise StudioFlowError("a note needs a shot to change", where="--note", fix="name it with --manifest FILE")
    if options.image and options.note:
        raise StudioFlowError("a note goes without a picture", where="--image", fix="leave out --image or --note")
    if options.image and not options.llm:
        raise StudioFlowError(
            "only a language model sees a picture", where="--image", fix="name a profile of `--list` with --llm"
        )
    _check_use(options)
    if not options.words.strip() and not options.image:
        raise StudioFlowError("there is nothing to translate", where="translate", fix="write the shot in words")
    if options.out and options.out.exists():
        raise PathError("there is a file already", where=str(options.out), fix="choose another name")


def _check_use(options: argparse.Namespace) -> None:
    """What would count for nothing is refused: whoever gives it expects something of it."""
    usual = {"style": menus.NO_STYLE, "keep": menus.KEEP[0], "outside": menus.OUTSIDE[0], "seed": 0}
    for name, default in usual.items():
        if getattr(options, name) != default and not options.llm:
            raise StudioFlowError(
                "this counts only where a language model is asked",
                where=f"--{name}",
                fix=f"name a profile of `--list` with --llm, or leave out --{name}",
            )
    if options.language != menus.LANGUAGES[0] and (options.llm or options.note):
        raise StudioFlowError(
            "this counts only where rules alone read a brief",
            where="--language",
            fix="leave out --language: the words tell their language",
        )


def _translated(
    options: argparse.Namespace, given: dict[str, Any] | None
) -> tuple[dict[str, Any], list[str], tuple[str, ...]]:
    """The shot, what was found in which words or what changed, and what must be told."""
    from ..translate.brief import brief_to_manifest
    from ..translate.translate import refine, translate

    model = _model(options) if options.llm else None
    how = {"style": options.style, "keep": options.keep, "seed": options.seed}
    if given and options.note:
        changed = refine(given, options.words, model, outside=options.outside, **how)
        return changed.manifest, changed.diff.splitlines(), changed.notes
    if model is None:
        manifest, read = brief_to_manifest(options.words, given, options.language)
        return manifest, read.report().splitlines(), ()
    task = "generate" if not options.image else "inspire" if options.words.strip() else "describe"
    pictures = [_picture(options.image)] if options.image else []
    found = translate(task, model, options.words, pictures, given, **how)
    return found.manifest, [], found.notes


def _model(options: argparse.Namespace) -> Model:
    from ..translate.profiles import find_profile
    from ..translate.translate import hosted

    return hosted(find_profile(options.llm, _profiles(options)))


def _picture(path: Path) -> Any:
    """A picture file [1, H, W, 3] as a screen shows it."""
    from ..imaging.loaded import load_delivery

    return load_delivery(path, space="sRGB").image


def _list(options: argparse.Namespace) -> None:
    from ..translate.profiles import NO_KEY, find_profile, profile_names, warning_of

    file = _profiles(options)
    for name in profile_names(file):
        try:
            profile = find_profile(name, file)
        except StudioFlowError as error:
            print(printable(f"{name:<15} {error.problem}: {error.found}" if error.found else f"{name:<15} {error}"))
            continue
        place = f"{profile.model} at {profile.base_url}" if profile.base_url else profile.model
        key = {NO_KEY: "needs no key", None: "keys of its own"}.get(profile.key, "has its key")
        print(printable(f"{name:<15} {key}, {place}"))
        if warning := warning_of(profile):
            print(printable(warning), file=sys.stderr)


def _profiles(options: argparse.Namespace) -> Path | None:
    from ..translate.profiles import PROFILES_FILE

    if options.profiles and not options.profiles.is_file():
        raise PathError("no such file", where=str(options.profiles), fix="check the path after --profiles")
    comfyui = os.environ.get("COMFYUI_DIR")
    return options.profiles or (Path(comfyui) / "user" / "__studioflow" / PROFILES_FILE if comfyui else None)
