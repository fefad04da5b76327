"""FIBO Sampler against the stock pipeline of diffusers, side by side in this process.

Time to a first picture, to the next seed of the same caption, and to eight variations, and the memory of each.
By default with the stand-ins, whose transformer is tiny: what is measured is what StudioFlow adds and spares around
it. With --full and a GPU with 60 GB: the real architectures with random weights, and also where the time goes.

    python dev.py bench                   the stand-ins, on any machine, among the other benchmarks
    python benchmarks/render.py --full    the real architectures, 1024 x 1024, 30 steps, bfloat16
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from _common import load_pack, report

TARGET_FIRST, TARGET_NEXT = 1.02, 0.90
VARIATIONS = 8
FAMILIES = ("fibo-1.0", "fibo-2.0-dev")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--full", action="store_true", help="the real architectures, on a GPU")
    options.add_argument("--family", choices=FAMILIES, action="append", help="only this one")
    options.add_argument("--pairs", type=int, help="how often each is measured (default 15, with --full 3)")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as base:
        for folder in ("models/diffusers", "models/loras", "input", "output", "user"):
            (Path(base) / folder).mkdir(parents=True)
        pack = load_pack(Path(base), cpu=not chosen.full)
        nodes = {
            node.GET_SCHEMA().node_id: node
            for node in asyncio.run(asyncio.run(pack.comfy_entrypoint()).get_node_list())
        }
        import torch

        with torch.inference_mode():
            for family_id in chosen.family or FAMILIES:
                bench = Full if chosen.full else Tiny
                bench(family_id, nodes, Path(base)).run(chosen.pairs or (3 if chosen.full else 15))


class Bench(ABC):
    """One family: ``stock`` and ``ours`` render the same; a new ``caption`` is one that neither has read."""

    size, steps, cfg = 256, 8, 5.0
    pipeline: Any
    fibo: Any

    def __init__(self, family_id: str, nodes: dict[str, Any], base: Path) -> None:
        import torch

        from studioflow.families import family

        self.torch, self.nodes, self.base, self.family = torch, nodes, base, family(family_id)
        self.captions = 0
        self.load()

    @abstractmethod
    def load(self) -> None: ...

    def caption(self) -> str:
        from studioflow.caption import compile_for
        from studioflow.manifest import load
        from studioflow.resources import shipped

        self.captions += 1
        shot = load(shipped("samples") / "product_hero.json")
        shot = shot | {"scene": shot["scene"] | {"mood": f"calm, number {self.captions:05}"}}
        return compile_for(shot, "auto", self.family)[0].caption

    def stock(self, caption: str, seed: int, count: int = 1) -> Any:
        pictures = self.pipeline(
            prompt=caption,
            negative_prompt=None if self.family.dialect == "fibo-2" else "",
            width=self.size,
            height=self.size,
            num_inference_steps=self.steps,
            guidance_scale=self.cfg,
            num_images_per_prompt=count,
            generator=[self.torch.Generator("cpu").manual_seed(seed + index) for index in range(count)],
            output_type="pt",
        ).images
        return pictures.permute(0, 2, 3, 1).float().cpu()

    def ours(self, caption: str, seed: int, count: int = 1) -> Any:
        settings = {"width": self.size, "height": self.size, "seed": seed, "steps": self.steps, "cfg": self.cfg}
        sampler = self.nodes["StudioFlowFiboSampler"]
        return run(sampler, fibo=self.fibo, caption=caption, negative="", count=count, **settings)[0]

    def measured(self, work: Callable[[], Any]) -> tuple[float, float]:
        """Seconds, and the most memory in MiB."""
        self.reset_peak()
        self.sync()
        before = time.perf_counter()
        work()
        self.sync()
        return time.perf_counter() - before, self.peak()

    def sync(self) -> None:
        if self.torch.cuda.is_available():
            self.torch.cuda.synchronize()

    def reset_peak(self) -> None:
        if self.torch.cuda.is_available():
            self.torch.cuda.reset_peak_memory_stats()
        elif (refs := Path("/proc/self/clear_refs")).exists():
            refs.write_text("5")

    def peak(self) -> float:
        if self.torch.cuda.is_available():
            return self.torch.cuda.max_memory_allocated() / 2**20
        status = Path("/proc/self/status")
        if not status.exists():
            return float("nan")
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    @abstractmethod
    def run(self, pairs: int) -> None: ...


class Tiny(Bench):
    """The stand-ins, stock and ours in turn, so that a machine whose speed drifts drifts for both."""

    def load(self) -> None:
        from studioflow.fibo.standin import make_standins

        made = make_standins(self.base / "models" / "diffusers", {f"standin-{self.family.id}": self.family.id})
        import diffusers

        self.fibo = run(self.nodes["StudioFlowFiboLoader"], model=made[0].name, dtype="auto")[0]
        self.family = self.fibo.family
        self.pipeline = getattr(diffusers, self.family.pipeline).from_pretrained(made[0], local_files_only=True)
        self.pipeline.set_progress_bar_config(disable=True)

    def run(self, pairs: int) -> None:
        caption = self.caption()
        ours, theirs = self.ours(caption, 1), self.stock(caption, 1)
        assert (ours - theirs).abs().max() < 1e-4
        print(f"\n{self.family.title}, {self.size} x {self.size}, {self.steps} steps, cfg {self.cfg:g}")
        ratios: dict[str, list[float]] = {"first picture": [], "next seed": [], f"{VARIATIONS} variations": []}
        seconds: dict[str, list[float]] = {name: [] for name in ratios}
        memory: list[float] = []
        shares = []
        for pair in range(pairs):
            caption = self.caption()
            works = {"first picture": (10, 1), "next seed": (11, 1), f"{VARIATIONS} variations": (20, VARIATIONS)}
            for name, (seed, count) in works.items():
                times, peaks = {}, {}
                for work in (self.ours, self.stock) if pair % 2 else (self.stock, self.ours):
                    times[work], peaks[work] = self.measured(lambda: work(caption, seed, count))  # noqa: B023
                ratios[name].append(times[self.ours] / times[self.stock])
                seconds[name].append(times[self.stock])
                memory.append(peaks[self.ours] - peaks[self.stock])
            text = self.measured(lambda: self.pipeline.encode_prompt(caption))[0]  # noqa: B023
            shares.append(text / seconds["next seed"][-1])
        share = statistics.median(shares)
        for name, values in ratios.items():
            target = {"first picture": TARGET_FIRST, "next seed": TARGET_NEXT if share >= 0.15 else None}.get(name)
            print(f"  {name}: stock pipeline {statistics.median(seconds[name]):.3f} s")
            report("    FIBO Sampler / stock pipeline", values, "x", target=target)
        print(f"  reading the caption takes {share:.0%} of the stock pipeline's time")
        report("  peak memory, FIBO Sampler - stock pipeline", memory, "MiB")


class Full(Bench):
    """The real architectures with random weights: stock first, then lent to us, because both do not fit at once."""

    size, steps = 1024, 30
    seed = 0
    modes: ClassVar[dict[str, dict[str, Any]]] = {
        "exact": {},
        "exact, compiled": {"compile": True},
        "approximate, step_cache 0.1": {"step_cache": 0.1},
        "approximate, step_cache 0.2": {"step_cache": 0.2},
        "approximate, step_cache 0.2, compiled": {"step_cache": 0.2, "compile": True},
    }

    def load(self) -> None:
        from studioflow.fibo.standin import build

        default = self.torch.get_default_dtype()
        self.torch.set_default_dtype(self.torch.bfloat16)
        try:
            # Outside inference mode, as FIBO Loader loads: ComfyUI could not move the weights otherwise.
            with self.torch.inference_mode(False), self.torch.device("cuda"):
                self.pipeline = build(self.family.id, "full")
                self.pipeline.to("cuda", self.torch.bfloat16)
        finally:
            self.torch.set_default_dtype(default)
        self.pipeline.set_progress_bar_config(disable=True)

    def run(self, pairs: int) -> None:
        self.cfg = self.family.cfg
        print(f"\n{self.family.title}, random weights, {self.size} x {self.size}, {self.steps} steps, cfg {self.cfg:g}")
        print(f"{self.torch.cuda.get_device_name()}, torch {self.torch.__version__}, bfloat16")
        stock = self.mode("stock pipeline", self.stock, pairs)
        self.kernels("stock pipeline", lambda caption: self.stock(caption, 1))
        self.lend()
        from studioflow.fibo.speed import Speed

        for name, settings in self.modes.items():
            speed = Speed(**settings)
            self.fibo = replace(self.fibo, speed=speed)
            caption = self.caption()
            picture = self.ours(caption, 1)
            exact = self.ours_plain(caption) if speed.step_cache else None
            seconds = self.mode(name, self.ours, pairs)
            print(f"    {stock / seconds:.2f} x the stock pipeline's speed")
            if exact is not None:
                off = (picture - exact).abs()
                print(f"    deviation: mean {off.mean():.4f}, most {off.max():.4f}")
        self.fibo = replace(self.fibo, speed=Speed())
        self.kernels("exact", lambda caption: self.ours(caption, 2))

    def ours_plain(self, caption: str) -> Any:
        from studioflow.fibo.speed import Speed

        kept, self.fibo = self.fibo, replace(self.fibo, speed=Speed(compile=self.fibo.speed.compile))
        try:
            return self.ours(caption, 1)
        finally:
            self.fibo = kept

    def lend(self) -> None:
        import sys

        from studioflow.fibo.model import FiboModel, remember, take

        host = sys.modules["studioflow_pack.nodes.host"]
        remember(self.pipeline, f"random weights of {self.family.id}")
        self.fibo = FiboModel(
            pipeline=self.pipeline,
            name="random weights",
            family=self.family,
            fingerprint="0" * 64,
            notice="random weights",
            folder=self.base,
            memory=take(self.pipeline, "cuda", host.memory),
            dtype="bfloat16",
        )

    def mode(self, name: str, work: Callable[..., Any], pairs: int) -> float:
        """Prints what one way of rendering takes, and gives the median seconds for the next seed."""
        work(self.caption(), 1)
        taken: dict[str, list[float]] = {"first picture": [], "next seed": [], f"{VARIATIONS} variations": []}
        most = 0.0
        for pair in range(pairs):
            caption = self.caption()
            for what, count in (("first picture", 1), ("next seed", 1), (f"{VARIATIONS} variations", VARIATIONS)):
                if count > 1 and pair:
                    continue
                # Never twice the same: a finished picture would not be rendered again.
                self.seed += 100
                seconds, peak = self.measured(lambda: work(caption, self.seed, count))  # noqa: B023
                taken[what].append(seconds)
                most = max(most, peak)
        print(f"  {name}, peak memory {most / 1024:.1f} GiB")
        for what, values in taken.items():
            report(f"    {what}", values, "s")
        return statistics.median(taken["next seed"])

    def kernels(self, name: str, work: Callable[[str], Any]) -> None:
        """The floor: what the GPU's kernels take, were there no gap between them."""
        from torch.profiler import ProfilerActivity, profile

        caption = self.caption()
        with profile(activities=[ProfilerActivity.CUDA]) as profiled:
            seconds, _ = self.measured(lambda: work(caption))
        busy = sum(event.self_device_time_total for event in profiled.key_averages()) / 1e6
        print(f"  {name}: {busy:.2f} s of kernels in {seconds:.2f} s")


def run(node: Any, **inputs: Any) -> tuple[Any, ...]:
    return node.PREPARE_CLASS_CLONE({}).EXECUTE_NORMALIZED(**inputs).args


if __name__ == "__main__":
    main()
