"""How often each way from words to a shot gives a valid caption, and what our side of a question costs.

The recorded answers are every way we know in which models answer, well or badly, and no sample of what one model does:
the rates tell what is taken, mended and refused, not how good a model is. Real weights were not here.

    python dev.py bench
    python benchmarks/answers.py
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from _common import ROOT, report

sys.path.insert(0, str(ROOT / "tests" / "unit"))
sys.path.insert(0, str(ROOT / "tests"))
import brief_set
from jsonschema import Draft202012Validator

from studioflow.caption import compile_manifest
from studioflow.errors import StudioFlowError
from studioflow.manifest import schema, validate
from studioflow.manifest.schema import CAPTION
from studioflow.translate.answer import caption_of
from studioflow.translate.brief import read_brief

CAPTIONS = 20
"""The test of 200 stands in tests/unit/test_local_vlm.py."""
RUNS = 20


def main() -> None:
    print("valid answers")
    rules()
    recorded()
    local()
    overhead()


def show(way: str, valid: int, of: int, more: str = "") -> None:
    print(f"  {way}: {valid} of {of} ({valid / of:.0%}){more}")


def is_caption(caption: dict) -> bool:
    return Draft202012Validator(schema(CAPTION)).is_valid(caption)


def rules() -> None:
    texts = [entry["brief"] for name in (*brief_set.ENGLISH, *brief_set.LANGUAGES) for entry in brief_set.load(name)]
    valid = 0
    for text in texts:
        manifest = read_brief(text).manifest
        validate(manifest)
        valid += is_caption(json.loads(compile_manifest(manifest, "fibo-2").caption))
    show("rules, labelled briefs", valid, len(texts))


def recorded() -> None:
    rows = json.loads((ROOT / "tests/data/replies/replies.json").read_text(encoding="utf-8"))
    names = [name for name, row in rows.items() if not name.startswith("_") and "said" in row]
    for way, repair in (("as they came", False), ("repaired", True)):
        refused = []
        for name in names:
            text = (ROOT / "tests/data/replies" / rows[name]["said"]).read_text(encoding="utf-8")
            try:
                assert is_caption(caption_of(text, repair=repair).caption)
            except StudioFlowError:
                refused.append(name)
        more = f"; refused with the place: {', '.join(refused)}" if repair else ""
        show(f"recorded answers of language models, {way}", len(names) - len(refused), len(names), more)


def local() -> None:
    import torch

    from studioflow.translate.local import answer_locally, load_local_model
    from studioflow.translate.requests import Ask
    from studioflow.translate.standin_vlm import make_standin_vlm

    with tempfile.TemporaryDirectory() as folder:
        model = load_local_model(make_standin_vlm(Path(folder) / "tiny"))
        ask = Ask("generate", prompt="a steel coffee grinder on oak")
        valid = tokens = 0
        start = time.perf_counter()
        for seed in range(CAPTIONS):
            reply = answer_locally(model, ask._replace(seed=seed), max_tokens=10, temperature=1.0)
            valid += is_caption(json.loads(reply.text))
            tokens += reply.tokens
        each = (time.perf_counter() - start) / tokens * 1e3
        show("tiny Qwen3-VL with random weights, constrained", valid, CAPTIONS, f"; {each:.1f} ms a token in all")
        asked = model.tokenizer("a steel coffee grinder on oak", return_tensors="pt")
        free = 0
        for seed in range(20):
            torch.manual_seed(seed)
            ids = model.model.generate(**asked, max_new_tokens=400, do_sample=True, temperature=1.0)
            text = model.tokenizer.decode(ids[0, asked["input_ids"].shape[1] :])
            try:
                caption_of(text)
                free += 1
            except StudioFlowError:
                pass
        show("the same without the grammar", free, 20)


def overhead() -> None:
    from chat_server import ChatServer

    from studioflow.translate.ask import ask, close
    from studioflow.translate.requests import Ask

    print("one question to a server on this machine that answers at once")
    with ChatServer(["good"]) as server:
        profile = server.profile()
        start = time.perf_counter()
        ask(Ask("generate", prompt="a cup"), profile)
        print(f"  the first, with the start of the process and its imports: {time.perf_counter() - start:.1f} s")
        times = []
        for seed in range(RUNS):
            start = time.perf_counter()
            ask(Ask("generate", prompt="a cup", seed=seed), profile)
            times.append((time.perf_counter() - start) * 1e3)
        report("  each later one", times, "ms")
    close()


if __name__ == "__main__":
    main()
