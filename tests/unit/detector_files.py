"""Files of detectors' weights as they are published, with random numbers in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studioflow.sketch.networks import NETWORKS
from studioflow.sketch.weights import weights_of


def random_tensors(name: str) -> dict[str, Any]:
    """Tensors for a detector's network that keep the size of what flows through it (He et al. 2015)."""
    import torch

    random = torch.Generator().manual_seed(7)
    tensors = {}
    for key, value in NETWORKS[name].build().state_dict().items():
        if value.ndim > 1:
            spread = (2 / value[0].numel()) ** 0.5
            tensors[key] = torch.empty(value.shape).normal_(0, spread, generator=random)
        else:
            tensors[key] = value
    return tensors


def write_weights(name: str, folder: Path, tensors: dict[str, Any] | None = None) -> Path:
    """The file of a detector in its own format: HED's in half precision, PiDiNet's as its training left it."""
    import torch
    from safetensors.torch import save_file

    tensors = tensors or random_tensors(name)
    path = folder / weights_of(name).file
    if path.suffix == ".safetensors":
        save_file({key: value.contiguous() for key, value in tensors.items()}, path)
    elif name == "pidinet":
        torch.save({"epoch": 19, "state_dict": {f"module.{key}": value for key, value in tensors.items()}}, path)
    elif name == "hed":
        torch.save({key: value.half() for key, value in tensors.items()}, path)
    else:
        torch.save(tensors, path)
    return path
