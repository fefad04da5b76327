"""Which files a delivery is to have: presets that ship, people's own, and the ``export`` section of a manifest."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..color.spaces import DATA, DEFAULT_SPACE
from ..errors import DeliveryError, ManifestError, Place, StudioFlowError, did_you_mean, require_choice
from ..imaging.sheet import FileSpec
from ..manifest import parse_value, path_of, pointer, schema, validate
from ..resources import table
from .menus import AS_MANIFEST, PRESETS, SAMPLES, names_in, preset_files

_FIRST = Place("manifest", "/export/0")
_SCHEMA = "presets.schema.json"
_MOST_BYTES = 1 << 20
"""Of a person's own file of presets."""
_DEFAULTS: dict[str, dict[str, Any]] = {
    "exr": {"color_space": "Linear Rec.709", "bit_depth": 16, "compression": "zip", "layers": "one"},
    "tiff": {"color_space": DEFAULT_SPACE, "bit_depth": 16, "compression": "zip", "layers": "pages"},
    "png": {"color_space": DEFAULT_SPACE, "bit_depth": 8, "layers": "none"},
    "jpeg": {"color_space": DEFAULT_SPACE, "bit_depth": 8, "layers": "none"},
    "webp": {"color_space": DEFAULT_SPACE, "bit_depth": 8, "layers": "none"},
    "avif": {"color_space": DEFAULT_SPACE, "bit_depth": 8, "layers": "none"},
}


class Preset(NamedTuple):
    """A row of presets.json or of a file of a person's own; ``source`` is that file's name, ``files`` its entries."""

    name: str
    files: Sequence[Mapping[str, Any]]
    use: str = ""
    source: str = "presets.json"


def shipped_presets() -> dict[str, Preset]:
    """The presets that ship, by name, in the order of the menu."""
    return {preset.name: preset for preset in _rows(table(PRESETS), "presets.json")}


def own_presets(folder: Path | None) -> dict[str, Preset]:
    """The presets in the JSON files of a folder, by name. Raises DeliveryError with file and place of what is wrong,
    also for a name that ships or stands twice."""
    found: dict[str, Preset] = {}
    for path in preset_files(folder):
        for preset in _rows(_read(path), str(path)):
            other = found.get(preset.name) or shipped_presets().get(preset.name)
            if other or preset.name == AS_MANIFEST:
                raise DeliveryError(
                    "a delivery preset of that name is there already",
                    where=Place(str(path), pointer([preset.name])),
                    found=f"it is in {other.source if other else 'the menu'}",
                    allowed="a name of its own for each preset",
                    fix="give it another name",
                )
            found[preset.name] = preset
    return found


def state_of(name: str, folder: Path | None) -> str:
    """Changes when what a preset of this name may hold does."""
    if name in shipped_presets():
        return name
    return repr([(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in preset_files(folder)])


def files_of(name: str, manifest: Mapping[str, Any] | None = None, folder: Path | None = None) -> list[FileSpec]:
    """The files of a preset, or with ``AS_MANIFEST`` of the manifest's ``export``, whose entries may name presets.

    Raises DeliveryError where there is no such preset or no export, and for a colour space that does not fit.
    """
    if name != AS_MANIFEST:
        return _specs_of_preset(_preset(name, folder, None))
    export = (manifest or {}).get("export")
    if not export:
        raise DeliveryError(
            "the manifest does not say which files to deliver",
            where=Place("manifest", "/export"),
            found="no export section" if export is None else "an empty list",
            allowed='a list of files such as [{"format": "exr", "color_space": "ACEScg"}]',
            fix="add export to the manifest, or choose a preset",
        )
    specs: list[FileSpec] = []
    for index, entry in enumerate(export):
        at = Place("manifest", pointer(["export", index]))
        if "preset" in entry:
            at = at._replace(pointer=at.pointer + "/preset")
            specs += _specs_of_preset(_preset(entry["preset"], folder, at))
        else:
            specs.append(spec_of(entry, at))
    return specs


def spec_of(entry: Mapping[str, Any], at: Place = _FIRST) -> FileSpec:
    """An entry of an ``export`` with every value filled in.

    Raises DeliveryError for a colour space that there is not or that the format cannot have; ``at`` is the entry's
    place.
    """
    kind = entry["format"]
    depth = entry.get("bit_depth", _DEFAULTS[kind]["bit_depth"])
    values = {**_DEFAULTS[kind], **{key: value for key, value in entry.items() if key != "sample"}}
    sample = entry.get("sample")
    if sample and depth != 16 and (sample == "float") != (depth == 32):
        raise DeliveryError(
            "such a sample does not exist",
            where=at._replace(pointer=f"{at.pointer}/sample"),
            found=f"{sample} of {depth} bits",
            allowed="integer of 8 or 16 bits, float of 16 or 32 bits",
        )
    values["is_float"] = kind == "tiff" and (depth == 32 or sample == "float")
    spec = FileSpec(**values)
    _check_space(spec, at._replace(pointer=f"{at.pointer}/color_space"))
    return spec


def entry_of(kind: str, sample: str, **values: Any) -> dict[str, Any]:
    """An ``export`` entry of a format in the terms of a menu: ``sample`` is one of SAMPLES."""
    require_choice("sample", sample, SAMPLES)
    depth, number = SAMPLES[sample]
    return {"format": kind, "bit_depth": depth, **({"sample": number} if kind == "tiff" else {}), **values}


def _check_space(spec: FileSpec, at: Place) -> None:
    from ..color.convert import encoding_of

    try:
        encoding = encoding_of(spec.color_space)
    except StudioFlowError as error:
        raise DeliveryError(error.problem, where=at, found=error.found, allowed=error.allowed, fix=error.fix) from error
    if encoding == DATA or (spec.format == "exr" and encoding != "linear"):
        raise DeliveryError(
            "the colour space does not fit the format",
            where=at,
            found=f'"{spec.color_space}", which is {encoding}, in {spec.format.upper()}',
            allowed="a linear space such as ACEScg" if spec.format == "exr" else "a space of colours such as sRGB",
            fix='take "Linear Rec.709", "ACEScg" or "ACES2065-1"' if spec.format == "exr" else "choose another",
        )


def _specs_of_preset(preset: Preset) -> list[FileSpec]:
    place = Place(preset.source)
    return [
        spec_of(entry, place._replace(pointer=pointer([preset.name, "files", index])))
        for index, entry in enumerate(preset.files)
    ]


def _preset(name: str, folder: Path | None, at: Place | None) -> Preset:
    known = shipped_presets()
    if name not in known:
        known = known | own_presets(folder)
    if name in known:
        return known[name]
    problem = "no such delivery preset"
    if name == AS_MANIFEST:
        problem = "an export section cannot name itself"
    raise DeliveryError(problem, where=at, found=f'"{name}"', allowed=", ".join(known), fix=did_you_mean(name, known))


def _rows(document: Mapping[str, Any], source: str) -> Iterator[Preset]:
    for name in names_in(document):
        row = document[name]
        yield Preset(name, row["files"], row.get("use", ""), source)


# ---------------------------------------------------------------- people's own files


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DeliveryError(
                "the file of presets is too large",
                where=str(path),
                found=f"{path.stat().st_size} bytes",
                allowed=f"at most {_MOST_BYTES} bytes",
            )
        document = parse_value(path.read_text(encoding="utf-8-sig"), str(path))
    except json.JSONDecodeError as error:
        raise DeliveryError(
            f"this is not JSON: {error.msg}",
            where=Place(str(path), line=error.lineno, column=error.colno),
            allowed="a JSON object of presets",
            fix="correct the text at that line and column",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DeliveryError("the file of presets cannot be read", where=str(path), found=str(error)) from error
    for fault in _validator().iter_errors(document):
        raise _fault(fault, document, path)
    return document


def _fault(fault: Any, document: Any, path: Path) -> StudioFlowError:
    """One thing that the schema does not allow, in the manifest's own words where it is inside an entry."""
    at = tuple(fault.instance_path)
    if len(at) >= 3 and at[1] == "files":
        entry = document[at[0]]["files"][at[2]]
        if isinstance(entry, dict) and "preset" in entry:
            return DeliveryError(
                "a preset cannot hold another preset",
                where=Place(str(path), pointer([*at[:3], "preset"])),
                found=f'"{entry["preset"]}"',
                allowed="files with a format",
            )
        try:
            validate({"studioflow": "1.0", "scene": {}, "export": [entry]}, str(path))
        except ManifestError as error:
            first = error.faults[0] if error.faults else error
            below = path_of(first.place.pointer)[2:] if first.place else ()
            return DeliveryError(
                first.problem,
                where=Place(str(path), pointer([*at[:3], *below])),
                found=first.found,
                allowed=first.allowed,
                fix=first.fix,
            )
    return DeliveryError(
        f"these are no delivery presets: {fault.message}",
        where=Place(str(path), pointer(at)),
        allowed='{"Name": {"files": [{"format": "png"}], "use": "what for"}}',
        fix="see schemas/presets.schema.json",
    )


@functools.cache
def _validator() -> Any:
    import jsonschema_rs

    names = ("caption.schema.json", "manifest.schema.json")
    others = jsonschema_rs.Registry([(name, schema(name)) for name in names])
    return jsonschema_rs.Draft202012Validator(schema(_SCHEMA), registry=others)
