"""What is asked of a language model: pictures made fit, requests checked, and the key of a kept answer."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studioflow.errors import StudioFlowError
from studioflow.translate.profiles import Profile
from studioflow.translate.requests import Ask, check_request, mask_bytes, picture_bytes, reply_key

PICTURE = picture_bytes(np.full((32, 48, 3), 0.25, np.float32))
MASK = mask_bytes(np.ones((32, 48), np.float32))
PROFILE = Profile("a", "openai/x", "http://127.0.0.1:8080/v1", key="sk-1234567")


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def test_values_become_eight_bits_and_are_kept_in_range() -> None:
    row = [[0.0, 0.5, 1.0], [-3.0, 1.7, 0.25]] * 8
    image = opened(picture_bytes(np.array([row] * 16, np.float32)))
    assert (image.mode, image.size) == ("RGB", (16, 16))
    assert [image.getpixel((x, 0)) for x in (0, 1)] == [(0, 128, 255), (0, 255, 64)]


def test_tensors_and_arrays_of_all_float_types_give_the_same_bytes() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (40, 50, 3)) / 255
    expected = picture_bytes(picture)
    assert picture_bytes(torch.from_numpy(picture).float()) == picture_bytes(picture.astype(np.float32)) == expected
    assert picture_bytes(torch.from_numpy(picture).half().requires_grad_()) == expected


@settings(deadline=None, max_examples=30)
@given(st.integers(16, 2500), st.integers(16, 2500))
def test_any_size_is_reduced_to_a_megapixel_in_its_shape(width: int, height: int) -> None:
    if max(width, height) > 100 * min(width, height):
        return
    image = opened(mask_bytes(np.ones((height, width), np.float16)))
    assert image.width * image.height <= (1 << 20) * 1.01 and image.width <= width and image.height <= height
    assert abs(image.width / width - image.height / height) <= max(1 / width, 1 / height)


def test_a_picture_and_its_mask_stay_of_one_size() -> None:
    picture, mask = np.zeros((1333, 2001, 3), np.float32), np.zeros((1333, 2001), np.float32)
    mask[:, 1000:] = 0.6
    png = mask_bytes(mask)
    check_request(Ask("edit_mask", "a cat", (picture_bytes(picture),), png))
    marked = np.asarray(opened(png)) / 255
    assert set(np.unique(marked)) == {0.0, 1.0} and marked.mean() == pytest.approx(0.5, abs=0.002)


@pytest.mark.parametrize(
    ("picture", "part"),
    [
        (np.zeros((20, 20), np.float32), "found: 20 × 20"),
        (np.zeros((20, 20, 4), np.float32), "found: 20 × 20 × 4"),
        (np.zeros((2, 20, 20, 3), np.float32), "found: 2 × 20 × 20 × 3"),
        (np.float32(1), "found: one number"),
        (np.zeros((20, 20, 3), np.uint8), "found: uint8"),
        (np.full((20, 20, 3), np.nan, np.float32), "NaN or infinity"),
        (np.zeros((15, 20, 3), np.float32), "found: 20 × 15 pixels"),
        (np.zeros((0, 0, 3), np.float32), "found: 0 × 0 pixels"),
        (np.zeros((16, 1601, 3), np.float32), "at most 100 times the shorter"),
    ],
)
def test_what_is_no_picture(picture: Any, part: str) -> None:
    with pytest.raises(StudioFlowError) as raised:
        picture_bytes(picture, "image_2")
    assert str(raised.value).startswith("image_2: ") and part in str(raised.value)


@pytest.mark.parametrize(
    ("mask", "part"),
    [(np.full((20, 20), 0.4, np.float32), "nothing is marked"), (np.ones((1, 20, 20), np.float32), "1 × 20 × 20")],
)
def test_what_is_no_mask(mask: Any, part: str) -> None:
    with pytest.raises(StudioFlowError, match=part):
        mask_bytes(mask)


@pytest.mark.parametrize(
    "request_",
    [
        Ask("generate", "a cat", style="editorial"),
        Ask("inspire", "a cat", (PICTURE,)),
        Ask("caption", pictures=(PICTURE,)),
        Ask("refine", "warmer", caption={"context": "x"}),
        Ask("edit", "marble", (PICTURE,) * 4, caption={"context": "x"}),
        Ask("edit_mask", "a cat", (PICTURE,), MASK),
    ],
)
def test_every_task_in_its_fullest_form(request_: Ask) -> None:
    check_request(request_)


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        (Ask("describe", "a cat"), "no such choice"),
        (Ask("generate", " \n"), "nothing to ask"),
        (Ask("generate", "x" * 20_001), "20,001 characters"),
        (Ask("generate", "a cat \ud83d"), "halves of characters"),
        (Ask("generate", "a cat", (PICTURE,)), "allowed: 0"),
        (Ask("inspire", "a cat"), "allowed: 1"),
        (Ask("caption", "a cat", (PICTURE,)), "takes no words"),
        (Ask("edit", "a cat"), "allowed: 1 to 4"),
        (Ask("edit", "a cat", (PICTURE,) * 5), "a batch counts as several"),
        (Ask("caption"), "pictures of describe: not the number"),
        (Ask("edit", "a cat", (PICTURE,), style="editorial"), "an edit takes no style"),
        (Ask("edit", "a cat", (PICTURE,), MASK), "mask of edit: a masked edit takes a mask, and nothing else does"),
        (Ask("edit_mask", "a cat", (PICTURE,)), "found: none"),
        (
            Ask("edit_mask", "a cat", (PICTURE,), mask_bytes(np.ones((48, 32), np.float32))),
            "found: 32 × 48 pixels\n  allowed: 48 × 32",
        ),
        (Ask("refine", "warmer"), "no caption to refine"),
        (Ask("generate", "a cat", caption={"context": "x"}), "takes no caption"),
    ],
)
def test_requests_that_do_not_hold_together(request_: Ask, part: str) -> None:
    with pytest.raises(StudioFlowError) as raised:
        check_request(request_)
    assert part in str(raised.value)


def test_the_key_of_an_answer_follows_everything_that_decides_it_and_no_secret() -> None:
    asked = Ask("edit", "marble", (PICTURE,), None, {"context": "x"}, "", 1)
    others = [
        (asked._replace(task="edit_mask"), PROFILE),
        (asked._replace(prompt="oak"), PROFILE),
        (asked._replace(pictures=(PICTURE, PICTURE)), PROFILE),
        (asked._replace(mask=MASK), PROFILE),
        (asked._replace(caption={"context": "y"}), PROFILE),
        (asked._replace(style="editorial"), PROFILE),
        (asked._replace(seed=2), PROFILE),
        (asked, PROFILE._replace(model="openai/y")),
        (asked, PROFILE._replace(base_url=None)),
        (asked, PROFILE._replace(temperature=0.0)),
        (asked, PROFILE._replace(max_tokens=900)),
    ]
    keys = {reply_key(asked, PROFILE), *(reply_key(*other) for other in others)}
    assert len(keys) == len(others) + 1 and all(len(key) == 64 for key in keys)
    same = PROFILE._replace(name="b", key="sk-another", key_env="OTHER", timeout_s=5, hint="x")
    assert reply_key(asked, same) == reply_key(asked, PROFILE)
