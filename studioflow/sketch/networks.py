"""The networks behind the learned detectors: each built from its library, and run on a picture.

Line detectors are those of controlnet_aux (Apache-2.0), as its 0.0.10 feeds and reads them, because the ControlNets
were trained on such maps; only that nothing is rounded to 8 bits and no proportions change. Depth is Depth Anything V2
Small through transformers, which the pack has anyhow: safetensors instead of a pickle of five times the size, and no
timm, whose import alone takes seconds and whose inside controlnet_aux's MiDaS rewrites.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor, nn

_ALIAS = "_studioflow_controlnet_aux"
_LINE_SCORE = 0.1
_LINE_LENGTH_PX = 0.1
"""controlnet_aux's thresholds for a straight line: how sure, and how long."""


class Network(NamedTuple):
    """How a network is built, and how it sees: sRGB [1, 3, h, w] in 0..1 to a map [h, w] (lines: 1 = line)."""

    build: Callable[[], nn.Module]
    see: Callable[[Any, Tensor], Tensor]
    multiple: int = 16
    """h and w must be multiples of it."""
    shorter_side: int = 512
    """The size in pixels that it was trained at."""


def _aux(module: str) -> Any:
    """A module of controlnet_aux without the package around it, which imports every detector and fails with any.

    The package gets another name, so that who imports controlnet_aux gets the real one, before or after.
    """
    import importlib
    from importlib.metadata import PackageNotFoundError, distribution
    from types import ModuleType

    install = f"run: {sys.executable} -m pip install controlnet-aux"
    try:
        if _ALIAS not in sys.modules:
            package = ModuleType(_ALIAS)
            package.__path__ = [str(distribution("controlnet-aux").locate_file("controlnet_aux"))]
            sys.modules[_ALIAS] = package
        return importlib.import_module(f"{_ALIAS}.{module}")
    except PackageNotFoundError:
        raise ModelError(
            "this detector needs controlnet-aux", found="not installed", allowed="controlnet-aux 0.0.10", fix=install
        ) from None
    except ImportError as error:
        raise ModelError(
            "this detector needs controlnet-aux",
            where=f"controlnet_aux.{module}",
            found=str(error),
            allowed="controlnet-aux 0.0.10 with what it requires",
            fix=install,
        ) from error


def _lineart() -> nn.Module:
    return _aux("lineart").Generator(3, 1, 3)


def _lineart_anime() -> nn.Module:
    from functools import partial

    from torch.nn import InstanceNorm2d

    norm = partial(InstanceNorm2d, affine=False, track_running_stats=False)
    return _aux("lineart_anime").UnetGenerator(3, 1, 8, 64, norm_layer=norm, use_dropout=False)


def _depth_anything() -> nn.Module:
    """Configured as config.json of depth-anything/Depth-Anything-V2-Small-hf has it."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    backbone = Dinov2Config(
        image_size=518,
        hidden_size=384,
        num_attention_heads=6,
        out_indices=[3, 6, 9, 12],
        apply_layernorm=True,
        reshape_hidden_states=False,
    )
    return DepthAnythingForDepthEstimation(
        DepthAnythingConfig(
            backbone_config=backbone,
            reassemble_hidden_size=384,
            neck_hidden_sizes=[48, 96, 192, 384],
            fusion_hidden_size=64,
        )
    )


def _see_sides(network: Any, picture: Tensor) -> Tensor:
    """HED and TEED answer with logits at several scales; the map is the sigmoid of their mean."""
    from torch.nn.functional import interpolate

    size = picture.shape[-2:]
    sides = [interpolate(side.float(), size, mode="bilinear") for side in network(picture * 255)]
    return (sum(sides) / len(sides))[0, 0].sigmoid()


def _see_pidinet(network: Any, picture: Tensor) -> Tensor:
    return network(picture.flip(1))[-1][0, 0]


def _see_lineart(network: Any, picture: Tensor) -> Tensor:
    return 1 - network(picture)[0, 0]


def _see_lineart_anime(network: Any, picture: Tensor) -> Tensor:
    return (1 - network(picture * 2 - 1)[0, 0]) / 2


def _see_straight_lines(network: Any, picture: Tensor) -> Tensor:
    import cv2
    import numpy as np
    import torch

    height, width = picture.shape[-2:]
    pixels = (picture[0] * 255).movedim(0, -1).cpu().numpy()
    drawn = np.zeros((height, width), np.float32)
    try:
        lines = _aux("mlsd.utils").pred_lines(pixels, network, [height, width], _LINE_SCORE, _LINE_LENGTH_PX)
    except IndexError:
        # It takes the columns of an array that has none where there is no line.
        lines = []
    for x0, y0, x1, y1 in np.asarray(lines).astype(int).tolist():
        cv2.line(drawn, (x0, y0), (x1, y1), 1.0, 1)
    return torch.from_numpy(drawn)


def _see_depth(network: Any, picture: Tensor) -> Tensor:
    """Relative inverse depth, unscaled: larger is nearer. Mean and deviation are ImageNet's."""
    mean = picture.new_tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = picture.new_tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    return network((picture - mean) / deviation).predicted_depth[0]


NETWORKS = {
    "hed": Network(lambda: _aux("hed").ControlNetHED_Apache2(), _see_sides),
    "pidinet": Network(lambda: _aux("pidi.model").pidinet(), _see_pidinet),
    "lineart": Network(_lineart, _see_lineart),
    "lineart_coarse": Network(_lineart, _see_lineart),
    "lineart_anime": Network(_lineart_anime, _see_lineart_anime, multiple=256),
    "mlsd": Network(
        lambda: _aux("mlsd.models.mbv2_mlsd_large").MobileV2_MLSD_Large(), _see_straight_lines, multiple=64
    ),
    "teed": Network(lambda: _aux("teed.ted").TED(), _see_sides),
    "depth_anything": Network(_depth_anything, _see_depth, multiple=14, shorter_side=518),
}
"""By the names of detectors.json."""
