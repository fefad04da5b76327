"""The commands for sketches: clean one, make a control map of a picture, and measure how well a picture follows one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StudioFlowError
from ..sketch import menus
from .console import print_json, printable, require_writable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STEPS = ("page", "light", "paper", "specks", "strokes", "gaps")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands of this module to the parser's."""
    text = "clean a photo of a drawing, make control maps, measure how well a picture follows a drawing"
    under = commands.add_parser("sketch", help=text, description=text).add_subparsers(required=True, metavar="COMMAND")

    parser = _command(under, "clean", "photos of drawings as clean lines on white paper", _clean)
    parser.add_argument("pictures", type=Path, nargs="+", help="PNG, JPEG, WebP, TIFF or EXR files")
    parser.add_argument("--no-auto", dest="auto", action="store_false", help="do all steps, needed or not")
    for step in _STEPS:
        parser.add_argument(f"--no-{step}", dest=step, action="store_false", help=f"leave out the step {step}")
    parser.add_argument("--line", type=float, default=0.0, metavar="PIXELS", help="width of lines; 0: their own")
    parser.add_argument("--ratio", choices=menus.RATIOS, default=menus.RATIOS[0], help="(%(default)s)")
    parser.add_argument("--fit", choices=menus.FITS, default=menus.FITS[0], help="(%(default)s)")
    _out(parser)

    parser = _command(under, "map", "control maps of pictures, by the methods that need no weights", _map)
    parser.add_argument("pictures", type=Path, nargs="+", help="PNG, JPEG, WebP, TIFF or EXR files")
    parser.add_argument("--method", choices=menus.METHODS, default=menus.METHODS[0], help="(%(default)s)")
    parser.add_argument("--detail", type=float, default=0.5, help="0 to 1 (%(default)s)")
    parser.add_argument("--low", type=float, default=0.0, help="of canny; 0: found from the picture")
    parser.add_argument("--high", type=float, default=0.0, help="of canny; 0: found from the picture")
    parser.add_argument("--line", type=float, default=1.0, metavar="PIXELS", help="width of lines (%(default)s)")
    parser.add_argument("--resolution", type=int, default=0, metavar="PIXELS", help="of the shorter side, 0 as it is")
    parser.add_argument("--polarity", choices=menus.POLARITIES, default=menus.POLARITIES[0], help="(%(default)s)")
    _out(parser)

    parser = _command(under, "compare", "how well pictures follow a control map", _compare)
    parser.add_argument("control_map", type=Path, help="lines, white on black or black on white")
    parser.add_argument("pictures", type=Path, nargs="+", help="renders that shall follow it")
    parser.add_argument("--tolerance", type=float, default=2.0, metavar="PIXELS", help="of the map (%(default)s)")
    parser.add_argument("--out", type=Path, help="a folder for pictures of matched and missed lines")
    parser.add_argument("--json", action="store_true", help="for programs")


def _command(under: Any, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = under.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def _out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("output"), help="a folder (%(default)s)")


def _clean(options: argparse.Namespace) -> None:
    from ..sketch.clean import Cleanup, clean_sketch
    from ..sketch.pictures import checked

    steps = {step: getattr(options, step) for step in _STEPS}
    how = Cleanup(**steps, auto=options.auto, line_px=options.line, ratio=options.ratio, fit=options.fit)
    require_writable(options.out)
    for path in _distinct(options.pictures):
        given = checked(_read(path), str(path))
        cleaned = clean_sketch(given.pictures[0], how)
        _say(path, [*given.notes, *cleaned.notes])
        print(_write(options.out / f"{path.stem}_clean.png", cleaned.image))


def _map(options: argparse.Namespace) -> None:
    from ..sketch.control_map import Settings, control_maps

    settings = Settings(
        options.method,
        options.detail,
        options.low,
        options.high,
        options.line,
        options.resolution,
        options.polarity,
    )
    require_writable(options.out)
    for path in _distinct(options.pictures):
        made = control_maps(_read(path), settings)
        _say(path, made.notes)
        print(_write(options.out / f"{path.stem}_{options.method}.png", made.images[0]))


def _compare(options: argparse.Namespace) -> None:
    from ..sketch.batches import compare_all

    if options.out:
        require_writable(options.out)
    wanted = _read(options.control_map)
    rows = []
    for path in _distinct(options.pictures) if options.out else options.pictures:
        found = compare_all(wanted, _read(path), options.tolerance)
        numbers = {"score": found.scores[0], "precision": found.precision[0], "recall": found.recall[0]}
        rows.append({"picture": str(path)} | {name: round(number, 4) for name, number in numbers.items()})
        if not options.json:
            print(printable(f"{path}: {found.report}"))
        if options.out:
            _write(options.out / f"{path.stem}_compared.png", found.pictures[0])
    if options.json:
        print_json(rows)


def _distinct(pictures: list[Path]) -> list[Path]:
    """The files, whose results must not write over each other: StudioFlowError where two have one name."""
    for number, path in enumerate(pictures):
        same = next((other for other in pictures[:number] if other.stem.casefold() == path.stem.casefold()), None)
        if same:
            raise StudioFlowError(
                "two pictures would be written to one file",
                where=path.stem,
                found=f"{same} and {path}",
                allowed="names that differ before their ending",
                fix="do one at a time, each with an --out of its own",
            )
    return pictures


def _say(path: Path, notes: list[str]) -> None:
    for note in notes:
        print(printable(f"{path}: {note}"), file=sys.stderr)


def _read(path: Path) -> NDArray[np.float32]:
    """A picture file [1, H, W, 4] as a screen shows it, with its alpha."""
    from ..imaging.loaded import load_delivery
    from ..sketch.batches import with_alpha

    loaded = load_delivery(path, space="sRGB")
    return with_alpha(loaded.image, loaded.mask)


def _write(path: Path, picture: NDArray[np.float32]) -> Path:
    """Writes a picture [H, W, 3] of 0..1 as PNG with 8 bits, whole or not at all."""
    from PIL import Image

    from ..files import write_together

    pixels = (picture.clip(0.0, 1.0) * 255.0 + 0.5).astype("uint8")
    write_together([(path, lambda part: Image.fromarray(pixels).save(part, format="PNG"))], replace=True)
    return path
