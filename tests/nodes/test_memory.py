"""Weights as ComfyUI's: loaded in part, sent away, brought back, given up; and progress with a preview."""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from studioflow.fibo.memory import lend

from ..standins import stock_pipeline

torch.set_num_threads(1)
PARTS = ("text_encoder", "transformer", "vae")
MIB = 1024**2


def parts(pipeline: Any) -> dict[str, Any]:
    return {part: getattr(pipeline, part) for part in PARTS}


def render(pipeline: Any, **settings: Any) -> Any:
    return pipeline(
        prompt='{"short_description":"a cup"}',
        negative_prompt="" if hasattr(pipeline, "tokenizer") else None,
        width=64,
        height=48,
        num_inference_steps=2,
        guidance_scale=5.0,
        generator=torch.Generator().manual_seed(3),
        **{"output_type": "pt"} | settings,
    ).images


@pytest.fixture
def load(base: Path) -> Callable[[str], Any]:
    """A stand-in of a family as diffusers loads it."""
    return functools.partial(stock_pipeline, base / "models" / "diffusers")


@pytest.fixture(params=["fibo-1", "fibo-2"])
def pipeline(request: pytest.FixtureRequest, load: Callable[[str], Any]) -> Any:
    return load(request.param)


@pytest.fixture
def management(host: ModuleType) -> Iterator[ModuleType]:
    """ComfyUI's model management, with no model loaded before and after."""
    import comfy.model_management as management

    management.current_loaded_models.clear()
    yield management
    management.current_loaded_models.clear()


@pytest.fixture
def accelerator(management: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has ComfyUI take a device for its accelerator, with so many bytes.

    "cpu:0" is none to ComfyUI's eyes, which compares with "cpu", and yet computes. "meta" keeps no numbers, and tells
    where each tensor is.
    """

    def use(device: str, total: float, state: str = "NORMAL_VRAM") -> None:
        def free(_: Any = None, torch_free_too: bool = False) -> Any:
            bytes_left = total - sum(model.model_loaded_memory() for model in management.current_loaded_models)
            return (bytes_left, bytes_left) if torch_free_too else bytes_left

        monkeypatch.setattr(management, "get_torch_device", lambda: torch.device(device))
        monkeypatch.setattr(management, "get_free_memory", free)
        monkeypatch.setattr(management, "is_device_cpu", lambda _: False)
        monkeypatch.setattr(management, "soft_empty_cache", lambda force=False: None)
        monkeypatch.setattr(management, "minimum_inference_memory", lambda: 0)
        monkeypatch.setattr(management, "extra_reserved_memory", lambda: 0)
        monkeypatch.setattr(management, "lowvram_available", True)
        monkeypatch.setattr(management, "vram_state", management.VRAMState[state])

    return use


def streamed(module: Any) -> list[str]:
    return [name for name, layer in module.named_modules() if getattr(layer, "comfy_cast_weights", False)]


def lent(host: ModuleType, pipeline: Any) -> Any:
    memory = host.memory(parts(pipeline))
    lend(pipeline, memory)
    return memory


def test_parts_are_comfyuis_models_while_they_are_held(host: ModuleType, management: ModuleType, pipeline: Any) -> None:
    expected = render(pipeline)
    memory = lent(host, pipeline)
    assert management.loaded_models() == [] and memory.device == management.get_torch_device()
    assert torch.equal(render(pipeline), expected)
    assert {patcher.model.part for patcher in management.loaded_models()} == set(parts(pipeline).values())
    assert memory.room_beside("vae") > memory.room_beside("text_encoder") > 0


def test_free_takes_all_of_them_and_they_come_back(host: ModuleType, management: ModuleType, pipeline: Any) -> None:
    lent(host, pipeline)
    expected = render(pipeline)
    # What POST /free does.
    management.unload_all_models()
    assert management.loaded_models() == []
    assert torch.equal(render(pipeline), expected) and len(management.loaded_models()) == 3


@pytest.mark.parametrize("state", ["NO_VRAM", "LOW_VRAM"])
def test_loaded_in_part_it_renders_the_same_bits(
    host: ModuleType, accelerator: Callable[..., None], pipeline: Any, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import comfy.ops

    expected = render(pipeline)
    largest = max(sum(weight.nbytes for weight in part.parameters()) for part in parts(pipeline).values())
    accelerator("cpu:0", largest * 0.6, state)
    casts: list[Any] = []
    cast = comfy.ops.cast_bias_weight
    monkeypatch.setattr(
        comfy.ops, "cast_bias_weight", lambda layer, *rest, **more: (casts.append(layer), cast(layer, *rest, **more))[1]
    )
    lent(host, pipeline)
    assert torch.equal(render(pipeline), expected)
    assert casts and set(casts) >= {
        layer for layer in pipeline.transformer.modules() if getattr(layer, "comfy_cast_weights", False)
    }


def test_high_vram_streams_nothing(host: ModuleType, accelerator: Callable[..., None], pipeline: Any) -> None:
    accelerator("cpu:0", 1, "HIGH_VRAM")
    memory = lent(host, pipeline)
    for part, module in parts(pipeline).items():
        memory.hold(part)
        assert not streamed(module)


class OneDevice(TorchDispatchMode):
    """Fails an operation whose tensors are on two devices, as any accelerator does; numbers read from it are 1."""

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = operation._schema.name
        if name in ("aten::is_nonzero", "aten::item", "aten::_local_scalar_dense"):
            return 1
        if name not in ("aten::copy_", "aten::_to_copy"):
            devices = {one.device for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor) and one.ndim}
            assert len(devices) < 2, f"{name} mixes {devices}"
        return operation(*args, **(kwargs or {}))


def calls_of_a_render(pipeline: Any) -> dict[str, tuple[str, Any, Any]]:
    """The first call of each part: the method, and what it got."""
    calls: dict[str, tuple[str, Any, Any]] = {}
    methods = {"text_encoder": "forward", "transformer": "forward", "vae": "decode"}

    def note(part: str, method: str) -> None:
        original = getattr(getattr(pipeline, part), method)

        def noted(*args: Any, **kwargs: Any) -> Any:
            calls.setdefault(part, (method, args, kwargs))
            return original(*args, **kwargs)

        setattr(getattr(pipeline, part), method, noted)

    for part, method in methods.items():
        note(part, method)
    render(pipeline)
    for part, method in methods.items():
        delattr(getattr(pipeline, part), method)
    return calls


@pytest.mark.parametrize("share", [0.0, 0.5, 2.0])
def test_every_operation_finds_its_weights_on_the_device(
    host: ModuleType, accelerator: Callable[..., None], pipeline: Any, share: float
) -> None:
    calls = calls_of_a_render(pipeline)
    for part, module in parts(pipeline).items():
        size = sum(weight.nbytes for weight in module.parameters())
        accelerator("meta", size * share, "NORMAL_VRAM" if share else "NO_VRAM")
        memory = host.memory({part: module})
        method, args, kwargs = tree_map(
            lambda value: value.to("meta") if isinstance(value, torch.Tensor) else value, calls[part]
        )
        with torch.inference_mode():
            memory.hold(part)
            with OneDevice():
                result = getattr(module, method)(*args, **kwargs)
        assert {one.device.type for one in tree_leaves(result) if isinstance(one, torch.Tensor)} == {"meta"}
        left = {weight.device.type for weight in module.parameters()}
        assert left == {"meta"} if share > 1 else "meta" in left
        assert share or part == "vae" or "cpu" in left


def test_that_check_sees_weights_that_stayed_behind(
    host: ModuleType, accelerator: Callable[..., None], load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = load("fibo-1")
    _, args, kwargs = calls_of_a_render(pipeline)["transformer"]
    accelerator("meta", 0, "NO_VRAM")
    monkeypatch.setattr(host, "_bring_the_rest", lambda patcher: None)
    host.memory({"transformer": pipeline.transformer}).hold("transformer")
    to_meta = lambda value: value.to("meta") if isinstance(value, torch.Tensor) else value  # noqa: E731
    with torch.no_grad(), OneDevice(), pytest.raises(AssertionError, match="mixes"):
        pipeline.transformer(*tree_map(to_meta, args), **tree_map(to_meta, kwargs))


def test_layers_that_come_later_are_brought_too(host: ModuleType, accelerator: Callable[..., None]) -> None:
    # As an adapter's are: plain layers, put beside layers that ComfyUI may have left on the CPU.
    module = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Linear(64, 64))
    accelerator("meta", 0, "NO_VRAM")
    memory = host.memory({"transformer": module})
    module.append(torch.nn.Linear(4, 4))
    module.register_parameter("scale", torch.nn.Parameter(torch.ones(1)))
    module.register_buffer("offset", torch.ones(1))
    memory.hold("transformer")
    devices = {name: tensor.device.type for name, tensor in module.state_dict().items()}
    assert {name for name, device in devices.items() if device == "meta"} == {"2.weight", "2.bias", "scale", "offset"}


def test_quantised_layers_keep_their_class_and_are_loaded_whole(
    host: ModuleType, accelerator: Callable[..., None]
) -> None:
    class Quantised(torch.Tensor):
        pass

    quantised, plain, integer = torch.nn.Linear(8, 8), torch.nn.Linear(8, 8), torch.nn.Linear(8, 8)
    quantised.weight = torch.nn.Parameter(torch.ones(8, 8).as_subclass(Quantised))
    integer.weight = torch.nn.Parameter(torch.ones(8, 8, dtype=torch.int8), requires_grad=False)
    accelerator("meta", 0, "NO_VRAM")
    host.memory({"transformer": torch.nn.Sequential(quantised, plain, integer)}).hold("transformer")
    assert type(quantised) is type(integer) is torch.nn.Linear and type(plain) is not torch.nn.Linear
    assert [layer.weight.device.type for layer in (quantised, plain, integer)] == ["meta", "cpu", "meta"]


def test_adapters_come_and_go_around_streamed_layers(
    host: ModuleType,
    accelerator: Callable[..., None],
    management: ModuleType,
    load: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peft = pytest.importorskip("peft")
    pipeline = load("fibo-1")
    plain = render(pipeline)
    pinned: list[int] = []
    monkeypatch.setattr(management, "pin_memory", lambda weight: pinned.append(weight.data_ptr()) or True)
    monkeypatch.setattr(management, "unpin_memory", lambda weight: pinned.remove(weight.data_ptr()))
    accelerator("cpu:0", 2**40, "NO_VRAM")
    lent(host, pipeline)
    adapter = peft.LoraConfig(target_modules=["to_q", "to_k", "proj_out"], init_lora_weights=False)
    assert torch.equal(render(pipeline), plain) and pinned
    pipeline.transformer.add_adapter(adapter)
    adapted = render(pipeline)
    assert not torch.equal(adapted, plain)
    management.unload_all_models()
    assert pinned == []
    assert torch.equal(render(pipeline), adapted) and pinned
    pipeline.transformer.unload_lora()
    management.unload_all_models()
    assert pinned == []
    assert torch.equal(render(pipeline), plain)


def test_another_model_sends_one_away_and_it_comes_back(
    host: ModuleType, accelerator: Callable[..., None], management: ModuleType, load: Callable[[str], Any]
) -> None:
    first, second = load("fibo-1"), load("fibo-1")
    expected = render(first)
    size = sum(weight.nbytes for part in parts(first).values() for weight in part.parameters())
    accelerator("cpu:0", size * 1.5)
    lent(host, first), lent(host, second)
    for turn in (first, second, first):
        assert torch.equal(render(turn), expected)
        loaded = sum(model.model_loaded_memory() for model in management.current_loaded_models)
        assert loaded <= size * 1.5
    here = {patcher.model.part for patcher in management.loaded_models() if patcher.loaded_size()}
    assert here >= set(parts(first).values()) and not here >= set(parts(second).values())


def test_leaves_the_room_that_a_render_asked_for(
    host: ModuleType, accelerator: Callable[..., None], management: ModuleType, load: Callable[[str], Any]
) -> None:
    pipeline = load("fibo-1")
    size = sum(weight.nbytes for weight in pipeline.transformer.state_dict().values())
    other = torch.nn.Linear(1024, 1024)
    accelerator("cpu:0", size + MIB * 8)
    foreign = host.memory({"vae": other})
    memory = host.memory({"transformer": pipeline.transformer})
    foreign.hold("vae")
    memory.expect("transformer", 2 * MIB)
    memory.hold("transformer")
    assert len(management.loaded_models()) == 2
    assert 7 * MIB < memory.room_beside("transformer") <= 8 * MIB
    memory.expect("transformer", 7 * MIB)
    memory.hold("transformer")
    assert management.get_free_memory() >= 7 * MIB and not streamed(pipeline.transformer)
    # It comes back with as much room.
    management.unload_all_models()
    foreign.hold("vae")
    memory.hold("transformer")
    assert management.get_free_memory() >= 7 * MIB


def test_asks_comfyui_only_when_something_has_moved(
    host: ModuleType, management: ModuleType, load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = host.memory(parts(load("fibo-1")))
    asked: list[int] = []
    load_models = management.load_models_gpu

    def noted(models: Any, memory_required: int) -> None:
        asked.append(memory_required)
        load_models(models, memory_required)

    monkeypatch.setattr(management, "load_models_gpu", noted)
    for _ in range(3):
        memory.hold("transformer")
    memory.expect("transformer", 5)
    memory.hold("transformer")
    memory.expect("transformer", 4)
    memory.hold("transformer")
    management.unload_all_models()
    memory.hold("transformer")
    assert asked == [0, 5, 4]


@pytest.fixture(scope="module")
def vlm(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A language model that sees, tiny, as it lies in a folder."""
    pytest.importorskip("llguidance")
    from studioflow.translate.standin_vlm import make_standin_vlm

    return make_standin_vlm(tmp_path_factory.mktemp("LLM"))


def answered(model: Any) -> str:
    from studioflow.translate.local import answer_locally
    from studioflow.translate.requests import Ask, picture_bytes

    picture = picture_bytes(np.random.default_rng(5).random((64, 96, 3), np.float32))
    request = Ask("inspire", "a cup", (picture,), seed=11)
    # As ComfyUI's nodes run.
    with torch.inference_mode():
        return answer_locally(model, request, max_tokens=40, temperature=1.0).text


@pytest.mark.parametrize(
    ("share", "state"), [(4.0, "NORMAL_VRAM"), (0.6, "NORMAL_VRAM"), (0.6, "LOW_VRAM"), (0.6, "NO_VRAM")]
)
def test_a_language_model_says_the_same_whole_in_part_and_after_it_was_sent_away(
    host: ModuleType, accelerator: Callable[..., None], management: ModuleType, vlm: Any, share: float, state: str
) -> None:
    from studioflow.translate.local import load_local_model

    alone = load_local_model(vlm)
    expected = answered(alone)
    size = sum(weight.nbytes for weight in alone.model.parameters())
    accelerator("cpu:0", size * share, state)
    with torch.inference_mode():
        model = load_local_model(vlm, device="cpu:0", memory=host.memory)
    for _ in range(2):
        assert answered(model) == expected
        assert bool(streamed(model.model)) == (share < 1)
        # What POST /free does.
        management.unload_all_models()
        assert management.loaded_models() == []
    assert answered(model) == expected
    gc.collect()
    watched = [weakref.ref(one) for one in (model, model.model, model.memory, next(model.model.parameters()))]
    gc.disable()
    try:
        del model
        assert [one() for one in watched] == [None] * 4
        assert management.current_loaded_models == []
    finally:
        gc.enable()


def test_goes_with_the_last_reference(host: ModuleType, management: ModuleType, load: Callable[[str], Any]) -> None:
    pipeline = load("fibo-1")
    memory = lent(host, pipeline)
    render(pipeline)
    # Cycles of the libraries' own, made while loading and rendering, are not what is looked for here.
    gc.collect()
    watched = [weakref.ref(one) for one in (pipeline, memory, *parts(pipeline).values())]
    gc.disable()
    try:
        del pipeline, memory
        assert [one() for one in watched] == [None] * 5
        assert management.current_loaded_models == []
    finally:
        gc.enable()


@pytest.mark.parametrize("inside_first", [False, True])
def test_inference_mode_may_change_between_any_two_calls(
    host: ModuleType,
    accelerator: Callable[..., None],
    management: ModuleType,
    load: Callable[[str], Any],
    inside_first: bool,
) -> None:
    pipeline = load("fibo-1")
    expected = render(pipeline)
    accelerator("cpu:0", 2**40)
    lent(host, pipeline)
    for inside in (inside_first, not inside_first, inside_first):
        with torch.inference_mode(inside):
            assert torch.equal(render(pipeline), expected)
        assert not any(weight.is_inference() for part in parts(pipeline).values() for weight in part.parameters())
        with torch.inference_mode(not inside):
            management.unload_all_models()


def test_weights_made_in_inference_mode_are_refused_before_a_move_breaks_them(host: ModuleType) -> None:
    with torch.inference_mode():
        module = torch.nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match=r"transformer was loaded in torch\.inference_mode"):
        host.memory({"transformer": module})


def test_a_shortage_sends_all_models_away(
    host: ModuleType, management: ModuleType, load: Callable[[str], Any], pack: ModuleType
) -> None:
    pipeline = load("fibo-1")
    memory = lent(host, pipeline)
    memory.hold("transformer")
    with pytest.raises(host.DeviceMemoryError, match="full"), host.room_after_shortage():
        raise host.DeviceMemoryError("full")
    assert management.loaded_models() == []
    memory.hold("transformer")
    with pytest.raises(ValueError, match="other"), host.room_after_shortage():
        raise ValueError("other")
    assert management.loaded_models() != []


@pytest.fixture
def bar(host: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, Any]]:
    """What ComfyUI's progress bar was told."""
    import comfy.utils

    told: list[tuple[int, int, Any]] = []
    monkeypatch.setattr(
        comfy.utils, "PROGRESS_BAR_HOOK", lambda done, total, preview, node_id=None: told.append((done, total, preview))
    )
    return told


@pytest.fixture
def method(host: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Chooses a preview method as --preview-method does."""
    from comfy.cli_args import LatentPreviewMethod, args

    return lambda name: monkeypatch.setattr(args, "preview_method", LatentPreviewMethod(name))


def preview_by_hand(latents: Any) -> Any:
    """The first picture as bytes [h, w, 3]: a matrix product and nothing of ComfyUI's but its numbers."""
    import comfy.latent_formats

    numbers = latents[0].numpy()
    if len(numbers) == 48:
        format_ = comfy.latent_formats.Wan22()
    else:
        format_ = comfy.latent_formats.Flux2()
        fine = np.zeros((32, 2 * numbers.shape[1], 2 * numbers.shape[2]), np.float32)
        for channel, plane in enumerate(numbers):
            fine[channel // 4, channel % 4 // 2 :: 2, channel % 2 :: 2] = plane
        numbers = fine
    bias = format_.latent_rgb_factors_bias
    rgb = np.tensordot(numbers, np.array(format_.latent_rgb_factors, np.float32), axes=(0, 0))
    return np.clip((rgb + (0 if bias is None else np.array(bias, np.float32)) + 1) / 2, 0, 1) * 255


@pytest.mark.parametrize("name", ["auto", "latent2rgb", "taesd"])
def test_previews_by_comfyuis_factors(
    host: ModuleType, pipeline: Any, bar: list[Any], method: Callable[[str], None], name: str
) -> None:
    latents = render(pipeline, output_type="latent").float()
    if latents.ndim == 3:
        latents = latents.transpose(1, 2).unflatten(2, (3, 4))
    else:
        latents = pipeline._patchify_latents(latents)
    assert latents.shape == (1, 48, 3, 4) or latents.shape == (1, 128, 3, 4)
    method(name)
    host.Progress()(2, 7, lambda: latents)
    [(done, total, (kind, image, largest))] = bar
    assert (done, total, kind, largest) == (2, 7, "JPEG", 512)
    expected = preview_by_hand(latents)
    assert np.array(image).shape == expected.shape and expected.std() > 1
    assert np.abs(np.array(image) - expected).max() < 1.01


def test_previews_at_most_every_quarter_second(
    host: ModuleType, bar: list[Any], method: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    method("auto")
    clock, taken = [100.0], []

    def preview() -> Any:
        taken.append(clock[0])
        return torch.zeros(1, 48, 2, 2)

    monkeypatch.setattr(host.time, "monotonic", lambda: clock[0])
    progress = host.Progress()
    for done, clock[0] in enumerate((100.0, 100.1, 100.26, 100.5, 100.52), 1):
        progress(done, 5, preview)
    assert taken == [100.0, 100.26, 100.52]
    assert [(done, bool(shown)) for done, _, shown in bar] == [(1, True), (2, False), (3, True), (4, False), (5, True)]


def test_no_preview_where_it_is_off_unknown_or_not_there_yet(
    host: ModuleType, bar: list[Any], method: Callable[[str], None]
) -> None:
    method("auto")
    progress = host.Progress()
    progress(1, 4, lambda: None)
    progress(2, 4, lambda: torch.zeros(1, 16, 2, 2))
    progress(3, 4)
    method("none")
    progress(4, 4, lambda: pytest.fail("the device was asked for a preview that nobody sees"))
    assert bar == [(step, 4, None) for step in (1, 2, 3, 4)]


def test_cancel_comes_before_the_preview(
    host: ModuleType, management: ModuleType, bar: list[Any], method: Callable[[str], None]
) -> None:
    method("auto")
    management.interrupt_current_processing()
    with pytest.raises(management.InterruptProcessingException):
        host.Progress()(1, 4, lambda: pytest.fail("a preview of a cancelled render"))
    assert bar == []
