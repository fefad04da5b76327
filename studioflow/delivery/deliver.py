"""A delivery: pictures in several formats with their documents inside and beside them, written whole or not at all."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ..errors import DeliveryError, require_choice
from ..files import Job, Write, sha256, text_writer, write_groups
from ..imaging.documents import Documents
from ..imaging.facts import Facts, facts_of
from ..imaging.formats import FORMATS
from ..imaging.sheet import FileSpec, Layer, Sheet
from .delivered import lines_of, notes_of, origin_of, transformed
from .menus import DOCUMENTS, DOCUMENTS_AND_CHECKSUMS, NO_SIDECARS, NUMBER_UP, SIDECARS
from .naming import fields_of, place, require_inside
from .timecode import advance

IN_FLIGHT = 2
"""Frames at a time: one is worked out while the other is flushed."""
_ENDINGS_BESIDE = (".manifest.json", ".caption.json", ".sha256")


class Naming(NamedTuple):
    """Where the files go and what they are called: see naming.py."""

    root: Path
    pattern: str
    if_exists: str = NUMBER_UP
    first_frame: int = 1
    preset: str = ""
    """For {preset}."""


class Delivery(NamedTuple):
    """What was written: all files in order, which of them are pictures, what each of these holds, and what the person
    should know."""

    files: list[Path]
    pictures: list[Path]
    lines: list[str]
    notes: list[str]


def deliver(
    layers: Sequence[Layer],
    documents: Documents,
    specs: Sequence[FileSpec],
    naming: Naming,
    *,
    sidecars: str = DOCUMENTS,
    frames_per_second: float | None = None,
    timecode: str = "",
    now: datetime | None = None,
    in_flight: int = IN_FLIGHT,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Delivery:
    """Writes every frame of the picture ``layers[0]``, with the other layers in the formats that have them.

    ``in_flight`` frames are worked on at a time. All files of all frames lie hidden beside their places until the last
    one is flushed, and are then renamed: a failure leaves none of them, and a sequence needs its whole room on disk.
    ``timecode`` is that of the first frame. ``progress(frames done, frames)`` may raise to stop. Raises DeliveryError,
    PathError for a name outside ``naming.root``, and StudioFlowError for what a format cannot hold.
    """
    require_choice("sidecars", sidecars, SIDECARS)
    _check_layers(layers)
    count = _frames(layers[0])
    endings = _endings(specs)
    now = (now or datetime.now()).astimezone()
    height, width = layers[0].pixels.shape[-3:-1]
    at = place(
        naming.root,
        naming.pattern,
        fields_of(documents.manifest, documents.provenance, naming.preset),
        size=(width, height),
        count=count,
        now=now,
        seeds=documents.seeds,
        first_frame=naming.first_frame,
        if_exists=naming.if_exists,
        room=max(len(ending) for ending in (*endings, *_ENDINGS_BESIDE)),
    )
    facts = Facts(now) if documents.manifest is None else facts_of(documents.manifest, now)
    told: dict[Path, list[str]] = {}
    groups: list[list[Job]] = []
    beside = {} if sidecars == NO_SIDECARS else documents.sidecars()
    for index, stem in enumerate(at.stems):
        timed = _timed(facts, frames_per_second, timecode, index)
        jobs: list[Job] = []
        for spec, ending in zip(specs, endings, strict=True):
            sheet = functools.partial(_sheet, layers, spec, documents, index, timed, at.frames[index])
            path = at.folder / (stem + ending)
            told[path] = []
            jobs.append((path, _writer(sheet, spec, told[path])))
        jobs += [(at.folder / (stem + ending), write) for ending, write in beside.items()]
        if sidecars == DOCUMENTS_AND_CHECKSUMS:
            jobs = _with_checksums(jobs, at.folder / f"{stem}.sha256")
        if at.replace:
            for path, _ in jobs:
                require_inside(naming.root, path, naming.pattern)
        groups.append(jobs)
    with _no_folder_in_vain(at.folder):
        files = write_groups(groups, replace=at.replace, in_flight=in_flight, progress=progress)
    return Delivery(files, list(told), lines_of(told, specs, layers), notes_of(told, specs, layers))


@contextmanager
def _no_folder_in_vain(folder: Path) -> Iterator[None]:
    """Takes away what was made of the folder where no file came into it: it would count as a {version}."""
    made: list[Path] = []
    with suppress(OSError):
        made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for path in made:
                path.rmdir()
        raise


# ---------------------------------------------------------------- one frame


def _sheet(
    layers: Sequence[Layer], spec: FileSpec, documents: Documents, index: int, facts: Facts, frame: int | None
) -> Sheet:
    return Sheet(
        layers=tuple(layer.frame(index) for layer in layers),
        space=spec.color_space,
        transform=functools.partial(transformed, spec=spec),
        texts=documents.texts(index),
        facts=facts,
        origin=origin_of(layers[0], spec, str(documents.provenance.get("range", ""))),
        frame=frame,
    )


def _timed(facts: Facts, frames_per_second: float | None, timecode: str, index: int) -> Facts:
    if not frames_per_second and timecode:
        raise DeliveryError(
            "a timecode needs a frame rate",
            where="frames_per_second",
            found="0",
            allowed="frames a second, such as 24",
            fix="set frames_per_second, or leave timecode empty",
        )
    if not frames_per_second:
        return facts
    label = advance(timecode, index, frames_per_second) if timecode else None
    return facts._replace(frames_per_second=frames_per_second, timecode=label)


def _writer(sheet: Callable[[], Sheet], spec: FileSpec, notes: list[str]) -> Write:
    """The sheet is made when it is written: with its texts, those of all frames would be too much to hold."""

    def write(part: Path) -> None:
        notes.extend(FORMATS[spec.format].writer()(part, sheet(), spec))

    return write


def _with_checksums(jobs: Sequence[Job], path: Path) -> list[Job]:
    """The jobs, and one more that writes what ``sha256sum --check`` reads. It must run after them."""
    digests: dict[str, str] = {}

    def hashed(name: str, write: Write) -> Write:
        def write_and_hash(part: Path) -> None:
            write(part)
            digests[name] = sha256(part)

        return write_and_hash

    def write_digests(part: Path) -> None:
        text_writer("".join(f"{digest}  {name}\n" for name, digest in digests.items()))(part)

    return [(target, hashed(target.name, write)) for target, write in jobs] + [(path, write_digests)]


# ---------------------------------------------------------------- checks


def _frames(layer: Layer) -> int:
    return len(layer.pixels) if layer.pixels.ndim == 4 else 1


def _check_layers(layers: Sequence[Layer]) -> None:
    picture, names = layers[0], set()
    for layer in layers:
        shape = layer.pixels.shape
        problem = ""
        if layer.name in names:
            problem = "two layers have one name"
        elif shape[-3:-1] != picture.pixels.shape[-3:-1]:
            problem = "a layer is not as large as the picture"
        elif _frames(layer) not in (1, _frames(picture)):
            problem = "a layer has another number of frames than the picture"
        elif shape[-1] not in (1, 3, 4) or (shape[-1] == 1 and not layer.is_data):
            problem = "a layer has a number of channels that no file has"
        if problem:
            raise DeliveryError(
                problem,
                where=f"layer {layer.name}",
                found=_shape(layer),
                allowed=f"a name of its own, {_shape(picture)} or one frame of it; 3 or 4 channels, 1 for data",
                fix="resize it, or give it another name",
            )
        names.add(layer.name)


def _shape(layer: Layer) -> str:
    height, width, channels = layer.pixels.shape[-3:]
    return f"{_frames(layer)} × {width} × {height} with {channels} channel{'s' if channels > 1 else ''}"


def _endings(specs: Sequence[FileSpec]) -> list[str]:
    endings = [spec.suffix + FORMATS[spec.format].ending for spec in specs]
    for index, ending in enumerate(endings):
        if ending.casefold() in (other.casefold() for other in endings[:index]):
            raise DeliveryError(
                "two files of a delivery would have one name",
                found=f"…{ending} twice",
                allowed="files that differ in format or suffix",
                fix='give one of them a suffix: "suffix": "_web"',
            )
    return endings
