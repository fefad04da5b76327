"""Learned detectors of control maps: loaded from weights on this machine, and run on a picture. Nothing downloads."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ModelError, StudioFlowError
from . import weights
from .networks import NETWORKS

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

_LEAST_SIDE = 64
_LONGEST_SIDE = 4096
_MOST_PIXELS = 2048 * 2048
"""What a network gets to see at most: HED takes about 1 kB of memory for each pixel."""


class Detector(NamedTuple):
    """A network that looks at pictures on a device."""

    name: str
    kind: str
    """``lines`` or ``depth``."""
    network: nn.Module
    device: Any

    def detect(self, picture: np.ndarray, resolution: int = 0) -> np.ndarray:
        """The map of a picture float32 [H, W, 3], sRGB in 0..1: float32 [H, W] in 0..1; 1 is a line, or the nearest.

        The network sees the picture with ``resolution`` pixels on its shorter side (0: what it was trained at), and
        fewer where that is more than 4096 pixels long or 4 megapixels. A depth map fills 0..1, or is 0 where the
        picture has no depth. Raises StudioFlowError for a resolution below 64.
        """
        import cv2
        import numpy as np
        import torch

        how = NETWORKS[self.name]
        if resolution and resolution < _LEAST_SIDE:
            raise StudioFlowError(
                "too small for a network to see anything",
                where="resolution",
                found=f"{resolution} pixels",
                allowed=f"{_LEAST_SIDE} or more, or 0 for {how.shorter_side}",
            )
        seen = _resized(picture, resolution or how.shorter_side)
        height, width = seen.shape[:2]
        padding = ((0, -height % how.multiple), (0, -width % how.multiple), (0, 0))
        given = torch.from_numpy(np.pad(seen, padding, mode="edge")).movedim(-1, 0)[None]
        # Between pictures the weights rest where they take nothing of what ComfyUI counts on.
        self.network.to(self.device)
        try:
            with torch.inference_mode():
                answer = how.see(self.network, given.to(self.device)).float().cpu().numpy()[:height, :width]
        finally:
            self.network.to("cpu")
        if self.kind == "depth":
            answer = _stretched(answer)
        whole = cv2.resize(answer, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_LINEAR)
        return whole.clip(0, 1)


def load(name: str, folders: Sequence[Path], device: Any = "cpu") -> Detector:
    """The detector of that name; the last two are kept until ``forget`` or until their file changes.

    Its weights are looked for in ``folders``, then in the Hugging Face cache. Raises ModelError for an unknown name,
    weights that are missing, incomplete or another network's, and a library that is not installed.
    """
    row = weights.weights_of(name)
    path = weights.require(row, folders)
    about = path.stat()
    return _loaded(row, path, (about.st_size, about.st_mtime_ns), device)


def forget() -> None:
    """Drops the weights that are kept."""
    _loaded.cache_clear()


@functools.lru_cache(maxsize=2)
def _loaded(row: weights.Weights, path: Path, _state: tuple[int, int], device: Any) -> Detector:
    import torch

    # Building draws random numbers that the weights replace at once; nobody else's seed should notice.
    with torch.random.fork_rng(devices=[]):
        network = NETWORKS[row.name].build()
    _fill(network, weights.read(path, row), row, path)
    return Detector(row.name, row.kind, network.float().eval().requires_grad_(False), device)


def _fill(network: nn.Module, tensors: dict[str, Tensor], row: weights.Weights, path: Path) -> None:
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ModelError(
            f"these are the weights of another network than {row.title}",
            where=str(path),
            found=lines[min(1, len(lines) - 1)][:200],
            allowed=f"{row.path} of huggingface.co/{row.repository}",
            fix="look whether files changed their names, or delete the file and get it again",
        ) from error


def _resized(picture: np.ndarray, shorter_side: int) -> np.ndarray:
    import cv2

    height, width = picture.shape[:2]
    scale = min(
        shorter_side / min(height, width),
        _LONGEST_SIDE / max(height, width),
        (_MOST_PIXELS / (height * width)) ** 0.5,
    )
    size = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_LANCZOS4 if scale > 1 else cv2.INTER_AREA
    return cv2.resize(picture, size, interpolation=method).clip(0, 1)


def _stretched(depth: np.ndarray) -> np.ndarray:
    low, high = float(depth.min()), float(depth.max())
    return (depth - low) / (high - low) if high > low else depth * 0
