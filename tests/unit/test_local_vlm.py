"""A model on this machine: found, loaded safely or refused with one clear error, and every answer a caption."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from studioflow.errors import DeviceMemoryError, ModelError, StudioFlowError
from studioflow.fibo.memory import Resident
from studioflow.manifest.schema import CAPTION, schema
from studioflow.translate.caption_grammar import caption_grammar
from studioflow.translate.constrain import CaptionConstraint
from studioflow.translate.guidance import style_guidance
from studioflow.translate.instructions import instructions
from studioflow.translate.local import LocalModel, answer_locally, load_local_model
from studioflow.translate.local_folders import Found, find_local_model, find_local_models, found_in
from studioflow.translate.local_steps import Choice
from studioflow.translate.requests import Ask, mask_bytes, picture_bytes
from studioflow.translate.standin_vlm import NAME, NOTICE, make_standin_vlm

from .test_instructions import CAPTION as A_CAPTION
from .test_instructions import run

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("llguidance")

BRIEF = Ask("generate", "a steel coffee grinder on oak, light from the left")
# bria-vgl's own model of an answer, without the packages around it, which bring litellm and take seconds.
READ_BY_BRIA = """
import json, sys, types
from importlib.util import find_spec
from pathlib import Path
folder = Path(find_spec("bria_vgl").origin).parent
for name in ("bria_vgl", "bria_vgl.dialects", "bria_vgl.dialects.thales"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
from bria_vgl.dialects.thales.model import ThalesVGL
assert "litellm" not in sys.modules
read = [ThalesVGL.model_validate(caption) for caption in json.load(sys.stdin)]
json.dump([caption.model_dump(exclude_none=True) for caption in read], sys.stdout)
"""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """The model is so small that a second one only waits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("LLM")


@pytest.fixture(scope="module")
def found(folder: Path) -> Found:
    return make_standin_vlm(folder)


@pytest.fixture(scope="module")
def model(found: Found) -> LocalModel:
    return load_local_model(found)


@pytest.fixture(scope="module")
def brief_model(model: LocalModel) -> LocalModel:
    """The same under a name that is asked in few words: Bria's instructions are thousands of its tokens."""
    return dataclasses.replace(model, name="briaai/FIBO-vlm")


@pytest.fixture
def copy(found: Found, tmp_path: Path) -> Found:
    """The stand-in again, to be spoiled."""
    shutil.copytree(found.folder, tmp_path / "models" / "spoiled")
    return found._replace(name="spoiled", folder=tmp_path / "models" / "spoiled")


@pytest.fixture(scope="module")
def text_only(found: Found, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """A Qwen3 that reads text, with the stand-in's tokenizer."""
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    folder = tmp_path_factory.mktemp("text") / "text only"
    tokenizer = AutoTokenizer.from_pretrained(found.folder)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return found_in(folder, "text only")


def picture(seed: int = 0, height: int = 64, width: int = 96) -> bytes:
    import numpy as np

    return picture_bytes(np.random.default_rng(seed).random((height, width, 3), np.float32))


def check(text: str, edit: bool = False) -> dict[str, Any]:
    caption: dict[str, Any] = json.loads(text)
    Draft202012Validator(caption_grammar(edit)).validate(caption)
    Draft202012Validator(schema(CAPTION)).validate(caption)
    return caption


class Apart:
    """What transformers calls at each token for a batch of answers, each with a constraint and a choice of its own."""

    def __init__(self, constraints: list[CaptionConstraint], choices: list[Choice]) -> None:
        self.rows = list(zip(constraints, choices, strict=True))

    def choose(self, ids: Any, scores: Any) -> Any:
        def chosen(at: int) -> Any:
            constraint, choice = self.rows[at]
            row, given = ids[at : at + 1], scores[at : at + 1]
            return given if constraint.ended else choice(row, constraint(row, given))

        return torch.cat([chosen(at) for at in range(len(self.rows))])

    def stop(self, ids: Any, scores: Any, **_: Any) -> Any:
        for at, (constraint, _choice) in enumerate(self.rows):
            if not constraint.ended:
                constraint.take(ids[at : at + 1])
        return torch.tensor([constraint.ended for constraint, _ in self.rows])


def test_200_of_200_answers_are_captions(model: LocalModel) -> None:
    texts = {}
    draws = {seed: random.Random(seed) for seed in range(200)}
    # A few may go on and the others must end soon, to be through in seconds; a batch of each, and some are greedy.
    budgets = {seed: draw.randrange(100, 300) if seed % 40 == 0 else draw.randrange(10) for seed, draw in draws.items()}
    for seeds in ([seed for seed in budgets if seed % 40], [seed for seed in budgets if seed % 40 == 0]):
        constraints = [
            CaptionConstraint(model.vocabulary, budgets[seed], last_words=draws[seed].choice((1, 1, 2)))
            for seed in seeds
        ]
        rows = Apart(constraints, [Choice(seed, 0.0 if seed % 25 == 1 else 1.0) for seed in seeds])
        model.model.generate(
            **model.tokenizer(["a steel coffee grinder"] * len(seeds), return_tensors="pt"),
            max_new_tokens=max(constraint.most_tokens for constraint in constraints),
            logits_processor=[rows.choose],
            stopping_criteria=[rows.stop],
        )
        assert all(constraint.tokens <= constraint.most_tokens for constraint in constraints)
        texts |= {seed: constraint.text for seed, constraint in zip(seeds, constraints, strict=True)}
    captions = [check(texts[seed]) for seed in range(200)]
    assert len(captions) == 200
    assert len(set(texts.values())) > 190
    assert any(caption["objects"] for caption in captions)
    # bria-vgl takes them all, and leaves nothing out.
    assert run(READ_BY_BRIA, captions) == captions


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0, 2.0])
def test_sampling_and_greedy_by_transformers_alone(model: LocalModel, temperature: float) -> None:
    asked = model.tokenizer("a steel coffee grinder", return_tensors="pt")
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 20, "top_p": 0.9} if temperature else {}
    constraint = CaptionConstraint(model.vocabulary, 20)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ids = model.model.generate(
            **asked, max_new_tokens=constraint.most_tokens, logits_processor=[constraint], **sampling
        )
    check(constraint.text)
    # It ended by its own token, and nothing special came before.
    answer = ids[0, asked["input_ids"].shape[1] :].tolist()
    assert answer[-1] in model.vocabulary.ends
    assert model.tokenizer.decode(answer[:-1]) == constraint.text
    assert not set(answer[:-1]) & set(model.tokenizer.all_special_ids)


@pytest.mark.parametrize(
    ("request_", "edit"),
    [
        (BRIEF, False),
        (Ask("generate", "un molinillo de café, luz lateral", style="noir", seed=2**64 - 1), False),
        (Ask("inspire", "on a beach", (picture(),)), False),
        (Ask("caption", pictures=(picture(1, 200, 120),)), False),
        (Ask("refine", "warmer", caption=A_CAPTION), False),
        (Ask("edit", "make it red", (picture(),)), True),
        (Ask("edit", "<image_1> in the style of <image_2>", (picture(), picture(1, 48, 48)), caption=A_CAPTION), True),
    ],
    ids=lambda given: given.task if isinstance(given, Ask) else "",
)
def test_every_task_is_answered(model: LocalModel, request_: Ask, edit: bool) -> None:
    reply = answer_locally(model, request_, max_tokens=25, temperature=1.0)
    caption = check(reply.text, edit)
    assert ("edit_instruction" in caption) == edit
    assert reply.tokens > 25
    assert reply.cut_off
    assert reply.seconds > 0


def test_a_mask_is_grey_in_the_picture_that_the_model_sees(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    shown: list[Any] = []
    stock = model.processor.apply_chat_template

    def template(messages: list[dict[str, Any]], **options: Any) -> Any:
        shown.extend(part["image"] for part in messages[-1]["content"] if part["type"] == "image")
        return stock(messages, **options)

    monkeypatch.setattr(model.processor, "apply_chat_template", template)
    mask = np.zeros((64, 96), np.float32)
    mask[:32] = 1.0
    reply = answer_locally(model, Ask("edit_mask", "a cup", (picture(),), mask_bytes(mask)), max_tokens=5)
    check(reply.text, edit=True)
    pixels = np.asarray(shown[0])
    assert (pixels[:32] == 128).all()
    assert len(np.unique(pixels[32:])) > 100


def test_the_same_seed_answers_the_same_and_touches_no_other_random_state(brief_model: LocalModel) -> None:
    def say(seed: int, temperature: float = 1.0) -> str:
        return answer_locally(brief_model, BRIEF._replace(seed=seed), max_tokens=10, temperature=temperature).text

    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = say(1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert say(1) == first
    assert say(2) != first
    assert say(1, 0.0) == say(2, 0.0)


def test_an_answer_that_may_go_on_ends_by_itself(brief_model: LocalModel) -> None:
    # A random model seldom ends a text, so its texts run to their full length.
    reply = answer_locally(brief_model, BRIEF, max_tokens=4000, temperature=1.0, max_objects=1)
    assert not reply.cut_off
    check(reply.text)


def test_progress_is_told_and_a_cancel_goes_through(brief_model: LocalModel) -> None:
    told: list[tuple[int, int]] = []
    answer_locally(brief_model, BRIEF, max_tokens=40, progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 40)
    assert told[-1] == (40, 40)
    assert told == sorted(told)

    class Cancelled(Exception):
        pass

    for after in (1, 2, 3):
        calls: list[int] = []

        def cancel(done: int, total: int, after: int = after, calls: list[int] = calls) -> None:
            calls.append(done)
            if len(calls) == after:
                raise Cancelled

        with pytest.raises(Cancelled):
            answer_locally(brief_model, BRIEF, max_tokens=4000, progress=cancel)
        # The second call comes while the request is read, before there is any token.
        assert len(calls) == after
        assert calls[:2] == [0] * min(after, 2)
    assert not any(module._forward_pre_hooks for module in brief_model.model.modules())
    check(answer_locally(brief_model, BRIEF, max_tokens=5).text)


class Lender:
    """A memory that writes down what is asked of it, and lets nothing compute that was not held."""

    def __init__(self, parts: Any) -> None:
        self.device = torch.device("cpu")
        self.calls: list[Any] = []
        self.inner = Resident(parts, "cpu")
        (self.part,) = parts
        parts[self.part].register_forward_pre_hook(lambda *_: self.calls.append("computes"))

    def expect(self, part: str, work_bytes: int) -> None:
        self.calls.append((part, work_bytes))

    def hold(self, part: str) -> None:
        assert not torch.is_inference_mode_enabled()
        self.calls.append(part)

    def room_beside(self, part: str) -> int:
        return self.inner.room_beside(part)


def test_a_memory_is_asked_before_the_model_computes(found: Found) -> None:
    # As ComfyUI's nodes run.
    with torch.inference_mode():
        model = load_local_model(found, memory=Lender)
        reply = answer_locally(model, BRIEF, max_tokens=10)
    check(reply.text)
    expected, held, first, *rest = model.memory.calls  # type: ignore[attr-defined]
    assert (expected[0], held, first) == ("text_encoder", "text_encoder", "computes")
    assert set(rest) == {"computes"}
    text = model.model.config.get_text_config()
    keys_and_values = 2 * text.num_hidden_layers * text.num_key_value_heads * text.head_dim * 4
    assert expected[1] > 1000 * keys_and_values
    # ComfyUI moves weights outside of inference mode.
    assert not any(tensor.is_inference() for tensor in (*model.model.parameters(), *model.model.buffers()))
    model.model.to(torch.float64)


def test_the_model_computes_where_its_memory_says(found: Found) -> None:
    class Elsewhere(Lender):
        def __init__(self, parts: Any) -> None:
            super().__init__(parts)
            self.device = torch.device("meta")

    loaded = load_local_model(found, memory=Elsewhere)
    assert next(loaded.model.parameters()).device.type == "cpu"
    assert loaded.model.device.type == "meta"


def test_with_the_last_reference_the_weights_go(found: Found) -> None:
    loaded = load_local_model(found)
    answer_locally(loaded, BRIEF, max_tokens=3)
    weights = weakref.ref(loaded.model)
    del loaded
    assert weights() is None


def test_a_device_without_room_is_told(found: Found) -> None:
    class Full(Lender):
        def hold(self, part: str) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    with pytest.raises(DeviceMemoryError, match=r"ran out of memory(.|\n)*lower max_tokens"):
        answer_locally(load_local_model(found, memory=Full), BRIEF)


def test_bfloat16_answers_too(found: Found) -> None:
    loaded = load_local_model(found, dtype="bfloat16")
    assert {weight.dtype for weight in loaded.model.parameters()} == {torch.bfloat16}
    check(answer_locally(loaded, Ask("caption", pictures=(picture(),)), max_tokens=10, temperature=1.0).text)


def test_a_model_of_text_alone_answers_text_and_takes_no_picture(text_only: Found) -> None:
    loaded = load_local_model(text_only)
    assert not loaded.sees
    check(answer_locally(loaded, BRIEF, max_tokens=10, temperature=1.0).text)
    with pytest.raises(ModelError, match=r"reads text only(.|\n)*Qwen3ForCausalLM(.|\n)*Qwen3-VL"):
        answer_locally(loaded, Ask("caption", pictures=(picture(),)))


def reading(model: LocalModel, request: Ask, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the model reads of a request, as text."""
    read: list[str] = []
    stock = model.model.generate

    def generate(**inputs: Any) -> Any:
        read.append(model.tokenizer.decode(inputs["input_ids"][0]))
        return stock(**inputs)

    with monkeypatch.context() as patch:
        patch.setattr(model.model, "generate", generate)
        check(answer_locally(model, request, max_tokens=3).text, edit=request.task == "edit")
    return read[0]


def test_a_template_without_a_system_role_gets_one_turn(text_only: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_local_model(text_only)
    asked = instructions("generate", BRIEF.prompt)
    end = "<|im_end|>\n<|im_start|>assistant\n"
    two = f"<|im_start|>system\n{asked.system}<|im_end|>\n<|im_start|>user\n{asked.prompt}{end}"
    assert reading(loaded, BRIEF, monkeypatch) == two
    stock = loaded.tokenizer.chat_template
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    loaded.tokenizer.chat_template = refusing + stock
    one = f"<|im_start|>user\n{asked.system}\n\n{asked.prompt}{end}"
    assert reading(loaded, BRIEF, monkeypatch) == one


def test_a_template_that_only_the_tokenizer_has_is_used_and_thinking_is_off(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_local_model(found)
    loaded.tokenizer.chat_template += (
        "{% if enable_thinking is defined and not enable_thinking %}no thoughts{% endif %}"
    )
    loaded.processor.chat_template = None
    assert reading(loaded, BRIEF, monkeypatch).endswith("<|im_start|>assistant\nno thoughts")


def test_fibo_vlm_is_asked_in_the_form_it_was_trained_on(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    fibo = dataclasses.replace(model, name="briaai/FIBO-vlm")
    start, end = "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"
    assert reading(fibo, BRIEF, monkeypatch) == f"{start}<generate>\n{BRIEF.prompt}{end}"
    styled = f"{start}<generate>\n{BRIEF.prompt}\n\n{style_guidance('noir')}{end}"
    assert reading(fibo, BRIEF._replace(style="noir"), monkeypatch) == styled
    caption = {"short_description": "größer {prompt}", "context": ""}
    refined = '<refine>\nInput:\n{"short_description":"größer {prompt}"}\nEditing instructions:\nwarmer'
    assert reading(fibo, Ask("refine", "warmer", caption=caption), monkeypatch) == f"{start}{refined}{end}"
    seen = reading(fibo, Ask("caption", pictures=(picture(),)), monkeypatch)
    assert seen.startswith(f"{start}<|vision_start|><|image_pad|>")
    assert seen.endswith(f"<|image_pad|><|vision_end|><inspire>{end}")
    # It was trained on no edits.
    edit = reading(fibo, Ask("edit", "make it red", (picture(),)), monkeypatch)
    assert instructions("edit", "make it red").system in edit


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 20_000}, "max_tokens"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"max_objects": 0}, "max_objects"),
        ({"max_tokens": 16_000}, r"longer than the model's context(.|\n)*16384 together"),
    ],
)
def test_options_out_of_range_are_told(model: LocalModel, options: dict[str, Any], words: str) -> None:
    with pytest.raises(StudioFlowError, match=words):
        answer_locally(model, BRIEF, **options)


def test_models_are_found_by_their_configuration(
    found: Found, text_only: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, cache = tmp_path / "LLM", tmp_path / "hub"
    for name, source in (("b", text_only.folder), ("a text", text_only.folder), ("z sees", found.folder)):
        shutil.copytree(source, models / name)
    for name, config in (("clip", '{"architectures": ["CLIPModel"]}'), ("broken", "{"), ("list", "[]")):
        (models / name).mkdir()
        (models / name / "config.json").write_text(config, encoding="utf-8")
    (models / "empty").mkdir()
    (models / "half.part").mkdir()
    repository = cache / "models--briaai--FIBO-vlm"
    shutil.copytree(found.folder, repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc", encoding="utf-8")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    there = find_local_models([tmp_path / "none", models])
    assert [(each.name, each.sees) for each in there] == [
        ("briaai/FIBO-vlm", True),
        ("z sees", True),
        ("a text", False),
        ("b", False),
    ]
    assert find_local_model("briaai/FIBO-vlm", [models]).folder == repository / "snapshots" / "abc"
    with pytest.raises(ModelError, match='did you mean "z sees"'):
        find_local_model("z see", [models])
    with pytest.raises(ModelError, match=r"no language model(.|\n)*CLIPModel"):
        find_local_model("clip", [models])
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "none"))
    with pytest.raises(ModelError, match=r"no language model is installed(.|\n)*hf download Qwen/Qwen3-VL"):
        find_local_model("", [tmp_path / "none"])


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def as_index(folder: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def as_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def as_gguf(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-Q4_K_M.gguf")


def configured(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        config = json.loads(path.read_text(encoding="utf-8")) | changes
        path.write_text(
            json.dumps({key: value for key, value in config.items() if value is not None}), encoding="utf-8"
        )

    return change


def without_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    for name in ("tokenizer_config.json", "processor_config.json"):
        if (folder / name).is_file():
            config = json.loads((folder / name).read_text(encoding="utf-8"))
            config.pop("chat_template", None)
            (folder / name).write_text(json.dumps(config), encoding="utf-8")


def without_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if "layers.0.mlp" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: cut(folder / "model.safetensors"), r"model\.safetensors: (.|\n)*not complete(.|\n)*whole safe"),
        (as_index, r"model-00002-of-00002\.safetensors: (.|\n)*not complete"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"without \.safetensors weights"),
        (as_pickle, r"no safetensors weights(.|\n)*pytorch_model\.bin(.|\n)*can hold code and are never loaded"),
        (as_gguf, r"no safetensors weights(.|\n)*gguf(.|\n)*llama\.cpp"),
        (lambda folder: (folder / "tokenizer.json").unlink(), r"tokenizer\.json: (.|\n)*not complete"),
        (lambda folder: cut(folder / "config.json"), r"config\.json: (.|\n)*not readable as JSON"),
        (configured(architectures=["CLIPModel"]), r"no language model(.|\n)*CLIPModel"),
        (configured(architectures=["NewVLForConditionalGeneration"]), r"does not know this model(.|\n)*NewVL"),
        (without_weights, r"not complete(.|\n)*weights missing"),
        (without_template, r"cannot be asked in turns(.|\n)*no chat template"),
        (shutil.rmtree, "the model folder is missing"),
    ],
)
def test_a_folder_that_cannot_be_loaded_is_told_once_and_clearly(
    copy: Found, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(copy.folder)
    with pytest.raises(ModelError, match=words) as caught:
        load_local_model(copy)
    assert str(copy.folder) in str(caught.value)


def test_without_a_preprocessor_it_is_not_complete(copy: Found) -> None:
    for name in ("preprocessor_config.json", "processor_config.json"):
        (copy.folder / name).unlink(missing_ok=True)
    with pytest.raises(ModelError, match=r"preprocessor_config\.json: (.|\n)*not complete"):
        load_local_model(copy)


@pytest.mark.parametrize("known", [False, True])
def test_code_beside_the_weights_is_never_run(copy: Found, known: bool) -> None:
    """Refused where the model needs it; not looked at where transformers has the model itself."""
    ran = copy.folder / "ran"
    for name in ("modeling_own.py", "processing_own.py", "custom_generate/generate.py"):
        (copy.folder / name).parent.mkdir(exist_ok=True)
        (copy.folder / name).write_text(f"open({str(ran)!r}, 'w')\nclass Own: pass\n", encoding="utf-8")
    names = {"AutoConfig": "modeling_own.Own", "AutoModelForImageTextToText": "modeling_own.Own"}
    if known:
        configured(auto_map=names)(copy.folder)
        check(answer_locally(load_local_model(copy), BRIEF, max_tokens=3).text)
    else:
        configured(auto_map=names, architectures=["OwnForConditionalGeneration"], model_type="own")(copy.folder)
        with pytest.raises(ModelError, match=r"code of its own, which is never run(.|\n)*OwnForConditionalGeneration"):
            load_local_model(copy)
    assert not ran.exists()


def test_what_is_not_installed_is_told_before_weights_are_read(copy: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "llguidance", None)
    shutil.rmtree(copy.folder)
    with pytest.raises(ModelError, match=r"need llguidance(.|\n)*-m pip install llguidance") as caught:
        load_local_model(copy)
    assert f'"{sys.executable}"' in str(caught.value)


def test_an_unknown_dtype_is_told(found: Found) -> None:
    with pytest.raises(ModelError, match='did you mean "float16"'):
        load_local_model(found, dtype="floot16")


def test_a_stand_in_says_so_and_is_made_once(found: Found, folder: Path, model: LocalModel) -> None:
    assert (model.name, model.notice) == (NAME, NOTICE)
    state = {path: path.stat().st_mtime_ns for path in sorted(found.folder.iterdir())}
    assert make_standin_vlm(folder) == found
    assert {path: path.stat().st_mtime_ns for path in sorted(found.folder.iterdir())} == state


def test_two_stand_ins_are_the_same(found: Found, tmp_path: Path) -> None:
    again = make_standin_vlm(tmp_path)
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (again.folder / name).read_bytes() == (found.folder / name).read_bytes()
