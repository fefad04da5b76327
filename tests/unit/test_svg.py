"""Drawings to pictures: right size, right colours, the same font everywhere, nothing else accepted."""

from __future__ import annotations

import numpy as np
import pytest

from studioflow.errors import StudioFlowError
from studioflow.imaging import svg as drawing
from studioflow.imaging.svg import rasterize

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100">'


def test_a_picture_has_the_width_asked_for_and_the_drawings_colours() -> None:
    picture = rasterize(f'{HEAD}<rect width="100" height="100" fill="#FF8000"/></svg>', 400)
    assert picture.shape == (200, 400, 3)
    assert picture.dtype == np.float32
    assert picture[100, 50] == pytest.approx([1.0, 128 / 255, 0.0])
    assert picture[100, 350] == pytest.approx([1.0, 1.0, 1.0])
    assert 0.0 <= picture.min() <= picture.max() <= 1.0


def test_text_is_drawn_with_the_font_that_is_always_there() -> None:
    from PIL import ImageFont

    words = "Rim light 35° · 5600 K"
    picture = rasterize(
        f'{HEAD}<text x="0" y="50" font-family="No Such Font, sans-serif" font-size="16">{words}</text></svg>', 800
    )
    inked = np.flatnonzero((picture < 0.5).any(axis=(0, 2)))
    # Four pixels to a unit; letters have a little room of their own at both ends.
    assert inked[-1] / 4 == pytest.approx(ImageFont.load_default(size=160.0).getlength(words) / 10, abs=2.5)


def test_the_system_is_asked_only_for_signs_that_the_font_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    import resvg_py

    skipped = []
    real = resvg_py.svg_to_bytes
    monkeypatch.setattr(
        resvg_py, "svg_to_bytes", lambda **options: skipped.append(options["skip_system_fonts"]) or real(**options)
    )
    for words in ("Plan 1.5 m", "照明"):
        rasterize(f'{HEAD}<text x="9" y="50">{words}</text></svg>', 100)
    assert skipped == [True, False]


def test_the_same_drawing_gives_the_same_picture() -> None:
    text = f'{HEAD}<text x="9" y="50" fill="#334455">Key</text></svg>'
    assert np.array_equal(rasterize(text, 333), rasterize(text, 333))


@pytest.mark.parametrize(
    ("text", "width", "message"),
    [
        ("", 100, "nothing"),
        ("no drawing", 100, "this is no drawing"),
        (f"{HEAD}<rect", 100, "this is no drawing"),
        ('<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>', 100, "viewBox"),
        (f"{HEAD}</svg>", 0, "1 to 8192"),
        (f"{HEAD}</svg>", 8193, "1 to 8192"),
        (f"{HEAD.replace('200 100', '1 99999')}</svg>", 2000, "too large"),
    ],
)
def test_what_is_no_drawing_is_refused(text: str, width: int, message: str) -> None:
    with pytest.raises(StudioFlowError) as caught:
        rasterize(text, width)
    assert message in str(caught.value)


def test_a_drawing_reads_no_files(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (10, 10), "red").save(tmp_path / "secret.png")
    linked = '<image href="secret.png" width="200" height="100"/>'
    assert rasterize(f"{HEAD}{linked}</svg>", 100).min() == 1.0


def test_the_font_is_a_truetype_file() -> None:
    assert drawing._font()[:4] == b"\x00\x01\x00\x00"
