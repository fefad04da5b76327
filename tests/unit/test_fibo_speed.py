"""FIBO made faster: what is exact stays so, what approximates says so, and the model is afterwards as it was."""

from __future__ import annotations

import copy
import importlib.util
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studioflow.errors import ModelError
from studioflow.fibo import speed
from studioflow.fibo.lora import Lora, activate, read_lora
from studioflow.fibo.menus import ATTENTION
from studioflow.fibo.speed import _ATTENTION, Speed, approximations, prepare, running

from ..standins import NO_FIBO_2

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
safetensors = pytest.importorskip("safetensors.torch")
Image = pytest.importorskip("PIL.Image")

CAPTION = json.dumps({"short_description": "a cup"})
EDIT = json.dumps({"short_description": "a cup", "edit_instruction": "make it red"})
ALL = Speed(step_cache=1e9)


@pytest.fixture
def pipeline(model: Any) -> Iterator[Any]:
    yield model.pipeline
    prepare(model.pipeline, Speed())


@pytest.fixture
def fibo_1(loaded: dict[str, Any]) -> Iterator[Any]:
    yield loaded["1"].pipeline
    prepare(loaded["1"].pipeline, Speed())


@pytest.fixture
def fibo_2(loaded: dict[str, Any]) -> Any:
    if "2" not in loaded:
        pytest.skip(NO_FIBO_2)
    return loaded["2"].pipeline


def render(pipeline: Any, **changes: Any) -> torch.Tensor:
    """Latents of 64 × 48 pixels after four steps, unless told otherwise."""
    arguments = {
        "prompt": CAPTION,
        "width": 64,
        "height": 48,
        "num_inference_steps": 4,
        "guidance_scale": 5.0,
        "generator": torch.Generator().manual_seed(3),
        "output_type": "latent",
    }
    return pipeline(**arguments | changes).images


def shape_of(pipeline: Any) -> tuple[Any, ...]:
    """Everything that a render could leave behind on the transformer."""
    transformer = pipeline.transformer
    return (
        [(name, type(module)) for name, module in transformer.named_modules()],
        list(transformer.state_dict()),
        transformer.forward,
        [set(vars(module)) for module in transformer.modules()],
        [len(module._forward_pre_hooks) + len(module._forward_hooks) for module in transformer.modules()],
    )


def lengths_seen(transformer: Any) -> list[tuple[int, int]]:
    """Rows and prompt tokens of every pass that really reaches the text's own layer; grows while it renders."""
    seen: list[tuple[int, int]] = []
    transformer.context_embedder.register_forward_hook(lambda _, given, __: seen.append(tuple(given[0].shape[:2])))
    return seen


PICTURES = [Image.new("RGB", size, color) for size, color in (((64, 48), "teal"), ((48, 80), "orange"))]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("1", {}),
        ("1", {"negative_prompt": "{}" * 30}),
        ("1", {"num_images_per_prompt": 3}),
        ("1", {"prompt": [CAPTION, CAPTION + " " * 9], "negative_prompt": ["", "{}"]}),
        ("1", {"guidance_scale": 1.0}),
        ("edit", {"prompt": EDIT, "image": PICTURES}),
        ("edit", {"prompt": EDIT, "image": PICTURES[0], "mask": Image.new("L", (64, 48), 255)}),
    ],
)
def test_without_padding_the_picture_is_the_same(loaded: dict[str, Any], kind: str, changes: dict[str, Any]) -> None:
    pipeline = loaded[kind].pipeline
    stock = render(pipeline, **changes)
    with running(pipeline, Speed()) as report:
        ours = render(pipeline, **changes)
    assert torch.allclose(ours, stock, rtol=0, atol=1e-5)
    assert (report.steps, report.skipped) == (0, 0)


def test_padding_is_really_left_out(fibo_1: Any) -> None:
    seen = lengths_seen(fibo_1.transformer)
    render(fibo_1, num_inference_steps=1, num_images_per_prompt=3)
    assert seen == [(6, len(CAPTION))]
    seen.clear()
    with running(fibo_1, Speed()):
        render(fibo_1, num_inference_steps=1, num_images_per_prompt=3)
    assert seen == [(3, len(CAPTION)), (3, 1)]
    seen.clear()
    with running(fibo_1, Speed(skip_padding=False)):
        render(fibo_1, num_inference_steps=1)
    assert seen == [(2, len(CAPTION))]
    fibo_1.transformer.context_embedder._forward_hooks.clear()


def transformer_inputs(pipeline: Any) -> dict[str, Any]:
    """What the stock pipeline gives its transformer in the first step."""
    given: dict[str, Any] = {}
    hook = pipeline.transformer.register_forward_pre_hook(lambda _, __, named: given.update(named), with_kwargs=True)
    render(pipeline, num_inference_steps=1)
    hook.remove()
    return given


def test_arguments_by_position_and_a_result_by_name(fibo_1: Any) -> None:
    given = transformer_inputs(fibo_1)
    order = ("hidden_states", "encoder_hidden_states", "text_encoder_layers", "pooled_projections", "timestep")
    positional = [given.pop(name, None) for name in order]
    with torch.no_grad():
        stock = fibo_1.transformer(*positional, **given | {"return_dict": True})
        with running(fibo_1, Speed()):
            ours = fibo_1.transformer(*positional, **given | {"return_dict": True})
    assert type(ours) is type(stock)
    assert torch.allclose(ours.sample, stock.sample, rtol=0, atol=1e-5)
    assert not torch.equal(ours.sample, torch.zeros_like(ours.sample))


def test_a_mask_that_is_no_padding_is_obeyed(fibo_1: Any) -> None:
    given = transformer_inputs(fibo_1)
    mask = given["joint_attention_kwargs"]["attention_mask"].clone()
    mask[..., 0] = False
    given["joint_attention_kwargs"] = {"attention_mask": mask}
    with torch.no_grad():
        stock = fibo_1.transformer(**given)[0]
        with running(fibo_1, Speed()):
            assert torch.equal(fibo_1.transformer(**given)[0], stock)


def test_the_mask_is_read_once_a_render(fibo_1: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[torch.Tensor] = []
    read = torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda tensor: (reads.append(tensor), read(tensor))[1])
    render(fibo_1)
    stock = len(reads)
    with running(fibo_1, Speed()):
        render(fibo_1)
    assert len(reads) == 2 * stock + 1


def test_without_a_step_cache_fibo_2_is_the_stock_pipeline(fibo_2: Any) -> None:
    stock = render(fibo_2)
    with running(fibo_2, Speed()):
        assert torch.equal(render(fibo_2), stock)


@pytest.mark.parametrize("skip_padding", [True, False])
@pytest.mark.parametrize("cfg", [5.0, 1.0])
def test_a_cache_that_never_skips_changes_no_bit(pipeline: Any, skip_padding: bool, cfg: float) -> None:
    with running(pipeline, Speed(skip_padding)):
        off = render(pipeline, guidance_scale=cfg)
    with running(pipeline, Speed(skip_padding, step_cache=1e-12)) as report:
        assert torch.equal(render(pipeline, guidance_scale=cfg), off)
    assert (report.steps, report.skipped) == (4, 0)


@pytest.mark.parametrize("steps", [1, 2, 3, 6])
def test_the_first_and_the_last_step_always_run(pipeline: Any, steps: int) -> None:
    with running(pipeline, ALL) as report:
        latents = render(pipeline, num_inference_steps=steps)
    assert torch.isfinite(latents).all()
    assert (report.steps, report.skipped) == (steps, max(0, steps - 2))


def test_skipping_comes_to_the_same_with_and_without_padding(fibo_1: Any) -> None:
    with running(fibo_1, ALL._replace(skip_padding=False)):
        padded = render(fibo_1)
    with running(fibo_1, ALL) as report:
        assert torch.allclose(render(fibo_1), padded, rtol=0, atol=1e-5)
    assert report.skipped == 2


@pytest.mark.parametrize("changes", [{"guidance_scale": 1.0}, {"num_images_per_prompt": 2}])
def test_skips_without_guidance_and_in_batches(pipeline: Any, changes: dict[str, Any]) -> None:
    with running(pipeline, ALL) as report:
        latents = render(pipeline, **changes)
    assert report.skipped == 2
    stock = render(pipeline, **changes)
    assert latents.shape == stock.shape and not torch.equal(latents, stock)


def test_skips_in_an_edit_with_references(loaded: dict[str, Any]) -> None:
    with running(loaded["edit"].pipeline, ALL) as report:
        latents = render(loaded["edit"].pipeline, prompt=EDIT, image=PICTURES)
    assert report.skipped == 2 and torch.isfinite(latents).all()


def test_a_skipped_step_runs_the_first_block_only(pipeline: Any) -> None:
    transformer = pipeline.transformer
    blocks = [module for module in transformer.modules() if type(module).__name__ in transformer._repeated_blocks]
    runs = dict.fromkeys(blocks, 0)

    def count(module: Any, *_: Any) -> None:
        runs[module] += 1

    hooks = [block.register_forward_hook(count) for block in blocks]
    with running(pipeline, ALL):
        render(pipeline, num_inference_steps=6)
    for hook in hooks:
        hook.remove()
    # Two passes a step; FIBO 2's refiner comes before its blocks.
    before = len(getattr(transformer, "noise_refiner", ())) + 1
    assert sorted(runs.values(), reverse=True) == [12] * before + [4] * (len(blocks) - before)


def test_a_step_is_reused_as_its_definition_says(fibo_1: Any) -> None:
    """Step 2 of 3, made by hand: what its own first block says, plus what the others added in step 1."""
    transformer = fibo_1.transformer
    double, single = transformer.transformer_blocks[0], transformer.single_transformer_blocks[0]
    firsts, lasts, heads = [], [], []
    hooks = [
        double.register_forward_hook(lambda *given: firsts.append(given[-1][1])),
        single.register_forward_hook(lambda *given: lasts.append(given[-1])),
        transformer.norm_out.register_forward_pre_hook(lambda _, given: heads.append(given[0])),
    ]
    with running(fibo_1, ALL._replace(skip_padding=False)):
        render(fibo_1, num_inference_steps=3)
    for hook in hooks:
        hook.remove()
    tokens = firsts[0].shape[1]
    assert len(firsts) == 3 and len(lasts) == 2
    expected = firsts[1] + (lasts[0][:, -tokens:] - firsts[0])
    assert torch.allclose(heads[1], expected, rtol=0, atol=1e-6)
    assert not torch.allclose(heads[1], heads[0], rtol=0, atol=1e-3)


def test_a_larger_threshold_skips_more_and_deviates_more(pipeline: Any) -> None:
    small = {"width": 32, "height": 32, "num_inference_steps": 10}
    with running(pipeline, Speed()):
        whole = render(pipeline, **small)
    skipped, deviations = [], []
    for threshold in (1e-12, 0.2, 0.6, 1e9):
        with running(pipeline, Speed(step_cache=threshold)) as report:
            latents = render(pipeline, **small)
        skipped.append(report.skipped)
        deviations.append((latents - whole).square().mean().item())
    assert skipped == sorted(skipped) and skipped[0] == 0 and 0 < skipped[2] < skipped[3] == 8
    assert deviations == sorted(deviations) and deviations[0] == 0 < deviations[2] < deviations[3]


def test_a_new_prompt_runs_whole(fibo_2: Any) -> None:
    prompt = json.dumps({"short_description": "a cup", "text_render": [{"text": "OK", "location": "on the cup"}]})
    with running(fibo_2, ALL) as plain:
        render(fibo_2, num_inference_steps=8)
    noise = [float(t) / 1000 for t in fibo_2.scheduler.timesteps]
    assert any(level > fibo_2.text_images_max_noise_level for level in noise[1:])
    with running(fibo_2, ALL) as switched:
        render(fibo_2, num_inference_steps=8, prompt=prompt)
    assert (plain.skipped, switched.skipped) == (6, 5)


def test_two_renders_in_one_run_do_not_mix(pipeline: Any) -> None:
    with running(pipeline, ALL):
        alone = render(pipeline)
    with running(pipeline, ALL) as report:
        render(pipeline, width=96)
        assert torch.equal(render(pipeline), alone)
    assert (report.steps, report.skipped) == (8, 4)


@pytest.mark.parametrize("stopped_at", [0, 1, 2])
def test_afterwards_the_model_is_as_it_was(pipeline: Any, stopped_at: int) -> None:
    before, stock = shape_of(pipeline), render(pipeline)

    class Stop(Exception):
        pass

    def stop(_: Any, step: int, *__: Any) -> dict[str, Any]:
        if step == stopped_at:
            raise Stop
        return {}

    with pytest.raises(Stop), running(pipeline, ALL):
        render(pipeline, callback_on_step_end=stop)
    assert shape_of(pipeline) == before
    assert torch.equal(render(pipeline), stock)


def test_works_in_inference_mode_and_outside_after_it(pipeline: Any) -> None:
    with torch.inference_mode(), running(pipeline, ALL):
        inside = render(pipeline)
    with running(pipeline, ALL):
        assert torch.equal(render(pipeline), inside)


@pytest.fixture
def dynamo(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A compiler that has compiled nothing yet, and does not tell pytest's log capture everything it thinks."""
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "disabled", True)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    return torch._dynamo


def test_compiled_blocks_render_the_same_with_all_the_rest_and_are_taken_back(pipeline: Any, dynamo: Any) -> None:
    speed = Speed(step_cache=0.6)
    before = shape_of(pipeline)
    with running(pipeline, speed) as eager:
        expected = render(pipeline, num_inference_steps=6)
    assert 0 < eager.skipped
    # Traces and guards as for real; what inductor makes of the graphs takes it minutes.
    prepare(pipeline, speed._replace(compile=True), compiler="eager")
    prepare(pipeline, speed._replace(compile=True), compiler="eager")
    with running(pipeline, speed._replace(compile=True)) as compiled:
        ours = render(pipeline, num_inference_steps=6)
    assert dynamo.utils.counters["stats"]["unique_graphs"] > 0
    assert not dynamo.utils.counters["graph_break"]
    assert torch.allclose(ours, expected, rtol=0, atol=1e-5)
    assert compiled.skipped == eager.skipped
    prepare(pipeline, speed)
    assert shape_of(pipeline) == before


@pytest.fixture
def lora(loaded: dict[str, Any], tmp_path: Path) -> Iterator[Callable[[int], Lora]]:
    """Makes LoRAs over one layer of each block, which are taken off after the test."""
    model = loaded["1"]
    layers = [
        (name, layer)
        for name, layer in model.pipeline.transformer.named_modules()
        if isinstance(layer, torch.nn.Linear) and name.endswith(".to_q")
    ]

    def make(seed: int) -> Lora:
        random, tensors = torch.Generator().manual_seed(seed), {}
        for name, layer in layers:
            shapes = {"A": (2, layer.in_features), "B": (layer.out_features, 2)}
            for factor, shape in shapes.items():
                tensors[f"transformer.{name}.lora_{factor}.weight"] = torch.randn(shape, generator=random) / 4
        path = tmp_path / f"{seed}.safetensors"
        safetensors.save_file(tensors, path)
        return read_lora(path.name, path, 1.0, model.family)

    yield make
    activate(model.pipeline, ())


def test_any_number_of_loras_is_compiled(
    fibo_1: Any, dynamo: Any, lora: Callable[[int], Lora], monkeypatch: pytest.MonkeyPatch
) -> None:
    # One kind of block, and without guidance one kind of input: one graph for each set of LoRAs.
    monkeypatch.setattr(fibo_1.transformer, "_repeated_blocks", ["BriaFiboSingleTransformerBlock"])
    monkeypatch.setattr(speed, "MOST_GRAPHS", 1)
    small = {"width": 32, "height": 32, "num_inference_steps": 1, "guidance_scale": 1.0}
    compiled, graphs = Speed(compile=True), []
    prepare(fibo_1, compiled, compiler="eager")
    for one in map(lora, range(6)):
        for strength in (1.0, 0.5):
            activate(fibo_1, (one._replace(strength=strength),))
            with running(fibo_1, compiled):
                ours = render(fibo_1, **small)
            graphs.append(dynamo.utils.counters["stats"]["unique_graphs"])
    # A strength is no reason to compile.
    assert graphs == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    assert dynamo.utils.counters["frames"] == {"total": 6, "ok": 6}
    prepare(fibo_1, Speed())
    assert torch.allclose(ours, render(fibo_1, **small), rtol=0, atol=1e-5)


@pytest.mark.usefixtures("dynamo")
def test_more_kinds_of_blocks_than_can_be_compiled(fibo_1: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "MOST_GRAPHS", 1)
    prepare(fibo_1, Speed(compile=True), compiler="eager")
    with pytest.raises(ModelError, match="too many kinds of blocks"), running(fibo_1, Speed(compile=True)):
        render(fibo_1, num_inference_steps=1)


@pytest.mark.usefixtures("dynamo")
def test_a_compiler_that_fails(fibo_1: Any) -> None:
    def broken(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("no room for the temporary file")

    prepare(fibo_1, Speed(compile=True), compiler=broken)
    with pytest.raises(ModelError, match="cannot be compiled") as caught, running(fibo_1, Speed(compile=True)):
        render(fibo_1)
    assert "no room" in str(caught.value)


def test_no_cpp_compiler(fibo_1: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._inductor.config as inductor

    before = shape_of(fibo_1)
    monkeypatch.setattr(inductor.cpp, "cxx", ("no-such-compiler",))
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ModelError, match=r"no C\+\+ compiler"):
        prepare(fibo_1, Speed(compile=True))
    assert shape_of(fibo_1) == before


def on_cuda(pipeline: Any, **parts: Any) -> Any:
    """The pipeline with its execution device said to be a GPU, which is all that is asked before a render."""
    kind = type("OnCuda", (type(pipeline),), {"_execution_device": torch.device("cuda")})
    return kind(**pipeline.components | parts)


def in_half(pipeline: Any) -> Any:
    """The same with a transformer of its own in half precision."""
    return on_cuda(pipeline, transformer=copy.deepcopy(pipeline.transformer).to(torch.bfloat16))


def backends(pipeline: Any) -> set[Any]:
    processors = [getattr(module, "processor", None) for module in pipeline.transformer.modules()]
    return {processor._attention_backend for processor in processors if hasattr(processor, "_attention_backend")}


def test_attention_is_set_for_this_model_only_and_taken_back(pipeline: Any) -> None:
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    stock, default = render(pipeline), _AttentionBackendRegistry.get_active_backend()
    prepare(pipeline, Speed(attention="native"))
    assert backends(pipeline) == {"native"}
    assert torch.allclose(render(pipeline), stock, rtol=0, atol=1e-5)
    prepare(pipeline, Speed())
    half = in_half(pipeline)
    prepare(half, Speed(attention="cudnn"))
    assert backends(half) == {"_native_cudnn"} and backends(pipeline) == {None}
    prepare(half, Speed())
    assert backends(half) == {None}
    assert _AttentionBackendRegistry.get_active_backend() == default


@pytest.mark.parametrize("attention", ["flash", "sage", "xformers", "cudnn"])
def test_attention_that_needs_a_gpu(pipeline: Any, attention: str) -> None:
    with pytest.raises(ModelError, match=f"{attention} attention needs an NVIDIA or AMD GPU"):
        prepare(pipeline, Speed(attention=attention, channels_last=True))
    assert backends(pipeline) == {None}


@pytest.mark.parametrize("attention", ["flash", "sage", "cudnn"])
def test_attention_that_needs_half_precision(fibo_1: Any, attention: str) -> None:
    with pytest.raises(ModelError, match="half precision"):
        prepare(on_cuda(fibo_1), Speed(attention=attention))


@pytest.mark.parametrize(
    ("attention", "package"), [("flash", "flash_attn"), ("sage", "sageattention"), ("xformers", "xformers")]
)
def test_attention_that_is_not_installed(fibo_1: Any, attention: str, package: str) -> None:
    if importlib.util.find_spec(package):
        pytest.skip(f"{package} is installed here")
    half = in_half(fibo_1)
    with pytest.raises(ModelError, match=f"pip install {package.replace('_', '-')}"):
        prepare(half, Speed(attention=attention))
    assert backends(half) == {None}


@pytest.mark.parametrize("attention", ["flash", "sage"])
def test_attention_without_masks_needs_fibo_1_without_padding(fibo_1: Any, attention: str) -> None:
    with pytest.raises(ModelError, match="switch skip_padding on"):
        prepare(in_half(fibo_1), Speed(attention=attention, skip_padding=False))


@pytest.mark.parametrize(
    ("speed", "told"),
    [
        (Speed(attention="flsh"), 'did you mean "flash"'),
        (Speed(step_cache=-0.1), "no such threshold"),
        (Speed(step_cache=float("nan")), "no such threshold"),
    ],
)
def test_choices_that_do_not_exist(fibo_1: Any, speed: Speed, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        prepare(fibo_1, speed)


def strides(vae: Any) -> list[tuple[int, ...]]:
    return [parameter.stride() for parameter in vae.parameters()]


def test_channels_last_decodes_the_same_and_is_taken_back(pipeline: Any) -> None:
    vae = pipeline.vae
    before, stock = strides(vae), render(pipeline, output_type="pt")
    with torch.inference_mode():
        prepare(pipeline, Speed(channels_last=True))
    spatial = [parameter for parameter in vae.parameters() if parameter.ndim > 3 and max(parameter.shape[2:]) > 1]
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    assert spatial and all(weight.is_contiguous(memory_format=layouts[weight.ndim]) for weight in spatial)
    assert not any(weight.is_inference() for weight in vae.parameters())
    assert torch.allclose(render(pipeline, output_type="pt"), stock, rtol=0, atol=1e-5)
    prepare(pipeline, Speed())
    assert strides(vae) == before
    assert torch.equal(render(pipeline, output_type="pt"), stock)


def test_a_layout_keeps_the_memory_of_its_weights(pipeline: Any) -> None:
    # ComfyUI pins the memory of weights on the CPU and unpins it by its address.
    weights = [module.weight for module in pipeline.vae.modules() if isinstance(module, torch.nn.modules.conv._ConvNd)]
    before = [(weight.data_ptr(), weight.detach().clone()) for weight in weights]
    for channels_last in (False, True, True, False):
        prepare(pipeline, Speed(channels_last=channels_last))
        assert all(weight.data_ptr() == address for weight, (address, _) in zip(weights, before, strict=True))
        assert all(torch.equal(weight, values) for weight, (_, values) in zip(weights, before, strict=True))


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_layout_that_is_there_is_left_alone(
    pipeline: Any, channels_last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(pipeline, Speed(channels_last=channels_last))
    monkeypatch.setattr(torch.Tensor, "copy_", lambda *_: pytest.fail("a weight was written"))
    prepare(pipeline, Speed(channels_last=channels_last))


def test_what_is_approximate_says_so() -> None:
    assert not approximations(Speed()) and not approximations(Speed(compile=True, attention="flash"))
    assert approximations(Speed(step_cache=0.1, attention="sage")) == {"step_cache": 0.1, "attention": "sage"}
    assert (Speed().attention, *_ATTENTION) == ATTENTION
