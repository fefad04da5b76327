"""What the nodes that write pictures share: their sockets, and how a delivery is made and shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..studioflow.color.spaces import DATA, DEFAULT_SPACE, plain_spaces
from ..studioflow.delivery.menus import IF_EXISTS, NO_SIDECARS, NUMBER_UP, SIDECARS
from ..studioflow.errors import StudioFlowError
from . import host

if TYPE_CHECKING:
    from ..studioflow.delivery.deliver import Documents
    from ..studioflow.imaging.sheet import FileSpec

HIDDEN = (io.Hidden.prompt, io.Hidden.extra_pnginfo)


def images_input() -> io.Input:
    """The socket of the pictures to write."""
    return io.Image.Input("images", tooltip="Pictures; several are the frames of a sequence.")


def prefix_input(default: str) -> io.Input:
    """The widget of the name and its fields."""
    return io.String.Input(
        "filename_prefix",
        default=default,
        tooltip="Folder and name inside ComfyUI's output folder. Fields: {sku}, {title}, {author}, {manifest_id}, "
        "{seed}, {model}, {preset}, {date}, {time}, {frame:04}, {version:03}, {count}, {width}, {height}, and "
        "ComfyUI's %year% and the like. Without {frame}, {seed} and {version} a number is appended.",
    )


def caption_input() -> io.Input:
    """The socket of the caption."""
    return io.String.Input(
        "caption", optional=True, force_input=True, tooltip="The caption that was rendered; goes along."
    )


def provenance_input() -> io.Input:
    """The socket of the provenance."""
    return host.Provenance.Input(
        "provenance", optional=True, tooltip="From FIBO Sampler, a node of colour or Load Delivery; goes along."
    )


def option_inputs(sidecars: str) -> list[io.Input]:
    """What every node that writes files has at its end."""
    return [
        host.Layers.Input(
            "layers", optional=True, tooltip="Further layers, from Layers; written where the format has any."
        ),
        io.Combo.Input(
            "image_space",
            options=[*plain_spaces(), DATA],
            default=DEFAULT_SPACE,
            optional=True,
            tooltip="The colour space that the pictures are in. ComfyUI's are sRGB, unless a node says otherwise.",
        ),
        io.Combo.Input(
            "if_exists",
            options=list(IF_EXISTS),
            default=NUMBER_UP,
            optional=True,
            tooltip="number up: the next free number or {version}. refuse: an error. overwrite: replaces the files "
            "of that name, all or none.",
        ),
        io.Int.Input("first_frame", default=1, min=0, max=9999999, optional=True, tooltip="What {frame} begins with."),
        io.Combo.Input(
            "sidecars",
            options=list(SIDECARS),
            default=sidecars,
            optional=True,
            tooltip="Files beside each picture: manifest and caption, checksums as sha256sum reads them, or none.",
        ),
    ]


def files_output() -> io.Output:
    """What every node that writes files gives."""
    return io.String.Output(
        display_name="files",
        is_output_list=True,
        tooltip="The pictures that were written, one path below the output folder each.",
    )


def prefix_fault(prefix: str | None) -> bool | str:
    """What is wrong with a name or its fields, told when the prompt is queued."""
    from ..studioflow.delivery.naming import check_pattern

    fault = host.prefix_fault(prefix)
    if prefix is None or isinstance(fault, str):
        return fault
    try:
        check_pattern(prefix)
    except StudioFlowError as error:
        return str(error)
    return True


def save(
    node: type[io.ComfyNode],
    specs: Sequence[FileSpec],
    *,
    images: Any,
    filename_prefix: str,
    manifest: dict[str, Any] | None = None,
    caption: str = "",
    provenance: dict[str, Any] | None = None,
    layers: Any = (),
    image_space: str = DEFAULT_SPACE,
    if_exists: str = NUMBER_UP,
    first_frame: int = 1,
    preset: str = "",
    sidecars: str = NO_SIDECARS,
    frames_per_second: float = 0.0,
    timecode: str = "",
) -> io.NodeOutput:
    """Writes the files and says so at the node."""
    from ..studioflow.delivery.deliver import Naming, deliver
    from ..studioflow.delivery.layers import picture_of
    from ..studioflow.imaging.formats import SHOWN_IN_BROWSERS

    host.check_prefix(filename_prefix)
    output = host.writable_shelves()["output"].folder
    picture = picture_of(images.float().cpu().numpy(), image_space)
    done = deliver(
        (picture, *(layers or ())),
        _documents(node, manifest, caption, provenance),
        specs,
        Naming(output, filename_prefix, if_exists, first_frame, preset),
        sidecars=sidecars,
        frames_per_second=frames_per_second or None,
        timecode=timecode.strip(),
        progress=host.Progress(),
    )
    saved = [_entry(path, output) for path in done.files]
    shown = [entry for entry in saved if entry["filename"].endswith(SHOWN_IN_BROWSERS)] or _previewed(picture)
    # Said here too: where the sampler's result comes from ComfyUI's cache, the sampler itself says nothing.
    notice = host.notice((provenance or {}).get("notice", ""), *done.notes, *done.lines)
    pictures = [path.relative_to(output).as_posix() for path in done.pictures]
    return io.NodeOutput(pictures, ui={"images": shown, "studioflow_files": saved, **notice})


def _documents(
    node: type[io.ComfyNode], manifest: dict[str, Any] | None, caption: str, provenance: dict[str, Any] | None
) -> Documents:
    from ..studioflow.delivery.deliver import Documents
    from ..studioflow.manifest import content_id

    # Only these two of what came with the prompt: other names could stand for attributes of the file itself.
    workflow = {"prompt": node.hidden.prompt, "workflow": (node.hidden.extra_pnginfo or {}).get("workflow")}
    identity = {} if manifest is None else {"manifest_id": content_id(manifest)}
    return Documents(
        manifest=manifest,
        caption=caption or "",
        provenance={**identity, **(provenance or {})},
        workflow={name: value for name, value in workflow.items() if value and host.metadata_enabled()},
    )


def _entry(path: Path, output: Path) -> dict[str, str]:
    folder = path.parent.relative_to(output).as_posix()
    return {"filename": path.name, "subfolder": "" if folder == "." else folder, "type": "output"}


def _previewed(picture: Any) -> Any:
    """Pictures in ComfyUI's temp folder, where none that a browser shows was written."""
    import torch

    from ..studioflow.delivery.preview import preview

    return host.preview(torch.from_numpy(preview(picture)))["images"]
