"""What the FIBO Sampler node costs over the stock pipeline: both in this process, with the same tiny model, in turn.

The ratio of each pair is taken, so that a machine whose speed drifts drifts for both. Target: at most 1.02.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from _common import load_pack, report

PAIRS = 30
SIZE, STEPS = 256, 8


def main() -> None:
    from studioflow.caption import compile_for
    from studioflow.fibo.standin import make_standins
    from studioflow.manifest import load
    from studioflow.resources import shipped

    with tempfile.TemporaryDirectory() as base:
        models = Path(base) / "models" / "diffusers"
        for folder in (models, Path(base) / "input", Path(base) / "output", Path(base) / "user"):
            folder.mkdir(parents=True)
        made = make_standins(models)
        pack = load_pack(Path(base))
        nodes = {
            node.GET_SCHEMA().node_id: node
            for node in asyncio.run(asyncio.run(pack.comfy_entrypoint()).get_node_list())
        }
        import torch

        for folder in made:
            fibo = run(nodes["StudioFlowFiboLoader"], model=folder.name, dtype="auto")[0]
            fibo.pipeline.set_progress_bar_config(disable=True)
            caption = compile_for(load(shipped("samples") / "product_hero.json"), "auto", fibo.family)[0].caption
            settings = {"width": SIZE, "height": SIZE, "seed": 1, "steps": STEPS, "cfg": 5.0, "count": 1}
            with torch.inference_mode():
                compare(folder.name, nodes["StudioFlowFiboSampler"], fibo, caption, settings)


def compare(name: str, node, fibo, caption: str, settings: dict) -> None:
    import torch

    def ours():
        return run(node, fibo=fibo, caption=caption, negative="", **settings)[0]

    def stock():
        return fibo.pipeline(
            prompt=caption,
            negative_prompt=None if fibo.family.dialect == "fibo-2" else "",
            width=settings["width"],
            height=settings["height"],
            num_inference_steps=settings["steps"],
            guidance_scale=settings["cfg"],
            generator=torch.Generator("cpu").manual_seed(settings["seed"]),
            output_type="pt",
        ).images

    assert torch.equal(ours(), stock().permute(0, 2, 3, 1).float())
    ratios, seconds = [], []
    for pair in range(PAIRS):
        order = (ours, stock) if pair % 2 else (stock, ours)
        times = {}
        for work in order:
            before = time.perf_counter()
            work()
            times[work] = time.perf_counter() - before
        ratios.append(times[ours] / times[stock])
        seconds.append(times[stock])
    print(f"{name}, {SIZE} x {SIZE}, {STEPS} steps: stock pipeline {statistics.median(seconds):.3f} s")
    report("  FIBO Sampler / stock pipeline", ratios, "x", target=1.02)


def run(node, **inputs) -> tuple:
    return node.PREPARE_CLASS_CLONE({}).EXECUTE_NORMALIZED(**inputs).args


if __name__ == "__main__":
    main()
