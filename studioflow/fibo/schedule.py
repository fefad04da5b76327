"""Part of a denoising schedule: from a given step, to a given step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model import FiboModel


def window(model: FiboModel, start: int, stop: int) -> Any:
    """A scheduler with the model's settings whose schedule holds steps ``start`` to ``stop`` of those it is set to.

    Its last sigma is that of ``stop``, so that a later window from there goes on exactly.
    """
    from diffusers import FlowMatchEulerDiscreteScheduler

    class Window(FlowMatchEulerDiscreteScheduler):
        # The pipelines look at the names of these arguments.
        def set_timesteps(
            self,
            num_inference_steps: Any = None,
            device: Any = None,
            sigmas: Any = None,
            mu: Any = None,
            timesteps: Any = None,
        ) -> None:
            super().set_timesteps(num_inference_steps, device=device, sigmas=sigmas, mu=mu, timesteps=timesteps)
            self.timesteps = self.timesteps[start:stop]
            self.sigmas = self.sigmas[start : stop + 1]

    return Window.from_config(model.pipeline.scheduler.config)


def sigmas(model: FiboModel, width: int, height: int, steps: int) -> list[float]:
    """The noise levels of a whole schedule, 1 first and 0 last: ``steps + 1`` of them.

    Flow matching with a shift that grows with the picture, as Flux brought it: linear in the number of 16 × 16
    patches between the scheduler's base and maximum.
    """
    import numpy as np

    scheduler = window(model, 0, steps)
    settings = scheduler.config
    patches = (width // 16) * (height // 16)
    slope = (settings.max_shift - settings.base_shift) / (settings.max_image_seq_len - settings.base_image_seq_len)
    mu = settings.base_shift + slope * (patches - settings.base_image_seq_len)
    scheduler.set_timesteps(steps, sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)
    return [float(sigma) for sigma in scheduler.sigmas]


def first_step(steps: int, strength: float) -> int:
    """Where image to image begins: ``strength`` 1 repaints from noise, and above 0 at least one step is run."""
    return min(steps - 1, steps - round(steps * strength))
