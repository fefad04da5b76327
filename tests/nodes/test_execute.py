"""Each node called as ComfyUI calls it, in this process."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

torch.set_num_threads(1)
SMALL = {"width": 64, "height": 48, "seed": 3, "steps": 2, "cfg": 1.0, "count": 1}


def run(node: Any, hidden: dict[str, Any] | None = None, **inputs: Any) -> Any:
    """Calls the node through the door that ComfyUI's executor uses."""
    from comfy_api.latest import io

    ready = node.PREPARE_CLASS_CLONE({getattr(io.Hidden, name): value for name, value in (hidden or {}).items()})
    return ready.EXECUTE_NORMALIZED(**inputs)


@pytest.fixture
def manifest(nodes: dict[str, type]) -> dict[str, Any]:
    return run(nodes["StudioFlowLoadManifest"], manifest="samples/product_hero.json").args[0]


@pytest.fixture(scope="session")
def fibo(nodes: dict[str, type]) -> Any:
    return run(nodes["StudioFlowFiboLoader"], {"unique_id": "1"}, model="auto", dtype="auto").args[0]


def test_the_whole_route(nodes: dict[str, type], manifest: Any, fibo: Any, base: Path) -> None:
    caption, negative, width, height, seed, steps, cfg, count = run(
        nodes["StudioFlowCompileCaption"], manifest=manifest, dialect="auto", fibo=fibo
    ).args
    assert json.loads(caption)["photographic_characteristics"]["lens_focal_length"] == "85mm portrait lens"
    assert (negative, width % 16, height % 16, seed, count) == ("", 0, 0, 22, 1)
    assert (steps, cfg) == (fibo.family.steps, fibo.family.cfg)
    images, provenance, latents = run(
        nodes["StudioFlowFiboSampler"], {"unique_id": "4"}, fibo=fibo, caption=caption, negative=negative, **SMALL
    ).args
    assert images.shape == (1, 48, 64, 3) and provenance["seeds"] == [3]
    decoded = run(nodes["StudioFlowFiboDecode"], fibo=fibo, latents=latents, clamp=True).args[0]
    assert torch.equal(decoded, images)
    ui = run(
        nodes["StudioFlowSaveDelivery"],
        {"prompt": {"1": {}}, "extra_pnginfo": {"workflow": {"nodes": []}}},
        images=images,
        manifest=manifest,
        preset="PNG + EXR",
        filename_prefix="shots/hero",
        caption=caption,
        provenance=provenance,
    ).ui
    kinds = [Path(entry["filename"]).suffix for entry in ui["studioflow_files"]]
    assert kinds == [".png", ".exr", ".json", ".json"] and len(ui["images"]) == 1
    for entry in ui["studioflow_files"]:
        assert (base / "output" / entry["subfolder"] / entry["filename"]).is_file()


def test_what_others_put_beside_the_workflow_cannot_change_the_file(
    nodes: dict[str, type], manifest: Any, base: Path
) -> None:
    import OpenEXR

    foreign = {"workflow": {"nodes": []}, "compression": "x", "channels": "x", "studioflow:manifest": "forged"}
    ui = run(
        nodes["StudioFlowSaveDelivery"],
        {"prompt": {"1": {}}, "extra_pnginfo": foreign},
        images=torch.zeros(1, 16, 16, 3),
        manifest=manifest,
        preset="EXR",
        filename_prefix="foreign",
    ).ui
    with OpenEXR.File(str(base / "output" / ui["studioflow_files"][0]["filename"])) as file:
        header = dict(file.header())
    assert json.loads(header["studioflow:manifest"])["meta"] == manifest["meta"]
    assert header["compression"] == OpenEXR.ZIP_COMPRESSION and "workflow" in header


def test_a_huge_file_is_not_read_to_see_whether_it_changed(nodes: dict[str, type], base: Path) -> None:
    import tracemalloc

    with (base / "input" / "huge.json").open("wb") as stream:
        stream.truncate(200 * 1024 * 1024)
    tracemalloc.start()
    nodes["StudioFlowLoadManifest"].fingerprint_inputs(manifest="input/huge.json")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20 * 1024 * 1024


def test_caption_fits_comfyuis_own_fibo_2_nodes(nodes: dict[str, type], manifest: Any) -> None:
    outputs = nodes["StudioFlowCompileCaption"].GET_SCHEMA().outputs
    kinds = {output.display_name: output.io_type for output in outputs}
    # TextEncodeFibo2 takes prompt, negative_prompt, width, height, batch_size; KSampler seed, steps, cfg.
    assert kinds == {
        "caption": "STRING", "negative": "STRING", "width": "INT", "height": "INT",
        "seed": "INT", "steps": "INT", "cfg": "FLOAT", "count": "INT",
    }  # fmt: skip
    values = run(nodes["StudioFlowCompileCaption"], manifest=manifest, dialect="auto").args
    assert json.loads(values[0]) and "aesthetic_score" not in values[0]
    assert values[5:7] == (50, 5.0)


def test_menu_lists_all_shelves(nodes: dict[str, type], base: Path) -> None:
    (base / "input" / "mine.json").write_text("{}")
    (base / "user" / "default" / "studioflow").mkdir(parents=True, exist_ok=True)
    (base / "user" / "default" / "studioflow" / "shot.json").write_text("{}")
    menu = nodes["StudioFlowLoadManifest"].define_schema().inputs[0].options
    assert {"input/mine.json", "user/shot.json", "samples/product_hero.json"} <= set(menu)


@pytest.mark.parametrize(
    "name",
    [
        "samples/../../secrets.json",
        "samples//etc/hostname",
        "input/../output/x.json",
        "elsewhere/x.json",
        "/etc/passwd",
        "samples",
        "samples/none.json",
        "samples/../samples/../dev.py",
        "C:\\x.json",
        "samples/\0.json",
    ],
)
def test_paths_outside_the_shelves_are_refused_before_the_run(nodes: dict[str, type], name: str) -> None:
    message = nodes["StudioFlowLoadManifest"].validate_inputs(manifest=name)
    assert isinstance(message, str) and "found" in message


def test_a_link_out_of_the_shelf_is_refused(nodes: dict[str, type], base: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    link = base / "input" / "link.json"
    link.symlink_to(tmp_path / "secret.json")
    assert "leaves its folder" in nodes["StudioFlowLoadManifest"].validate_inputs(manifest="input/link.json")
    link.unlink()


def test_a_changed_file_is_read_again(nodes: dict[str, type], base: Path) -> None:
    file = base / "input" / "shot.json"
    node = nodes["StudioFlowLoadManifest"]
    file.write_text('{"studioflow": "1.0", "scene": {"mood": "calm"}}')
    before = node.fingerprint_inputs(manifest="input/shot.json")
    file.write_text('{"studioflow": "1.0", "scene": {"mood": "wild"}}')
    assert node.fingerprint_inputs(manifest="input/shot.json") != before


def test_a_wrong_model_is_told_before_the_run(nodes: dict[str, type]) -> None:
    message = nodes["StudioFlowFiboLoader"].validate_inputs(model="studioflow-standin-fibo1")
    assert 'did you mean "studioflow-standin-fibo-1"' in message


@pytest.mark.parametrize("prefix", ["../out", "/tmp/out", "a/../../out", "a\0b"])
def test_a_name_that_leaves_output_is_refused_and_makes_no_folder(
    nodes: dict[str, type], host: ModuleType, base: Path, prefix: str
) -> None:
    assert "leaves the output folder" in nodes["StudioFlowSaveDelivery"].validate_inputs(filename_prefix=prefix)
    before = sorted(base.parent.iterdir())
    with pytest.raises(Exception, match="leaves the output folder"):
        host.save_location(prefix, 64, 64)
    assert sorted(base.parent.iterdir()) == before


def test_cancel_stops_within_one_step(nodes: dict[str, type], manifest: Any, fibo: Any) -> None:
    import comfy.model_management as management

    caption = run(nodes["StudioFlowCompileCaption"], manifest=manifest, dialect="auto", fibo=fibo).args[0]
    passes: list[int] = []

    def interrupt(*_: Any) -> None:
        passes.append(1)
        if len(passes) == 3:
            management.interrupt_current_processing(True)

    hook = fibo.pipeline.transformer.register_forward_hook(interrupt)
    try:
        with pytest.raises(management.InterruptProcessingException):
            run(nodes["StudioFlowFiboSampler"], fibo=fibo, caption=caption, negative="", **SMALL | {"steps": 9})
    finally:
        hook.remove()
    # FIBO 2 runs the negative in a pass of its own.
    assert len(passes) <= 4
    images = run(nodes["StudioFlowFiboSampler"], fibo=fibo, caption=caption, negative="", **SMALL).args[0]
    assert torch.isfinite(images).all()
