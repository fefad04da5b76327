"""The profiles hold the primaries and the curve of their space: littlecms and transicc compute with them, and
colour-science says what they should give."""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
import subprocess
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from studioflow.color.convert import convert
from studioflow.color.spaces import DATA, plain_spaces
from studioflow.imaging.icc import profile_for, profile_of
from studioflow.imaging.sheet import Layer

from .colour_reference import colour

PROFILED = [name for name, row in plain_spaces().items() if row.encoding in ("display", "linear")]


def grid(low: float = 0.0) -> np.ndarray:
    steps = np.linspace(low, 1, 12)
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)


def to_linear(values: np.ndarray, transfer: str, gamma: float | None) -> np.ndarray:
    if transfer == "srgb":
        return colour.models.eotf_sRGB(values)
    return values ** (gamma or 1.0)


@pytest.mark.parametrize("space", PROFILED)
def test_littlecms_finds_the_space_in_its_profile(space: str) -> None:
    row = plain_spaces()[space]
    xy, white = np.reshape(row.primaries[:6], (3, 2)), np.array(row.primaries[6:])
    matrix = colour.normalised_primary_matrix(xy, white)
    d50 = np.array([0.9642, 1.0, 0.8249])
    adapted = colour.adaptation.matrix_chromatic_adaptation_VonKries(
        colour.xyY_to_XYZ([*white, 1.0]), d50, transform="Bradford"
    )
    values = grid()
    expected = to_linear(values, row.transfer, row.gamma) @ (adapted @ matrix).T
    found = imagecodecs.cms_transform(
        values, profile_of(space), imagecodecs.cms_profile("xyz"), colorspace="rgb", outcolorspace="xyz", outdtype="f8"
    )
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize("target", PROFILED)
def test_converting_by_profiles_equals_our_own_conversion(target: str) -> None:
    levels = (np.random.default_rng(3).random((64, 64, 3)) * 255).astype(np.uint8)
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(_stream(target)), "RGB", "RGB", renderingIntent=1
    )
    by_profiles = np.asarray(ImageCms.applyTransform(Image.fromarray(levels), transform)).astype(int)
    by_numbers = convert((levels / 255.0).astype(np.float32), "sRGB", target).clip(0, 1)
    assert np.abs(by_profiles - np.rint(by_numbers * 255)).max() <= 1


def _stream(space: str) -> io.BytesIO:
    return io.BytesIO(profile_of(space))


@pytest.mark.parametrize("space", PROFILED)
def test_a_profile_is_well_made(space: str) -> None:
    data = profile_of(space)
    profile = ImageCms.ImageCmsProfile(_stream(space)).profile
    assert struct.unpack(">I", data[:4])[0] == len(data) and len(data) % 4 == 0
    assert profile.profile_description == space and profile.version == pytest.approx(4.4)
    assert profile.device_class == "mntr" and profile.is_matrix_shaper and profile.copyright
    # The ID is the MD5 of the profile with flags, intent and ID at zero.
    bare = data[:44] + bytes(4) + data[48:64] + bytes(4) + data[68:84] + bytes(16) + data[100:]
    assert hashlib.md5(bare).digest() == data[84:100] == profile.profile_id
    assert (b"cicp" in data) == (plain_spaces()[space].cicp is not None)


def test_littlecms_makes_the_same_primaries() -> None:
    theirs = imagecodecs.cms_profile(
        "rgb", whitepoint=(0.3127, 0.329, 1), primaries=(0.64, 0.33, 1, 0.21, 0.71, 1, 0.15, 0.06, 1), gamma=2.2
    )
    for name in (b"rXYZ", b"gXYZ", b"bXYZ"):
        assert np.abs(_tag(theirs, name) - _tag(profile_of("Adobe RGB"), name)).max() < 5e-5


def _tag(data: bytes, name: bytes) -> np.ndarray:
    for row in range(struct.unpack(">I", data[128:132])[0]):
        kind, at, _ = struct.unpack(">4sII", data[132 + 12 * row : 144 + 12 * row])
        if kind == name:
            return np.frombuffer(data[at + 8 : at + 20], ">i4") / 65536
    raise AssertionError(name)


@pytest.mark.parametrize("space", ["Rec.2100 PQ", "Rec.2100 HLG", "ACEScct", "Camera Log of a config"])
def test_no_profile_where_none_would_be_honest(space: str) -> None:
    pixels = np.zeros((1, 1, 3), np.float32)
    profile, notes = profile_for(Layer("beauty", pixels), space)
    assert profile_of(space) == profile == b""
    assert space in notes[0] and "ICC" in notes[0]


def test_numbers_and_single_channels_get_no_profile() -> None:
    three, one = np.zeros((1, 1, 3), np.float32), np.zeros((1, 1, 1), np.float32)
    assert profile_for(Layer("normals", three, DATA), "sRGB") == (b"", [])
    profile, notes = profile_for(Layer("beauty", one), "sRGB")
    assert profile == b"" and "one channel" in notes[0]


@pytest.mark.skipif(not shutil.which("transicc"), reason="littlecms' transicc is not installed")
def test_transicc_reads_a_profile(tmp_path: Path) -> None:
    (tmp_path / "p.icc").write_bytes(profile_of("ACEScg"))
    done = subprocess.run(
        ["transicc", "-n", "-t", "1", "-i", str(tmp_path / "p.icc"), "-o", "*XYZ"],
        input="255\n255\n255\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert [float(number) for number in done.stdout.split()] == pytest.approx([96.42, 100, 82.49], abs=0.01)
