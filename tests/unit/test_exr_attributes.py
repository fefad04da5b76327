"""What the header of an EXR says of colour, camera, time and rights."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from studioflow.color.spaces import plain_spaces
from studioflow.errors import DeliveryError, StudioFlowError
from studioflow.imaging.exr import write_exr
from studioflow.imaging.facts import Facts
from studioflow.imaging.menus import MAIN
from studioflow.imaging.sheet import Layer

from .exr_files import parts_of, spec
from .sheets import CAPTURED, SPACE, photo, sheet_of


@pytest.mark.parametrize("space", [name for name, row in plain_spaces().items() if row.encoding == "linear"])
def test_the_space_is_named_twice_and_alike(tmp_path: Path, space: str) -> None:
    path = tmp_path / "space.exr"
    write_exr(path, sheet_of(Layer(MAIN, photo(), space), space=space), spec())
    ((about, _),) = parts_of(path)
    assert np.allclose(about["chromaticities"], plain_spaces()[space].primaries)
    # OpenEXR has figures of its own for these ids.
    if hasattr(OpenEXR, "colorInteropIDToChromaticities"):
        assert np.allclose(OpenEXR.colorInteropIDToChromaticities(about["colorInteropID"]), about["chromaticities"])
    assert about["studioflow:colorspace"] == space
    assert "acesImageContainerFlag" not in about


@pytest.mark.parametrize("space", ["sRGB", "ACEScct", "Rec.2100 PQ"])
def test_a_space_that_is_not_linear(tmp_path: Path, space: str) -> None:
    with pytest.raises(DeliveryError, match="an EXR holds scene-linear values") as caught:
        write_exr(tmp_path / "display.exr", sheet_of(Layer(MAIN, photo(), space), space=space), spec())
    assert "ACEScg" in str(caught.value)


FACTS = Facts(
    datetime(2026, 7, 4, 23, 5, 9, tzinfo=timezone(timedelta(hours=2))),
    title="Kanne",
    sku="NL-220",
    author="Mira Sand",
    copyright="© 2026 Mira Sand",
    description="Eine Kanne aus Stahl – 日本",
    tags=("coffee", "hero"),
    lens="85 mm portrait",
    sensor="Full frame",
    sensor_width_mm=36.0,
    sensor_height_mm=24.0,
    focal_length_mm=85.0,
    aperture=2.8,
    focus_distance_m=1.1,
    exposure_time_s=0.008,
    iso=100,
    lights=("key: softbox, 45° left, 30° high, 5600 K",),
    frames_per_second=23.976,
    timecode="01:02:03;04",
)


def test_standard_attributes(tmp_path: Path) -> None:
    path = tmp_path / "facts.exr"
    write_exr(path, sheet_of(facts=FACTS, frame=1007), spec())
    ((about, _),) = parts_of(path)
    # OpenImageIO shows owner, comments, capDate, expTime and aperture under the names that it gives them everywhere.
    wanted = {
        "lensModel": "85 mm portrait",
        "nominalFocalLength": 85.0,
        "pinholeFocalLength": 85.0,
        "FNumber": 2.8,
        "focus": 1.1,
        "ExposureTime": 0.008,
        "isoSpeed": 100.0,
        "sensorOverallDimensions": (36.0, 24.0),
        "DateTime": "2026:07:04 23:05:09",
        "utcOffset": -7200.0,
        "Copyright": "© 2026 Mira Sand",
        "imageCounter": 1007,
        "studioflow:range": "linearised, nothing above 1 was added",
    }
    for name, value in wanted.items():
        if isinstance(value, str):
            assert about[name] == value
        else:
            assert about[name] == pytest.approx(value, rel=1e-6), name
    assert about["ImageDescription"].splitlines() == [
        "Kanne (NL-220)",
        "Eine Kanne aus Stahl – 日本",
        "coffee, hero",
        "key: softbox, 45° left, 30° high, 5600 K",
    ]
    assert tuple(about["framesPerSecond"]) == (24000, 1001)
    assert about["PixelAspectRatio"] == 1.0
    assert not {"cameraMake", "cameraModel", "lensMake", "tStop", "whiteLuminance"} & set(about)
    header = OpenEXR.File(str(path), header_only=True).header()
    code = header["timeCode"]
    assert (code.hours, code.minutes, code.seconds, code.frame, code.dropFrame) == (1, 2, 3, 4, True)


def test_what_is_not_known_is_not_said(tmp_path: Path) -> None:
    path = tmp_path / "bare.exr"
    write_exr(path, sheet_of(), spec())
    own = {"capDate", "utcOffset", "studioflow:range", "studioflow:colorspace", "colorInteropID", "chromaticities"}
    needed = {"channels", "compression", "dataWindow", "displayWindow", "lineOrder", "pixelAspectRatio", "type"}
    screen = {"screenWindowCenter", "screenWindowWidth", "name"}
    assert set(OpenEXR.File(str(path), header_only=True).header()) - screen == own | needed


@pytest.mark.parametrize("text", ["", "1:2:3:4", "24:00:00:00", "00:00:00:30", "00:60:00:00", "01:02:03.04"])
def test_not_a_timecode(tmp_path: Path, text: str) -> None:
    with pytest.raises(DeliveryError, match="not a timecode"):
        write_exr(tmp_path / "t.exr", sheet_of(facts=Facts(CAPTURED, timecode=text)), spec())


def test_two_fast_frames_share_a_number_of_the_timecode(tmp_path: Path) -> None:
    path = tmp_path / "fast.exr"
    found = []
    for number in (58, 59):
        facts = Facts(CAPTURED, frames_per_second=60, timecode=f"00:00:01:{number}")
        write_exr(path, sheet_of(facts=facts), spec())
        code = OpenEXR.File(str(path), header_only=True).header()["timeCode"]
        found.append((code.seconds, code.frame, code.fieldPhase))
    assert found == [(1, 29, False), (1, 29, True)]
    with pytest.raises(DeliveryError, match="not a timecode"):
        write_exr(path, sheet_of(facts=facts._replace(frames_per_second=25)), spec())


@pytest.mark.parametrize(
    ("rate", "wanted"),
    [(24, (24, 1)), (23.976, (24000, 1001)), (29.97, (30000, 1001)), (59.94, (60000, 1001)), (12.5, (25, 2))],
)
def test_frame_rates(tmp_path: Path, rate: float, wanted: tuple[int, int]) -> None:
    path = tmp_path / "rate.exr"
    write_exr(path, sheet_of(facts=Facts(CAPTURED, frames_per_second=rate)), spec())
    assert tuple(parts_of(path)[0][0]["framesPerSecond"]) == wanted


TURNED = (0.0, np.sin(np.pi / 4), 0.0, np.cos(np.pi / 4))
"""A quarter turn to the left: the camera looks along -X, with -Z to its right."""


@pytest.mark.parametrize("size", [(24, 36), (36, 24)])
def test_points_of_the_world_land_where_the_camera_sees_them(tmp_path: Path, size: tuple[int, int]) -> None:
    facts = FACTS._replace(focal_length_mm=50.0, position_m=(2.0, 1.0, 0.5), quaternion=TURNED)
    path = tmp_path / "camera.exr"
    write_exr(path, sheet_of(Layer(MAIN, photo(*size), SPACE), facts=facts), spec())
    ((about, _),) = parts_of(path)
    to_camera, to_ndc = (np.array(about[name]).reshape(4, 4) for name in ("worldToCamera", "worldToNDC"))
    # Five metres ahead, 0.3 m to the right and 0.2 m up; left-handed: x right, y up, z ahead.
    point = np.array([2.0 - 5.0, 1.0 + 0.2, 0.5 - 0.3, 1.0])
    assert point @ to_camera == pytest.approx([0.3, 0.2, 5.0, 1.0], abs=1e-6)
    projected = point @ to_ndc
    width_mm, height_mm = (36.0, 24.0) if size == (24, 36) else (24.0, 36.0)
    right, down = projected[:2] / projected[3]
    assert right == pytest.approx(0.5 + 50.0 * 0.3 / 5.0 / width_mm, abs=1e-6)
    assert down == pytest.approx(0.5 - 50.0 * 0.2 / 5.0 / height_mm, abs=1e-6)


def test_a_fisheye_has_no_projection(tmp_path: Path) -> None:
    facts = FACTS._replace(position_m=(0.0, 0.0, 2.0), quaternion=(0.0, 0.0, 0.0, 1.0), fisheye=True)
    path = tmp_path / "fisheye.exr"
    write_exr(path, sheet_of(facts=facts), spec())
    ((about, _),) = parts_of(path)
    assert "worldToCamera" in about
    assert not {"worldToNDC", "pinholeFocalLength"} & set(about)


def test_documents_are_carried_and_cannot_replace_what_the_format_defines(tmp_path: Path) -> None:
    texts = {
        "studioflow:manifest": '{"title":"Café 日本 \U0001f600"}',
        "prompt": "{}",
        "workflow": '{"a":"\\u00e9"}',
        "compression": "lies",
        "owner": "nobody",
    }
    path = tmp_path / "texts.exr"
    (note,) = write_exr(path, sheet_of(texts=texts), spec())
    ((about, _),) = parts_of(path)
    assert {name: about[name] for name in list(texts)[:3]} == dict(list(texts.items())[:3])
    assert "compression, owner" in note
    assert "Copyright" not in about
    assert about["compression"] == "zip"


def test_spaces_of_the_config(tmp_path: Path) -> None:
    path = tmp_path / "space.exr"
    write_exr(path, sheet_of(space="ACES - ACEScg"), spec())
    ((about, _),) = parts_of(path)
    assert about["colorInteropID"] == "lin_ap1_scene"
    assert np.allclose(about["chromaticities"], plain_spaces()["ACEScg"].primaries)
    write_exr(path, sheet_of(space="Linear ARRI Wide Gamut 4"), spec())
    ((about, _),) = parts_of(path)
    # ARRI LogC4 specification: primaries of ARRI Wide Gamut 4. No id of the Color Interop Forum stands for them.
    assert about["chromaticities"][:2] == pytest.approx((0.7347, 0.2653), abs=1e-3)
    assert "colorInteropID" not in about
    write_exr(path, sheet_of(space="Raw"), spec())
    ((about, _),) = parts_of(path)
    assert about["colorInteropID"] == "data"
    with pytest.raises(DeliveryError, match="whose encoding is log"):
        write_exr(path, sheet_of(space="ARRI LogC4"), spec())


def test_an_unknown_space(tmp_path: Path) -> None:
    with pytest.raises(StudioFlowError):
        write_exr(tmp_path / "no.exr", sheet_of(space="Linear Nowhere"), spec())
