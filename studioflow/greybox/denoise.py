"""Renders without their noise: NVIDIA's OptiX denoiser on its cards, Intel's Open Image Denoise on any processor.

Either may end the process where a driver or a processor does not suit it, so each is tried first in a process of its
own, once a version (remembered.py). Open Image Denoise comes with ``pyoidn``: the library itself in a wheel, and calls
of its C interface.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import StudioFlowError
from .remembered import remembered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OPTIX = "OptiX"
OIDN = "Open Image Denoise"
_TRIAL_SECONDS = 120
_MOST_MB = 1000
"""What Open Image Denoise may hold beside the pictures; a larger one is denoised in tiles that overlap."""
_TRIAL = """
import sys
sys.path.insert(0, sys.argv[1])
from studioflow.greybox.denoise import trial
trial(sys.argv[2], sys.argv[3])
"""


class Guides(NamedTuple):
    """What a denoiser may look at beside the picture: float32 [H, W, 3] each, and both may be noisy.

    ``albedo`` is 0 to 1; ``normal`` of unit length in the camera's space (X right, Y up, Z towards the camera) and
    0 0 0 where nothing is.
    """

    albedo: NDArray[np.float32]
    normal: NDArray[np.float32]


def denoiser(variant: str, folder: Path | None = None) -> str | None:
    """The denoiser for renders of this variant of Mitsuba: ``OptiX``, ``Open Image Denoise`` or None.

    The first call on a machine takes seconds, as each candidate denoises a small picture in a process of its own.
    What works is remembered in ``folder``, by default ``remembered.cache_folder()``; what fails is tried again in the
    next process.
    """
    candidates = (OPTIX, OIDN) if variant.startswith("cuda") else (OIDN,)
    return next((name for name in candidates if _works(name, variant, folder)), None)


def denoise(
    color: NDArray[np.float32], variant: str, *, guides: Guides | None = None, fast: bool = False
) -> NDArray[np.float32]:
    """The picture without noise, as new float32 values [H, W, 3], finite and not below 0.

    ``color`` [H, W, 3] is linear and open at the top; values below 0, which filters with negative lobes leave, count
    as 0. ``guides`` say where its edges and textures are. ``fast`` lets Open Image Denoise take its smaller network.
    The same input gives the same bits with Open Image Denoise. StudioFlowError for other shapes, for values that are
    not finite, and where there is no denoiser.
    """
    import numpy as np

    picture = _checked("color", color, color, 0.0, None)
    if guides is not None:
        guides = Guides(
            _checked("albedo", guides.albedo, color, 0.0, 1.0), _checked("normal", guides.normal, color, -1.0, 1.0)
        )
    name = denoiser(variant)
    if name is None:
        raise StudioFlowError(
            "there is no denoiser that works here",
            where=f"variant {variant}",
            found=_missing(),
            allowed="OptiX on an NVIDIA card, or Open Image Denoise",
            fix="install pyoidn into the Python that runs this, or render without denoising and with more samples",
        )
    try:
        result = _METHODS[name](picture, guides, variant, fast)
    except (ImportError, OSError, RuntimeError, MemoryError) as error:
        raise StudioFlowError(
            f"{name} could not denoise the picture",
            found=str(error) or type(error).__name__,
            allowed="a picture that fits into memory",
            fix="render smaller, or without denoising",
        ) from error
    if not np.isfinite(result).all():
        raise StudioFlowError(
            f"{name} gave values that are not finite",
            found=f"{np.count_nonzero(~np.isfinite(result))} of {result.size}",
            fix="render without denoising",
        )
    return np.maximum(result, 0, out=result)


def trial(name: str, variant: str) -> None:
    """Denoises a small picture; what fails raises, or ends the process. Ends the process by itself where all is well.

    Interpreters that hold a driver sometimes fail when they end, which says nothing about the denoiser.
    """
    import numpy as np

    noise = np.random.default_rng(0).random((32, 48, 3), dtype=np.float32)
    flat = np.full_like(noise, 0.5)
    result = _METHODS[name](noise, Guides(flat, flat), variant, False)
    works = result.shape == noise.shape and np.isfinite(result).all() and result.std() < noise.std()
    os._exit(0 if works else 1)


def _works(name: str, variant: str, folder: Path | None) -> bool:
    package, module = ("mitsuba", "mitsuba") if name == OPTIX else ("pyoidn", "pyoidn")
    if importlib.util.find_spec(module) is None:
        return False
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        version = "unknown"
    key = {
        "denoiser": name,
        "variant": variant if name == OPTIX else "any",
        "version": version,
        "python": platform.python_version(),
        "machine": " ".join((platform.node(), platform.system(), platform.release(), platform.machine())),
    }
    file = "optix" if name == OPTIX else "open_image_denoise"
    return bool(remembered(file, key, lambda: _tried(name, variant) or None, folder))


def _tried(name: str, variant: str) -> bool:
    """Whether a process that only denoises ends well."""
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(  # noqa: S603 - this Python and our own words
            [sys.executable, "-c", _TRIAL, str(root), name, variant],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TRIAL_SECONDS,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _missing() -> str:
    return "pyoidn is not installed" if importlib.util.find_spec("pyoidn") is None else "none that passed its trial"


def _checked(
    name: str, values: NDArray[np.float32], color: NDArray[np.float32], low: float, high: float | None
) -> NDArray[np.float32]:
    import numpy as np

    array = np.asarray(values, dtype=np.float32)
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape or array.shape != np.shape(color):
        raise StudioFlowError(
            "this layer does not fit",
            where=name,
            found=f"an array of {' × '.join(map(str, array.shape)) or 'no dimensions'}",
            allowed=f"height × width × 3, all layers alike (color has {' × '.join(map(str, np.shape(color)))})",
        )
    bad = np.count_nonzero(~np.isfinite(array))
    if bad:
        raise StudioFlowError(
            "this layer has values that are not finite",
            where=name,
            found=f"{bad} of {array.size} values",
            allowed="numbers",
        )
    return np.ascontiguousarray(np.clip(array, low, high))


def _open_image_denoise(
    color: NDArray[np.float32], guides: Guides | None, _variant: str, fast: bool
) -> NDArray[np.float32]:
    """By the device and filter calls of Open Image Denoise 2: its documentation, "RT filter".

    On the processor always, so the same bits come out on every graphics card. The device is let go at the end.
    """
    import numpy as np

    pyoidn = _pyoidn()
    output = np.full_like(color, np.nan)  # so that what is not written is found
    device = pyoidn.Device(pyoidn.OIDN_DEVICE_TYPE_CPU)
    _raise_fault(device)
    with device:
        # Its threads stay free: bound to cores they would be in the way of the host's.
        device.set_bool("setAffinity", False)
        device.commit()
        _raise_fault(device)
        filter_ = pyoidn.Filter(device, pyoidn.OIDN_FILTER_TYPE_RT)
        _raise_fault(device)
        with filter_:
            images = {pyoidn.OIDN_IMAGE_COLOR: color, pyoidn.OIDN_IMAGE_OUTPUT: output}
            if guides is not None:
                images |= {pyoidn.OIDN_IMAGE_ALBEDO: guides.albedo, pyoidn.OIDN_IMAGE_NORMAL: guides.normal}
            for name, image in images.items():
                filter_.set_image(name, image, pyoidn.OIDN_FORMAT_FLOAT3)
            filter_.set_bool("hdr", True)
            filter_.set_int("maxMemoryMB", _MOST_MB)
            filter_.set_quality(pyoidn.OIDN_QUALITY_FAST if fast else pyoidn.OIDN_QUALITY_HIGH)
            filter_.commit()
            _raise_fault(device)
            filter_.execute()
            _raise_fault(device)
    return output


def _pyoidn() -> Any:
    """pyoidn, which would import torch where it is installed: seconds that nothing here needs."""
    if "torch" in sys.modules:
        return importlib.import_module("pyoidn")
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("pyoidn")
    finally:
        del sys.modules["torch"]


def _raise_fault(device: Any) -> None:
    fault = device.get_error()
    if fault:
        raise RuntimeError(fault)


def _optix(color: NDArray[np.float32], guides: Guides | None, variant: str, _fast: bool) -> NDArray[np.float32]:
    """By ``mitsuba.OptixDenoiser``, which wants normals in Mitsuba's camera space: X left, Y up, Z away from it.

    Sets Mitsuba's variant, as the renderer has done already.
    """
    import mitsuba as mi
    import numpy as np

    if mi.variant() != variant:
        mi.set_variant(variant)
    height, width, _ = color.shape
    guided = guides is not None
    run = mi.OptixDenoiser([width, height], albedo=guided, normals=guided)
    layers = [color]
    if guides is not None:
        layers += [guides.albedo, guides.normal * np.array([-1, 1, -1], dtype=np.float32)]
    return np.array(run(*map(mi.TensorXf, layers)), dtype=np.float32)


_METHODS: dict[str, Callable[..., Any]] = {OPTIX: _optix, OIDN: _open_image_denoise}
