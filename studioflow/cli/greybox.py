"""The command that renders a shot with stand-in shapes, without weights and without a server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PathError
from ..manifest import load
from .console import DOCUMENT, printable, require_writable

if TYPE_CHECKING:
    from ..greybox.greybox import Greybox
    from ..imaging.sheet import Layer

_LONGEST_SIDE = 768


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command of this module to the parser's."""
    text = "render a shot with stand-in shapes and its exact camera, light and depth; needs Mitsuba 3, no weights"
    parser = commands.add_parser("greybox", help=text, description=text)
    parser.add_argument("manifest", type=Path, help=DOCUMENT)
    parser.add_argument("--out", type=Path, default=Path("output"), help="a folder (%(default)s)")
    parser.add_argument("--quality", choices=("draft", "preview", "final"), default="preview", help="(%(default)s)")
    size = "pixels of the longer side, 0 for the shot's own size (%(default)s)"
    parser.add_argument("--size", type=int, default=_LONGEST_SIDE, metavar="PIXELS", help=size)
    parser.add_argument("--seed", type=int, default=0, help="of the noise (%(default)s)")
    parser.add_argument("--no-denoise", action="store_true", help="leave the noise in")
    parser.add_argument("--maps", action="store_true", help="also write depth, normals, lines and masks as PNG files")
    parser.set_defaults(run=_greybox)


def _greybox(options: argparse.Namespace) -> None:
    from ..greybox.greybox import Settings, render_greybox
    from ..greybox.size import greybox_size

    manifest = load(options.manifest)
    require_writable(options.out)
    width, height = greybox_size(manifest, options.size)
    settings = Settings(width, height, options.quality, options.seed, denoise=not options.no_denoise)
    with _bar() as show:
        made = render_greybox(manifest, settings, _finder(options.manifest), show)
    for note in made.notes:
        print(printable(f"- {note}"), file=sys.stderr)
    print(f"{width} × {height}, {options.quality}, {made.variant}, {made.seconds:.1f} s", file=sys.stderr)
    for path in _written(made, manifest, options):
        print(path)


def _bar() -> Any:
    """A progress bar on the terminal, as a context that gives what the render tells its progress to."""
    from contextlib import contextmanager

    @contextmanager
    def shown() -> Any:
        from tqdm import tqdm

        with tqdm(total=1.0, disable=not sys.stderr.isatty(), leave=False, bar_format="{l_bar}{bar}") as bar:

            def tell(done: int, total: int, _picture: Callable[[], Any]) -> None:
                bar.update(done / total - bar.n)

            yield tell

    return shown()


def _finder(manifest: Path) -> Callable[[str, str], Path]:
    """Finds the files that a manifest names: beside it, in the folder where the command runs, or in the samples."""
    from ..resources import shipped

    places = [manifest.resolve().parent, Path.cwd(), shipped("samples")]

    def find(kind: str, name: str) -> Path:
        for place in places:
            # A menu's name begins with its shelf, such as input/; here the folder stands for it.
            for part in (name, name.partition("/")[2]):
                path = (place / part).resolve()
                if part and path.is_file() and path.is_relative_to(place.resolve()):
                    return path
        raise PathError(
            f"there is no such {kind}",
            where=str(manifest),
            found=f'"{name}"',
            allowed=f"a file in {places[0]} or {places[1]}",
            fix="put the file beside the manifest",
        )

    return find


def _written(made: Greybox, manifest: dict[str, Any], options: argparse.Namespace) -> list[Path]:
    """Writes the picture, the light with its layers, and the maps if asked for; the paths."""
    from ..color.origin import with_origin
    from ..delivery.deliver import Naming, deliver
    from ..delivery.menus import NO_SIDECARS, OVERWRITE
    from ..delivery.presets import spec_of
    from ..greybox.layers import ORIGIN, data_layers, light_layer, normal_map
    from ..imaging.documents import Documents
    from ..imaging.sheet import Layer

    documents = Documents(manifest, "", with_origin({"model": "greybox"}, ORIGIN), {})
    exr = spec_of({"format": "exr", "color_space": "ACEScg", "bit_depth": 16, "compression": "zip"})
    png = spec_of({"format": "png", "color_space": "sRGB", "bit_depth": 8})
    files: list[tuple[str, tuple[Layer, ...], Any]] = [
        ("greybox", (Layer("image", made.display),), png),
        ("greybox", (light_layer(made), *data_layers(made)), exr),
    ]
    if options.maps:
        maps = {"depth": made.depth_map[..., None], "normals": normal_map(made.normals), "lines": made.lines[..., None]}
        maps |= {f"mask{number}": mask[..., None] for number, (_, mask) in enumerate(made.masks, start=1)}
        for name, pixels in maps.items():
            grey = pixels.repeat(3 // pixels.shape[-1], axis=-1)
            files.append((f"greybox_{name}", (Layer("image", grey),), png))
    written = []
    for name, layers, spec in files:
        naming = Naming(options.out, f"{options.manifest.stem}_{name}", if_exists=OVERWRITE)
        written += deliver(layers, documents, [spec], naming, sidecars=NO_SIDECARS).files
    return written
