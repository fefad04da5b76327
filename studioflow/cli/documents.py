"""The commands that read, check, compare and convert documents; none of them renders or needs a server."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..caption import DIALECTS, compile_for
from ..errors import ManifestError, PathError, Place, StudioFlowError
from ..families import Family, families, family
from ..files import text_writer, write_together
from ..manifest import dumps, load, load_with_notes, portable, save
from ..manifest.notes import Imported, Origin
from .console import DOCUMENT, json_for_stdout, print_json, printable

if TYPE_CHECKING:
    from ..review.lint import Finding

_FIX = (
    "mend what has one certain remedy, in the JSON file itself; the file is written anew in StudioFlow's own layout "
    "(order of keys as it was, line breaks and indents not)"
)


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands of this module to the parser's."""

    def command(name: str, run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        parser = commands.add_parser(name, help=text, description=text)
        parser.set_defaults(run=run)
        return parser

    compile_ = command("compile", _compile, "print the caption that FIBO reads")
    compile_.add_argument("manifest", type=Path, help=DOCUMENT)
    compile_.add_argument("--dialect", choices=("auto", *DIALECTS), default="auto", help="(%(default)s)")

    check = command("check", _check, "check documents and print what is wrong with them, line by line")
    check.add_argument("manifests", type=Path, nargs="+", metavar="FILE", help=DOCUMENT)
    check.add_argument("--json", action="store_true", help="print the faults as JSON, for programs")

    lint = command("lint", _lint, "look for contradictions and weak spots in manifests")
    lint.add_argument("manifests", type=Path, nargs="+", metavar="FILE", help=DOCUMENT)
    lint.add_argument("--fix", action="store_true", help=_FIX)
    lint.add_argument("--suggestions", action="store_true", help="with --fix: take every suggested remedy too")
    lint.add_argument("--json", action="store_true", help="print the findings as JSON, for programs")
    lint.add_argument("--model", choices=tuple(families()), help="the model that will render; some rules depend on it")

    score = command("score", _score, "print how much of what FIBO reads a manifest says, and what to add next")
    score.add_argument("manifests", type=Path, nargs="+", metavar="FILE", help=DOCUMENT)
    score.add_argument("--json", action="store_true", help="print score, filled fields and gaps as JSON")

    diff = command("diff", _diff, "print what differs between two shots and in what FIBO reads")
    diff.add_argument("before", type=Path, help=DOCUMENT)
    diff.add_argument("after", type=Path, help="the newer one")
    form = diff.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all of it as JSON")
    form.add_argument("--patch", action="store_true", help="print a JSON Patch (RFC 6902) from before to after")
    form.add_argument("--html", type=Path, metavar="FILE", help="write the two side by side as a page of HTML")
    diff.add_argument("--dialect", choices=DIALECTS, default=DIALECTS[0], help="(%(default)s)")
    diff.add_argument("--exit-code", action="store_true", help="exit with 1 where the two differ")

    convert = command("convert", _convert, "print any known document as a manifest, and say what became of it")
    convert.add_argument("document", type=Path, help=f"{DOCUMENT}, or a manifest of the earlier StudioFlow app")
    convert.add_argument("--out", type=Path, metavar="FILE", help="write it there instead; never over another file")


def _compile(options: argparse.Namespace) -> None:
    compiled, _ = compile_for(load(options.manifest), options.dialect)
    print(json_for_stdout(compiled.caption))


# ---------------------------------------------------------------- check


def _check(options: argparse.Namespace) -> int:
    faults, notes = [], []
    for path in options.manifests:
        try:
            notes += [(path, note) for note in load_with_notes(path).notes]
        except StudioFlowError as error:
            faults += [(path, fault) for fault in getattr(error, "faults", ()) or (error,)]
    if options.json:
        print_json([_fault_as_data(path, fault) for path, fault in faults])
    else:
        for _, fault in faults:
            print(printable(str(fault)))
    for path, note in notes:
        print(printable(f"{path}: {note}"), file=sys.stderr)
    print(f"{len(options.manifests)} checked, faults: {len(faults)}", file=sys.stderr)
    return 1 if faults else 0


def _fault_as_data(path: Path, fault: StudioFlowError) -> dict[str, str | int | None]:
    place = fault.place or Place(str(path))
    return {
        "file": str(path),
        "line": place.line,
        "column": place.column,
        "pointer": place.pointer or None,
        "problem": fault.problem,
        "found": fault.found,
        "allowed": fault.allowed,
        "do": fault.fix or None,
    }


# ---------------------------------------------------------------- lint and score


def _lint(options: argparse.Namespace) -> int:
    model = family(options.model) if options.model else None
    told: list[dict[str, Any]] = []
    mended = unreadable = 0
    for path in options.manifests:
        try:
            imported, found, applied = _linted(path, model, mend=options.fix, suggestions=options.suggestions)
        except StudioFlowError as error:
            print(f"error: {printable(str(error))}", file=sys.stderr)
            unreadable += 1
            continue
        mended += len(applied)
        for finding in applied:
            print(printable(f"{path} mended {finding.pointer}: {finding.problem} [{finding.rule}]"), file=sys.stderr)
        lines = imported.places([finding.pointer for finding in found])
        for finding in found:
            line, column = lines.get(finding.pointer, (None, None))
            told.append({"file": str(path), "line": line, "column": column, **dataclasses.asdict(finding)})
            if not options.json:
                print(printable(f"{path}:{line}:{column} {finding}" if line else f"{path} {finding}"))
    if options.json:
        print_json(told)
    kinds = [one["severity"] for one in told]
    counts = ", ".join(f"{kind}s: {kinds.count(kind)}" for kind in ("error", "warning"))
    fixed = f", mended: {mended}" if options.fix else ""
    read = len(options.manifests) - unreadable
    unread = f", not read: {unreadable}" if unreadable else ""
    print(f"{read} linted, {counts}, info: {kinds.count('info')}{fixed}{unread}", file=sys.stderr)
    return 1 if unreadable or set(kinds) - {"info"} else 0


def _linted(
    path: Path, model: Family | None, *, mend: bool, suggestions: bool
) -> tuple[Imported, list[Finding], list[Finding]]:
    """The document of a file, what lint finds in it, and before that what it mended there."""
    from ..review.lint import fix, lint

    imported, applied = load_with_notes(path), []
    if mend:
        manifest, applied = fix(_in_its_own_file(path, imported), model, suggestions=suggestions)
        if applied:
            save(manifest, path, replace=True)
            imported = Imported(manifest, origin=Origin(dumps(manifest)))
    return imported, lint(imported.manifest, model), applied


def _in_its_own_file(path: Path, imported: Imported) -> dict[str, Any]:
    """The manifest where the file is that manifest and nothing else, so that it can be written again."""
    manifest, origin = imported.manifest, imported.origin
    try:
        same = origin is not None and not origin.within and json.loads(origin.text) == manifest
    except ValueError:
        same = False
    if not same:
        raise ManifestError(
            "this file cannot be mended in place",
            where=str(path),
            found="a picture, a bare caption, an answer or a manifest of an older format",
            allowed="a manifest as a JSON file",
            fix=f"make one of it first: studioflow convert {path} --out FILE",
        )
    return manifest


def _score(options: argparse.Namespace) -> int:
    from ..review.completeness import completeness

    found = {}
    for path in options.manifests:
        try:
            found[str(path)] = completeness(load(path))
        except StudioFlowError as error:
            print(f"error: {printable(str(error))}", file=sys.stderr)
    unreadable = len(found) < len({str(path) for path in options.manifests})
    if options.json:
        print_json({path: dataclasses.asdict(one) for path, one in found.items()})
        return 1 if unreadable else 0
    for path, one in found.items():
        print(printable(f"{path}: {one.text()}"))
    return 1 if unreadable else 0


# ---------------------------------------------------------------- diff and convert


def _diff(options: argparse.Namespace) -> int:
    from ..review.compare import compare

    if options.html:
        _require_page(options.html, (options.before, options.after))
    found = compare(load(options.before), load(options.after), options.dialect)
    if options.html:
        title = f"{options.before.name} → {options.after.name}"
        print(write_together([(options.html, text_writer(found.html(title)))], replace=True)[0])
    elif options.json:
        print_json(found.as_data())
    elif options.patch:
        print_json(found.patch)
    else:
        print(printable(found.text()))
    return 1 if options.exit_code and found.changes else 0


def _require_page(path: Path, inputs: tuple[Path, ...]) -> None:
    """Raises PathError where a page written to that path would replace anything but an older page."""
    where = path.resolve()
    if where in [one.resolve() for one in inputs]:
        raise PathError("the page would replace a shot", where=str(path), fix="choose another name for --html")
    if where.exists() and where.suffix.casefold() not in (".html", ".htm"):
        raise PathError(
            "there is a file already",
            where=str(path),
            found="a file that is no page of HTML by its name",
            allowed="a new name, or an older .html or .htm file",
            fix="choose another name for --html",
        )


def _convert(options: argparse.Namespace) -> None:
    if options.out and options.out.exists():
        raise PathError("there is a file already", where=str(options.out), fix="choose another name")
    imported = load_with_notes(options.document)
    for note in imported.notes:
        print(printable(str(note)), file=sys.stderr)
    if options.out:
        print(save(portable(imported.manifest), options.out))
    else:
        print(json_for_stdout(dumps(portable(imported.manifest))), end="")
