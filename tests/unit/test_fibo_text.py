"""Captions read once, by the real pipeline classes: the same pictures bit for bit, and the encoder really rests."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studioflow.errors import ModelError
from studioflow.fibo.cache import GIB, TextCache
from studioflow.fibo.text import remember_text

from ..standins import NO_FIBO_2

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

CAPTION = '{"short_description":"a cup"}'
OTHER = '{"short_description":"a jug"}'
EDIT = '{"edit_instruction":"make it blue"}'
WORDS = '{"short_description":"a sign","text_render":[{"text":"OPEN"}]}'
# A gradient in it, so that another size is another picture.
RED = Image.new("RGB", (64, 48), (200, 30, 30))
RED.paste(Image.linear_gradient("L").resize((64, 24)).convert("RGB"))
BLUE = Image.new("RGB", (64, 48), (30, 30, 200))

# FIBO 2 brings each of several pictures to this size squared, in latents: a megapixel by itself.
SAMPLE_SIZE = 8

# How each mode is called, and how many texts it encodes: FIBO 2 reads a caption with words to draw with and without
# their pictures.
MODES: dict[str, tuple[str, dict[str, Any], int]] = {
    "fibo-1": ("1", {"prompt": CAPTION}, 2),
    "fibo-1 edit": ("1 edit", {"prompt": EDIT, "image": RED}, 2),
    "fibo-2": ("2", {"prompt": CAPTION}, 2),
    "fibo-2 edit": ("2", {"prompt": EDIT, "image": RED}, 2),
    "fibo-2 two pictures": ("2", {"prompt": EDIT, "image": [RED, BLUE]}, 2),
    "fibo-2 words": ("2", {"prompt": WORDS}, 3),
}


@pytest.fixture(scope="module")
def pipelines(models: Path) -> dict[str, Any]:
    """Pipelines as diffusers loads them; nothing is ever put on these."""
    read = {
        folder.name[-1]: diffusers.DiffusionPipeline.from_pretrained(folder)
        for folder in models.iterdir()
        if folder.name[-2:] in ("-1", "-2")
    }
    for pipeline in read.values():
        pipeline.set_progress_bar_config(disable=True)
    return read | {"1 edit": diffusers.BriaFiboEditPipeline(**read["1"].components)}


class Watched:
    """A stock pipeline, one of the same parts that remembers, and how often their text encoder ran."""

    def __init__(self, stock: Any, limit_bytes: int = GIB) -> None:
        self.stock = stock
        self.stock.default_sample_size = SAMPLE_SIZE
        self.cache = TextCache(limit_bytes)
        self.ran = 0
        self.pipeline = self.another("encoder")

    def another(self, encoder: str, kind: type | None = None) -> Any:
        pipeline = (kind or type(self.stock))(**self.stock.components)
        pipeline.set_progress_bar_config(disable=True)
        pipeline.default_sample_size = SAMPLE_SIZE
        remember_text(pipeline, self.cache, encoder)
        return pipeline

    def count(self, *_: Any) -> None:
        self.ran += 1

    def runs(self, work: Callable[[], Any]) -> int:
        before = self.ran
        work()
        return self.ran - before


@pytest.fixture
def watch(pipelines: dict[str, Any]) -> Iterator[Callable[..., Watched]]:
    handles = []

    def make(name: str, limit_bytes: int = GIB) -> Watched:
        if name not in pipelines:
            pytest.skip(NO_FIBO_2)
        watched = Watched(pipelines[name], limit_bytes)
        handles.append(watched.stock.text_encoder.register_forward_hook(watched.count))
        return watched

    yield make
    for handle in handles:
        handle.remove()


def render(pipeline: Any, seed: int = 1, **arguments: Any) -> torch.Tensor:
    count = arguments.get("num_images_per_prompt", 1)
    settings = {"width": 64, "height": 64, "num_inference_steps": 2, "guidance_scale": 5.0, "output_type": "pt"}
    generators = [torch.Generator().manual_seed(seed + index) for index in range(count)]
    return pipeline(generator=generators if count > 1 else generators[0], **settings | arguments).images


@pytest.mark.parametrize("mode", MODES)
def test_the_same_pictures_and_the_encoder_runs_once(mode: str, watch: Callable[..., Watched]) -> None:
    name, asked, texts = MODES[mode]
    watched = watch(name)
    stock = {seed: render(watched.stock, seed, **asked) for seed in (1, 2)}
    ran = []
    # As ComfyUI runs nodes, and as everybody else does, in turns.
    for seed, inference in ((1, True), (2, False), (1, True)):
        with torch.inference_mode(inference):
            before = watched.ran
            assert torch.equal(render(watched.pipeline, seed, **asked), stock[seed])
            ran.append(watched.ran - before)
    assert ran == [texts, 0, 0]
    memory = watched.pipeline.studioflow_text
    assert (memory.encoded, memory.reused) == (texts - 1, 2 * (texts - 1))
    assert (memory.negatives_encoded, memory.negatives_reused) == (1, 2)
    assert not torch.equal(stock[1], stock[2])


@pytest.mark.parametrize("mode", ["fibo-1", "fibo-2 words"])
def test_switched_off_it_encodes_every_time_and_keeps_nothing(mode: str, watch: Callable[..., Watched]) -> None:
    name, asked, texts = MODES[mode]
    watched = watch(name)
    stock = render(watched.stock, **asked)
    memory = watched.pipeline.studioflow_text
    memory.enabled = False
    for _ in range(2):
        before = watched.ran
        assert torch.equal(render(watched.pipeline, **asked), stock)
        assert watched.ran - before == texts
    assert (memory.encoded, memory.negatives_encoded) == (2 * (texts - 1), 2)
    assert (memory.reused, memory.negatives_reused, watched.cache.size_bytes) == (0, 0, 0)
    memory.enabled = True
    assert watched.runs(lambda: render(watched.pipeline, **asked)) == texts
    memory.enabled = False
    assert watched.runs(lambda: render(watched.pipeline, **asked)) == texts


@pytest.mark.parametrize("name", ["1", "2"])
def test_the_null_caption_is_encoded_once_whatever_the_limit(name: str, watch: Callable[..., Watched]) -> None:
    watched = watch(name, limit_bytes=0)
    captions = [json.dumps({"short_description": text}) for text in ("a cup", "a jug", "a vase", "a bowl")]
    ran = [watched.runs(lambda c=caption: render(watched.pipeline, prompt=c)) for caption in captions]
    assert ran == [2, 1, 1, 1]
    assert watched.runs(lambda: render(watched.pipeline, prompt=CAPTION, negative_prompt=OTHER)) == 2


@pytest.mark.parametrize("name", ["1", "2"])
def test_another_caption_or_negative_is_read_anew(name: str, watch: Callable[..., Watched]) -> None:
    watched = watch(name)
    for asked, ran in (
        ({"prompt": CAPTION}, 2),
        ({"prompt": OTHER}, 1),
        ({"prompt": CAPTION, "negative_prompt": OTHER}, 0),
        ({"prompt": OTHER, "negative_prompt": CAPTION, "guidance_scale": 1.0}, 0),
        ({"prompt": [CAPTION, OTHER], "negative_prompt": [OTHER, CAPTION]}, 2),
        ({"prompt": [CAPTION, OTHER], "negative_prompt": [OTHER, CAPTION]}, 0),
    ):
        stock = render(watched.stock, **asked)
        before = watched.ran
        assert torch.equal(render(watched.pipeline, **asked), stock)
        assert watched.ran - before == ran, asked


@pytest.mark.parametrize("changed", [BLUE, [RED, RED], [RED, BLUE], RED.resize((64, 64))])
def test_other_pictures_with_the_same_text_are_read_anew(changed: Any, watch: Callable[..., Watched]) -> None:
    watched = watch("2")
    render(watched.pipeline, prompt=EDIT, image=RED)
    stock = render(watched.stock, prompt=EDIT, image=changed)
    before = watched.ran
    assert torch.equal(render(watched.pipeline, prompt=EDIT, image=changed), stock)
    assert watched.ran - before == 1
    assert watched.runs(lambda: render(watched.pipeline, prompt=EDIT, image=RED.copy())) == 0


def test_a_text_to_draw_is_part_of_the_key(watch: Callable[..., Watched]) -> None:
    watched = watch("2")
    render(watched.pipeline, prompt=WORDS)
    drawn = [Image.new("RGB", (64, 32), "white")]
    for asked, ran in (({"text_images": drawn}, 1), ({"render_text_images": False}, 1), ({"text_images": drawn}, 0)):
        stock = render(watched.stock, prompt=WORDS, **asked)
        before = watched.ran
        assert torch.equal(render(watched.pipeline, prompt=WORDS, **asked), stock)
        assert watched.ran - before == ran, asked


@pytest.mark.parametrize("mode", ["fibo-1", "fibo-1 edit", "fibo-2", "fibo-2 edit"])
def test_three_pictures_of_one_caption(mode: str, watch: Callable[..., Watched]) -> None:
    name, asked, _ = MODES[mode]
    watched = watch(name)
    render(watched.pipeline, **asked)
    stock = render(watched.stock, num_images_per_prompt=3, **asked)
    before = watched.ran
    assert torch.equal(render(watched.pipeline, num_images_per_prompt=3, **asked), stock)
    assert watched.ran == before and stock.shape[0] == 3
    assert not torch.equal(stock[0], stock[1])


@pytest.mark.parametrize("name", ["1", "1 edit"])
@pytest.mark.parametrize("prompt", [CAPTION, "", ["", ""], [CAPTION, "", OTHER + " "]])
@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_every_part_of_the_embeddings_is_the_stock_one(
    name: str, prompt: Any, dtype: torch.dtype | None, watch: Callable[..., Watched]
) -> None:
    watched = watch(name)
    for count in (1, 3, 1):
        embeds, states, mask = watched.stock.get_prompt_embeds(prompt, count, dtype=dtype)
        got_embeds, got_states, got_mask = watched.pipeline.get_prompt_embeds(prompt, count, dtype=dtype)
        assert got_embeds.dtype == embeds.dtype and len(got_states) == len(states)
        for got, expected in zip((got_embeds, *got_states, got_mask), (embeds, *states, mask), strict=True):
            assert torch.equal(got, expected) and got.dtype == expected.dtype
            got.data.zero_()


def test_what_fibo_1_says_twice_is_kept_once(watch: Callable[..., Watched]) -> None:
    watched = watch("1")
    with torch.no_grad():
        _, states, mask = watched.pipeline.get_prompt_embeds(CAPTION)
    assert watched.cache.size_bytes == sum(tensor.nbytes for tensor in (*states, mask))


def test_embeddings_of_another_make_are_kept_as_they_are(watch: Callable[..., Watched]) -> None:
    class Louder(diffusers.BriaFiboPipeline):
        def get_prompt_embeds(
            self,
            prompt: Any,
            num_images_per_prompt: int = 1,
            max_sequence_length: int = 2048,
            device: Any = None,
            dtype: Any = None,
        ) -> Any:
            asked = (prompt, num_images_per_prompt, max_sequence_length, device, dtype)
            embeds, states, mask = super().get_prompt_embeds(*asked)
            return 2 * embeds, states, mask

    watched = watch("1")
    louder = watched.another("louder", Louder)
    for dtype in (torch.float32, torch.bfloat16, torch.float32, torch.bfloat16):
        expected = 2 * watched.stock.get_prompt_embeds(CAPTION, dtype=dtype)[0]
        assert torch.equal(louder.get_prompt_embeds(CAPTION, dtype=dtype)[0], expected)
    assert louder.studioflow_text.reused == 2


@pytest.mark.parametrize("name", ["1", "2"])
@pytest.mark.parametrize("negative", ["", OTHER])
def test_only_captions_count_as_reused(name: str, negative: str, watch: Callable[..., Watched]) -> None:
    watched = watch(name)
    memory = watched.pipeline.studioflow_text
    memory.negative = negative
    asked = {"negative_prompt": negative or None}
    for caption, counts in ((CAPTION, (1, 0, 1, 0)), (EDIT, (2, 0, 1, 1)), (CAPTION, (2, 1, 1, 2))):
        render(watched.pipeline, prompt=caption, **asked)
        assert (memory.encoded, memory.reused, memory.negatives_encoded, memory.negatives_reused) == counts
    assert watched.ran == 3


@pytest.mark.parametrize(
    ("name", "long", "limit"),
    [
        ("1", "{}" + "a" * 3000, 3000),
        ("1 edit", json.dumps({"edit_instruction": "a" * 3000}), 3000),
        ("2", "a" * 4096, 4096),
    ],
    ids=["fibo-1", "fibo-1 edit", "fibo-2"],
)
@pytest.mark.parametrize("socket", ["prompt", "negative_prompt"])
@pytest.mark.parametrize("told", [True, False])
def test_a_text_longer_than_the_encoder_reads(
    name: str, long: str, limit: int, socket: str, told: bool, watch: Callable[..., Watched]
) -> None:
    watched = watch(name)
    asked = {"prompt": EDIT, "negative_prompt": OTHER} | {socket: long}
    if told:
        watched.pipeline.studioflow_text.negative = asked["negative_prompt"]
    role = {"prompt": "caption", "negative_prompt": "negative"}[socket] if told else "caption or negative"
    with pytest.raises(ModelError) as caught:
        render(watched.pipeline, **asked, **({"image": RED} if name == "1 edit" else {}))
    assert caught.value.problem == f"the {role} is longer than the model reads"
    assert caught.value.where == f'{role} "{long[:60]}…"'
    # A token a byte; FIBO 2 writes a turn of a chat around it, of 5 special tokens and words.
    frame = 3 + len("user\n" + "\n" + "assistant\n") if name == "2" else 0
    assert caught.value.found == f"{len(long) + frame:,} tokens"
    assert caught.value.allowed == f"at most {limit:,} tokens"
    # The caption is read first.
    assert watched.ran == (socket == "negative_prompt")


@pytest.mark.parametrize("mode", ["fibo-1", "fibo-2", "fibo-2 two pictures"])
def test_the_last_token_that_fits(mode: str, watch: Callable[..., Watched]) -> None:
    name, asked, _ = MODES[mode]
    watched = watch(name)

    def read(pipeline: Any, limit: int) -> Any:
        if name == "1":
            return pipeline.get_prompt_embeds(asked["prompt"], max_sequence_length=limit)[0]
        pipeline.tokenizer_max_length = limit
        pictures = asked.get("image")
        return pipeline.encode_prompt(asked["prompt"], pictures)[0]

    tokens = read(watched.stock, 4096).shape[-2]
    try:
        assert torch.equal(read(watched.pipeline, tokens), read(watched.stock, tokens))
    finally:
        if name == "2":
            watched.stock.tokenizer_max_length = 4096
    with pytest.raises(ModelError, match="longer than the model reads") as caught:
        read(watched.pipeline, tokens - 1)
    assert caught.value.found == f"{tokens} tokens"
    role = "caption with its pictures" if "image" in asked else "caption or negative"
    assert caught.value.problem == f"the {role} is longer than the model reads"


def test_fibo_1_and_its_edit_pipeline_share_what_one_encoder_read(
    pipelines: dict[str, Any], watch: Callable[..., Watched]
) -> None:
    watched = watch("1")
    edit = watched.another("encoder", diffusers.BriaFiboEditPipeline)
    stock = render(pipelines["1 edit"], prompt=EDIT, image=BLUE)
    render(watched.pipeline, prompt=CAPTION)
    before = watched.ran
    assert torch.equal(render(edit, prompt=EDIT, image=BLUE), stock)
    assert watched.ran - before == 1
    # Its pictures never reach the text encoder.
    assert watched.runs(lambda: render(edit, prompt=EDIT, image=RED)) == 0
    assert watched.runs(lambda: render(watched.another("quantized"), prompt=CAPTION)) == 2
    assert watched.runs(lambda: render(watched.another("quantized"), prompt=CAPTION)) == 0


def test_a_caption_that_had_to_leave_is_read_again_with_the_same_bits(watch: Callable[..., Watched]) -> None:
    watched = watch("1")
    stock = render(watched.stock, prompt=CAPTION)
    render(watched.pipeline, prompt=CAPTION)
    watched.cache.limit_bytes = watched.cache.size_bytes
    assert watched.runs(lambda: render(watched.pipeline, prompt=OTHER)) == 1
    assert watched.cache.size_bytes <= watched.cache.limit_bytes
    before = watched.ran
    assert torch.equal(render(watched.pipeline, prompt=CAPTION), stock)
    assert watched.ran - before == 1


@pytest.mark.parametrize("name", ["1", "2"])
def test_a_pipeline_goes_with_its_last_reference(name: str, watch: Callable[..., Watched]) -> None:
    watched = watch(name)
    render(watched.pipeline, prompt=CAPTION)
    gone = weakref.ref(watched.pipeline)
    gc.collect()
    gc.disable()
    try:
        watched.pipeline = None
        assert gone() is None
    finally:
        gc.enable()


def test_a_pipeline_of_another_kind() -> None:
    with pytest.raises(ModelError, match="cannot be remembered") as caught:
        remember_text(Path, TextCache(), "encoder")
    assert caught.value.found == "type" and "BriaFibo2Pipeline" in caught.value.allowed
