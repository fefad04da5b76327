"""Everything of ComfyUI's internals that the nodes touch, in one place; the rest sees only comfy_api.

Works from ComfyUI 0.3.75 on: what newer hosts know more is passed on only where the running one accepts it.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.ops
import comfy.utils
import folder_paths
from comfy.cli_args import LatentPreviewMethod
from comfy.cli_args import args as cli_args
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io, ui
from comfy_execution.graph_utils import ExecutionBlocker

from ..studioflow.errors import DeviceMemoryError, PathError, StudioFlowError, did_you_mean
from ..studioflow.resources import shipped
from ..studioflow.shelf import PICTURES, TEXTS, Shelf

Manifest = io.Custom("STUDIOFLOW_MANIFEST")
Fibo = io.Custom("STUDIOFLOW_FIBO")
Latents = io.Custom("STUDIOFLOW_LATENTS")
Provenance = io.Custom("STUDIOFLOW_PROVENANCE")
Layers = io.Custom("STUDIOFLOW_LAYERS")
Camera3D = io.Load3DCamera
DRAWING_WIDTH = 1024
"""Pixels of a drawing as a picture: as wide as what FIBO paints."""
RENDERS_KEPT_BYTES = 4 << 30
"""About 300 pictures of one megapixel in float32."""
PREVIEW_SECONDS = 0.25
"""Between two previews: each waits for the device once."""


def schema(**fields: Any) -> io.Schema:
    """An io.Schema of the fields that the running host knows; e.g. search_aliases came with 0.11."""
    known = {field.name for field in dataclasses.fields(io.Schema)}
    return io.Schema(**{name: value for name, value in fields.items() if name in known})


def shot_to_change() -> io.Input:
    """The shot that a node changes; without one it begins a new one."""
    return Manifest.Input("manifest", optional=True, tooltip="The shot to change; a new one where absent.")


def changed_shot() -> io.Output:
    """The shot that a node has changed."""
    return Manifest.Output(display_name="manifest", tooltip="The changed shot.")


def blocked(message: str) -> Any:
    """In place of an output that there is none of: nodes that take it fail with the message, all others run."""
    return ExecutionBlocker(message)


def manifest_shelves() -> dict[str, Shelf]:
    """The folders that manifests may be loaded from, by the name they have in the menu."""
    return {
        "input": Shelf(Path(folder_paths.get_input_directory())),
        "user": Shelf(Path(folder_paths.get_user_directory()) / "default" / "studioflow"),
        # Deliveries hold their manifest; what other nodes save there would only fill the menu.
        "output": Shelf(Path(folder_paths.get_output_directory()), listed="StudioFlow", suffixes=(*TEXTS, *PICTURES)),
        "samples": Shelf(shipped("samples")),
    }


def writable_shelves() -> dict[str, Shelf]:
    """Those of them that manifests may be saved in, the usual one first."""
    shelves = manifest_shelves()
    return {name: shelves[name] for name in ("user", "input", "output")}


def model_folders() -> list[Path]:
    """ComfyUI's folders for models in diffusers layout."""
    return [Path(folder) for folder in folder_paths.get_folder_paths("diffusers")]


def loras() -> list[str]:
    """The LoRA files in the menu, below models/loras; only .safetensors, because the older formats can hold code."""
    return [name for name in folder_paths.get_filename_list("loras") if name.endswith(".safetensors")]


def find_lora(name: str) -> Path:
    """The LoRA file that the menu calls so; PathError where there is none."""
    path = folder_paths.get_full_path("loras", name) if name in loras() else None
    if path is None:
        raise PathError(
            "no such LoRA",
            found=f'"{name}"',
            allowed="a .safetensors file in models/loras",
            fix=did_you_mean(name, loras()) or f"put the file into {lora_folder()} and press R",
        )
    return Path(path)


def lora_folder() -> Path:
    """Where LoRA files are written: the first of ComfyUI's folders for them."""
    return Path(folder_paths.get_folder_paths("loras")[0])


def picture_cache() -> Any:
    """Where finished renders are kept, also over a restart; a studioflow.fibo.cache.PictureCache."""
    from ..studioflow.fibo.cache import PictureCache

    return PictureCache(Path(folder_paths.get_user_directory()) / "__studioflow" / "renders", RENDERS_KEPT_BYTES)


def check_prefix(prefix: str) -> None:
    """Raises PathError where a file name prefix leaves the output folder, or that folder cannot be written."""
    output = Path(folder_paths.get_output_directory()).resolve()
    if "\0" in prefix or not (output / prefix).resolve().is_relative_to(output):
        raise PathError(
            "the name leaves the output folder",
            found=f'"{prefix}"',
            allowed="a name inside ComfyUI's output folder",
            fix="take the .. or the drive out of the name",
        )
    if not os.access(output, os.W_OK | os.X_OK):
        raise PathError("the output folder cannot be written", where=str(output), found="no write permission")


def prefix_fault(prefix: str | None) -> bool | str:
    """What is wrong with a file name prefix, for ``validate_inputs``: told when the prompt is queued, not later."""
    try:
        if prefix is not None:
            check_prefix(prefix)
    except StudioFlowError as error:
        return str(error)
    return True


def save_location(prefix: str, width: int, height: int) -> tuple[Path, str, int, str]:
    """Folder, stem, first free number and subfolder for a file name prefix; PathError where it leaves output."""
    check_prefix(prefix)
    try:
        folder, stem, number, subfolder, _ = folder_paths.get_save_image_path(
            prefix, folder_paths.get_output_directory(), width, height
        )
    except OSError as error:
        raise PathError("the output folder cannot be used", where=prefix, found=error.strerror) from error
    return Path(folder), stem, number, subfolder


def metadata_enabled() -> bool:
    """False where the person started ComfyUI with --disable-metadata."""
    return not cli_args.disable_metadata


def device() -> str:
    """The torch device that ComfyUI renders on."""
    return str(comfy.model_management.get_torch_device())


def memory(parts: Mapping[str, Any]) -> Managed:
    """What keeps a FIBO pipeline's parts (torch modules by name), for ``load_model``."""
    return Managed(parts)


class Managed:
    """The parts of a FIBO pipeline as models that ComfyUI manages; a ``studioflow.fibo.memory.Memory``.

    ComfyUI brings a part when it is held and as --lowvram, --highvram and the like say: whole, or with only some of
    the large layers, the others streamed at each use. It takes parts away again when another model needs the room,
    and all of them when the person frees the memory.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._patchers = {part: _patcher(part, module) for part, module in parts.items()}
        self._work_bytes = dict.fromkeys(parts, 0)
        self._left: dict[str, tuple[Any, int]] = {}

    @property
    def device(self) -> Any:
        return comfy.model_management.get_torch_device()

    def expect(self, part: str, work_bytes: int) -> None:
        if work_bytes > self._work_bytes[part]:
            self._left.pop(part, None)
        self._work_bytes[part] = work_bytes

    def hold(self, part: str) -> None:
        patcher = self._patchers[part]
        if self._left.get(part) == _whereabouts(patcher):
            return
        import torch

        # Nodes run in inference mode, /free does not: weights moved now in one and now in the other would be two
        # kinds of tensors, which compiled code would be compiled for again and again.
        with torch.inference_mode(False), torch.no_grad():
            comfy.model_management.load_models_gpu([patcher], memory_required=self._work_bytes[part])
            _bring_the_rest(patcher)
        self._left[part] = _whereabouts(patcher)

    def room_beside(self, part: str) -> int:
        can_leave = sum(
            loaded.model_loaded_memory()
            for loaded in comfy.model_management.current_loaded_models
            if loaded.device == self.device
        )
        free = comfy.model_management.get_free_memory(self.device)
        return int(free + can_leave - self._patchers[part].model_size())


_OFFLOAD_DEVICES = {
    "text_encoder": comfy.model_management.text_encoder_offload_device,
    "transformer": comfy.model_management.unet_offload_device,
    "vae": comfy.model_management.vae_offload_device,
}
_STREAMED = ("Linear", "Conv1d", "Conv2d", "Conv3d")
"""Layers that hold nearly all weights. Norms and embeddings are small or read by others than their own forward."""


class _Patcher(ModelPatcher):
    """Pins weights under names that stay the same while PEFT wraps a layer and unwraps it again.

    Pins nothing but streamed layers: adapters go, and with them the names that ComfyUI would look for to unpin.
    """

    def pin_weight_to_device(self, key: str) -> None:
        if hasattr(comfy.utils.get_attr(self.model, key.rpartition(".")[0]), "comfy_cast_weights"):
            super().pin_weight_to_device(key.replace(".base_layer.", "."))

    def unpin_weight(self, key: str) -> None:
        super().unpin_weight(key.replace(".base_layer.", "."))


def _patcher(part: str, module: Any) -> _Patcher:
    import torch

    from ..studioflow.fibo.quantize import weight_bytes

    if any(weight.is_inference() for weight in module.parameters()):
        # They could be used until ComfyUI moves them, which /free does outside of inference mode.
        raise RuntimeError(f"the {part} was loaded in torch.inference_mode: load it in torch.inference_mode(False)")
    _make_streamable(module)
    # ModelPatcher sets .device, which diffusers' modules only let read. ComfyUI's log shows the name of the class.
    holder = type(f"FIBO_{part}", (torch.nn.Module,), {})()
    holder.part = module
    # ComfyUI would count quantised weights by the type that they compute in.
    size = weight_bytes(module)
    return _Patcher(holder, comfy.model_management.get_torch_device(), _OFFLOAD_DEVICES[part](), size)


def _make_streamable(module: Any) -> None:
    """Gives plain layers the classes that ComfyUI can leave on the CPU; quantised ones stay and are loaded whole."""
    import torch

    for layer in module.modules():
        name = type(layer).__name__
        if name in _STREAMED and type(layer) is getattr(torch.nn, name) and _is_plain(layer.weight):
            layer.__class__ = getattr(comfy.ops.disable_weight_init, name)


def _is_plain(weight: Any) -> bool:
    import torch

    return type(weight) is torch.nn.Parameter and weight.dtype in (torch.float32, torch.bfloat16, torch.float16)


def _bring_the_rest(patcher: Any) -> None:
    """Moves what ComfyUI leaves behind where it loads in part, although only streamed layers work from there.

    That are layers of other classes that did not fit, weights beside other modules, buffers, and adapters.
    """
    device, loaded = patcher.load_device, 0
    for module in patcher.model.modules():
        if hasattr(module, "comfy_cast_weights") and not getattr(module, "comfy_patched_weights", False):
            continue
        own = (*module.parameters(recurse=False), *module.buffers(recurse=False))
        if any(tensor.device.type != device.type for tensor in own):
            module._apply(lambda tensor: tensor.to(device), recurse=False)
        loaded += sum(tensor.nbytes for tensor in own)
    patcher.model.model_loaded_weight_memory = min(loaded, patcher.model_size())


def _whereabouts(patcher: Any) -> tuple[Any, int]:
    """Changes whenever ComfyUI moves any of the weights."""
    return patcher.current_loaded_device(), patcher.loaded_size()


@contextmanager
def room_after_shortage() -> Iterator[None]:
    """Where memory ran out inside, all models leave the device, as ComfyUI does it for errors that it knows."""
    try:
        yield
    except DeviceMemoryError:
        make_room()
        raise


def make_room() -> None:
    """Takes all models off the device."""
    comfy.model_management.unload_all_models()
    comfy.model_management.soft_empty_cache()


def images(pixels: Any) -> Any:
    """Float arrays [B, H, W, 3] of 0..1 as ComfyUI's IMAGE, [B, H, W] as its MASK."""
    import torch

    return torch.from_numpy(pixels)


def image(pixels: Any) -> Any:
    """An array [H, W, 3] of sRGB-encoded 0..1 as ComfyUI's IMAGE."""
    import torch

    return torch.from_numpy(pixels).float()[None]


def preview(picture: Any, *parts: str) -> dict[str, Any]:
    """An IMAGE shown at the node, and what the node has to say beside it."""
    shown: dict[str, Any] = ui.PreviewImage(picture).as_dict()
    return shown | notice(*parts)


class Progress:
    """ComfyUI's progress bar of the running node, with a live preview; also where cancelling takes effect."""

    _of_latents = True

    def __init__(self) -> None:
        self._bar = comfy.utils.ProgressBar(1)
        self._next_preview = 0.0

    def __call__(self, done: int, total: int, preview: Callable[[], Any] = lambda: None) -> None:
        """Shows ``done`` of ``total``; raises ComfyUI's own exception when the person has pressed cancel.

        ``preview`` gives latents [N, C, h, w] of what the picture is going to be, in the model's own space, or None.
        It is called, and the first picture shown, at most every 0.25 s, and never where previews are switched off.
        """
        comfy.model_management.throw_exception_if_processing_interrupted()
        if done == total and not self._of_latents:
            self._next_preview = 0.0
        self._bar.update_absolute(done, total, self._preview(preview))

    def _preview(self, preview: Callable[[], Any]) -> Any:
        off = self._of_latents and cli_args.preview_method == LatentPreviewMethod.NoPreviews
        if off or time.monotonic() < self._next_preview:
            return None
        given = preview()
        shown = None if given is None else self._shown(given)
        if shown is not None:
            self._next_preview = time.monotonic() + PREVIEW_SECONDS
        return shown

    def _shown(self, latents: Any) -> Any:
        previewer = _previewer(latents.shape[1])
        return previewer and previewer.decode_latent_to_preview_image("JPEG", latents)


class PictureProgress(Progress):
    """The same where ``preview`` gives the picture itself, as far as it is: an array [H, W, 3], sRGB-encoded 0..1.

    Shown even where previews are switched off: that setting, which is off by default, is for latents of samplers.
    """

    _of_latents = False

    def _shown(self, picture: Any) -> Any:
        from PIL import Image

        return "JPEG", Image.fromarray((picture.clip(0.0, 1.0) * 255.0 + 0.5).astype("uint8")), cli_args.preview_size


@functools.cache
def _previewer(channels: int) -> Any:
    """ComfyUI's own factors from latents to RGB: 48 channels are Wan 2.2's, 128 FLUX.2's; None for any other."""
    import comfy.latent_formats
    from latent_preview import Latent2RGBPreviewer

    formats = {48: comfy.latent_formats.Wan22, 128: comfy.latent_formats.Flux2}
    if channels not in formats:
        return None
    found = formats[channels]()
    return Latent2RGBPreviewer(
        found.latent_rgb_factors, found.latent_rgb_factors_bias, found.latent_rgb_factors_reshape
    )


def notice(*parts: str) -> dict[str, list[str]]:
    """What a node has to say about its result: shown at the node by js/notice.js, in the console and in history."""
    lines = [part for part in parts if part]
    if not lines:
        return {}
    from ..studioflow.review.compare.words import visible

    logging.info("StudioFlow: %s", visible(", ".join(lines), keep="\n\t"))
    return {"studioflow_notice": lines}
