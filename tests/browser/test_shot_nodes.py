"""The nodes of camera, light and look on the canvas: what they draw and say is seen, in both renderers."""

from __future__ import annotations

from .canvas import Canvas


def held_back(canvas: Canvas, recipe: str) -> None:
    """Opens a recipe and runs what needs no model: the rest is held back by a fault."""
    canvas.open_recipe(recipe)
    canvas.set_widget("StudioFlowCompileCaption", "dialect", "fibo-1")  # while FIBO 2 is loaded
    canvas.press_run()
    canvas.expect_error("the dialect does not fit the loaded model")
    canvas.page.keyboard.press("Escape")
    canvas.fit_view()  # the classic renderer draws no element of a node that is out of view


def test_depth_of_field_and_lighting_diagram_are_drawn_at_their_nodes(canvas: Canvas) -> None:
    held_back(canvas, "portrait_rembrandt")
    assert canvas.wait_for_preview("StudioFlowDepthOfField")[0] == 1024
    assert canvas.wait_for_preview("StudioFlowLightingDiagram")[0] == 1024
    canvas.expect_readable("hyperfocal distance: 60.3 m", times=1)
    canvas.expect_readable("deformed hands", times=1)


def test_a_style_says_what_it_changes_before_it_does(canvas: Canvas) -> None:
    canvas.open_recipe("product_on_white")
    canvas.set_widget("StudioFlowStyle", "apply", False)
    canvas.set_widget("StudioFlowCompileCaption", "dialect", "fibo-1")
    canvas.press_run()
    canvas.expect_error("the dialect does not fit the loaded model")
    canvas.expect_readable("caption fields that change: ", times=1)
    assert canvas.wait_for_preview("StudioFlowPalette") == [512, 128]


def test_a_panorama_shows_its_lights(canvas: Canvas) -> None:
    held_back(canvas, "hdri_matched_product")
    assert canvas.wait_for_preview("StudioFlowHdriLight") == [1024, 512]
    canvas.expect_readable("1 key: softbox", times=1)


def test_the_sun_says_where_it_stands(canvas: Canvas) -> None:
    held_back(canvas, "golden_hour_exterior")
    canvas.expect_readable("sun 4.5° above the horizon", times=1)
