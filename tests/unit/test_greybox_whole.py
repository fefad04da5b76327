"""What a greybox shows is what its manifest says: light, colour, names, and the same again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from studioflow.errors import StudioFlowError
from studioflow.greybox.emitted import LUMINANCE
from studioflow.greybox.greybox import Greybox, Settings, render_greybox
from studioflow.greybox.menus import MOST_PIXELS
from studioflow.manifest import load
from studioflow.studio.light_captions import caption_fields
from studioflow.studio.lighting import intensity_of, key_of, lights_of
from studioflow.studio.placement import from_comfyui, pose_of

from .greybox_shots import light, nothing_to_find, rendered, scalar, shot, subject


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with scalar(tmp_path_factory):
        yield


def luminance(made: Greybox) -> NDArray[np.float64]:
    lit: NDArray[np.float64] = made.linear.astype(np.float64) @ LUMINANCE
    return lit


# Light


@pytest.mark.parametrize("setup", ["three_point", "rembrandt", "loop", "short", "book_light", "product_tent"])
def test_key_to_fill_on_a_grey_ball_is_that_of_the_manifest(setup: str) -> None:
    """Light adds up: what the fill gives is what is missing when it is off."""
    lights = [one for one in lights_of({"setup": setup}) if one["role"] in ("key", "fill")]
    key, fill = key_of(lights), next(one for one in lights if one["role"] == "fill")
    ball = subject(color="#777777")
    both, only = (
        rendered(shot(ball, lights=[key, {**fill, "intensity": level}], distance_m=0.3), 32, 256)
        for level in (intensity_of(fill), 0)
    )
    from_key = facing(only, key, luminance(only))  # type: ignore[arg-type]
    from_fill = facing(both, fill, luminance(both) - luminance(only))
    assert from_key / from_fill == pytest.approx(intensity_of(key) / intensity_of(fill), rel=0.05)  # type: ignore[arg-type]


def facing(made: Greybox, one: dict[str, Any], lit: NDArray[np.float64]) -> float:
    """What light the surface of a ball receives that faces one of its lights, by all that is turned to it: E cos."""
    azimuth, elevation = math.radians(one.get("azimuth_deg", 0.0)), math.radians(one.get("elevation_deg", 0.0))
    towards = (math.cos(elevation) * math.sin(azimuth), math.sin(elevation), math.cos(elevation) * math.cos(azimuth))
    cosine = made.normals.astype(np.float64) @ towards
    turned = (cosine > 0.6) & (made.masks[0][1] == 1.0)
    assert turned.sum() > 20
    return float((lit[turned] * cosine[turned]).sum() / (cosine[turned] ** 2).sum())


DIRECTIONS = [(0, 0), (-40, 10), (90, 0), (-100, 15), (140, 5), (0, 50), (0, -45), (50, 45)]


@pytest.mark.parametrize(("azimuth", "elevation"), DIRECTIONS)
@pytest.mark.parametrize("frame", ["camera", "world"])
def test_the_side_of_a_ball_that_is_bright_is_the_one_of_the_words(
    azimuth: float, elevation: float, frame: str
) -> None:
    camera_at = 75.0
    turned = azimuth + camera_at if frame == "world" else azimuth
    lighting = {"frame": frame, "lights": [light(azimuth_deg=turned, elevation_deg=elevation)]}
    words = caption_fields(lighting, camera_at)["direction"]
    camera = {"lens": {"focal_length_mm": 85}, "orbit": {"azimuth_deg": camera_at, "distance_m": 0.3}}
    made = rendered(shot(subject(), camera=camera, lighting=lighting), 48, 32)
    lit, mask = luminance(made), made.masks[0][1]
    rows, columns = np.nonzero(mask > 0.5)
    # From -1 to 1 over the ball; nothing of light lies anywhere else.
    right, up = (columns - columns.mean()) / np.ptp(columns) * 2.0, (rows.mean() - rows) / np.ptp(rows) * 2.0
    share = lit[rows, columns] / lit[rows, columns].sum()
    sideways, upwards = float((share * right).sum()), float((share * up).sum())
    bright = float((lit[rows, columns] > 0.02 * lit.max()).mean())
    sides = {"left": sideways < -0.15, "right": sideways > 0.15, "": abs(sideways) < 0.05}
    heights = {"from above": upwards > 0.25, "from below": upwards < -0.25, "": abs(upwards) < 0.25}
    assert sides[next((side for side in sides if side in words), "")], f"{words}: {sideways:.2f}"
    assert heights[next((height for height in heights if height in words), "")], f"{words}: {upwards:.2f}"
    for said, (least, most) in {"front": (0.7, 1.0), "side-lit": (0.35, 0.65), "behind": (0.02, 0.35)}.items():
        assert said not in words or least <= bright <= most, f"{words}: {bright:.2f} of the ball is lit"


def test_light_from_straight_behind_leaves_the_ball_dark() -> None:
    lights = [light(azimuth_deg=180)]
    assert caption_fields({"lights": lights})["direction"] == "backlit"
    made = rendered(shot(subject(), lights=lights, distance_m=0.3), 48, 32)
    assert luminance(made)[20:28, 20:28].max() < 0.001


@pytest.mark.parametrize("kind", ["softbox", "fresnel", "bulb", "octabox"])
@pytest.mark.parametrize("azimuth", [0, 35, -50])
def test_a_grey_card_that_faces_the_key_lands_at_18_percent(kind: str, azimuth: float) -> None:
    card = subject("box", (0.1, 0.1, 0.002), facing_deg=azimuth)
    made = rendered(shot(card, lights=[light(azimuth_deg=azimuth, type=kind, intensity=2.5)]), 32, 64)
    front = made.normals @ (math.sin(math.radians(azimuth)), 0.0, math.cos(math.radians(azimuth))) > 0.99
    assert float(luminance(made)[front].mean()) == pytest.approx(0.18, rel=0.03)


@pytest.mark.parametrize(
    ("kelvin", "balanced_k", "shown"), [(5600, 5600, "neutral"), (3200, 5600, "orange"), (3200, 3200, "neutral")]
)
def test_the_display_picture_is_balanced_like_a_camera(kelvin: float, balanced_k: float, shown: str) -> None:
    lights = [light(color_temperature_k=kelvin)]
    made = rendered(shot(subject("box", (0.1, 0.1, 0.1)), lights=lights), 24, 16, white_balance_k=balanced_k)
    red, green, blue = made.display[12, 12]
    # 18 % grey: 118 of 255.
    assert green == pytest.approx(118 / 255, abs=0.02)
    if shown == "neutral":
        assert max(red, green, blue) - min(red, green, blue) < 1 / 255
    else:
        assert red - green > 0.05 and green - blue > 0.05


def test_a_tone_curve_changes_the_display_picture_and_not_the_light() -> None:
    manifest = shot(subject("box", (0.1, 0.1, 0.1), color="#FFFFFF"), lights=[light()], distance_m=0.6)
    plain, toned = (rendered(manifest, 16, 16, tone=tone) for tone in ("none", "hable"))
    assert (plain.linear == toned.linear).all() and (toned.display != plain.display).any()


# What is in the picture


def test_masks_have_the_names_and_the_order_of_the_subjects() -> None:
    places = (-0.1, 0.0, 0.1)
    things = [
        subject("box", description=f"box number {number} with a long description of itself", position_m=[x, 0, 0])
        for number, x in enumerate(places)
    ]
    made = rendered(shot(*things, lights=[light()]), 60, 1)
    assert [name for name, _ in made.masks] == [thing["description"][:40] for thing in things]
    middles = [float((mask.sum(axis=0) * np.arange(60)).sum() / mask.sum()) for _, mask in made.masks]
    assert middles == sorted(middles) and middles[1] == pytest.approx(29.5, abs=0.5)


@pytest.mark.parametrize(
    "placed",
    [
        {"orbit": {"azimuth_deg": 130, "elevation_deg": -20, "distance_m": 1.5, "roll_deg": 12}},
        {"pose": {"position_m": [0.4, 1.0, -2.0], "look_at_m": [0.0, 0.1, 0.0], "roll_deg": -5}},
    ],
)
def test_camera_info_is_the_camera(placed: dict[str, Any]) -> None:
    camera = {"sensor": "super_35", "lens": {"focal_length_mm": 40}, **placed}
    made = rendered(shot(subject(position_m=[0.1, 0, 0]), camera=camera), (24, 16), 1)
    back = from_comfyui(made.camera_info, camera=camera, ratio=1.5)
    # An orbit that names no target looks at the middle of what there is.
    wanted = pose_of(camera, (0.1, 0.02, 0.0))
    assert wanted is not None
    assert back["pose"]["position_m"] == pytest.approx(wanted.position_m, abs=1e-5)
    assert back["pose"]["look_at_m"] == pytest.approx(wanted.look_at_m, abs=1e-5)
    assert back["pose"]["roll_deg"] == pytest.approx(wanted.roll_deg, abs=1e-4)
    assert back["lens"]["focal_length_mm"] == pytest.approx(40, rel=1e-6)


def test_a_light_in_the_picture_is_hidden_and_told_and_a_practical_is_shown() -> None:
    def made(*lights: dict[str, Any]) -> Greybox:
        return rendered(shot(subject(), lights=lights, distance_m=2.0, camera=camera), 48, 32)

    camera = {"lens": {"focal_length_mm": 35}, "orbit": {"distance_m": 2.0}}
    key = light(azimuth_deg=170, elevation_deg=12, distance_m=1.0, size_m=[0.3, 0.3])
    bulb = light("practical", -170, 12, type="bulb", distance_m=1.0, intensity=0.5, size_m=[0.2, 0.2])
    hidden, shown, both = made(key), made(bulb), made(key, bulb)
    told = "stands in the picture, and is not shown: key light (softbox)"
    assert told in hidden.notes and told in both.notes
    assert not any("not shown" in note for note in shown.notes)
    around = made_of_nothing(hidden)
    assert not hidden.linear[around].any(), "the lamp itself leaves no light in the picture"
    lit = [luminance(one) > 1.0 for one in (shown, both)]
    assert lit[0].any() and (lit[0] == lit[1]).all() and lit[0][:, 24:].sum() == 0
    # Half as strong as a key, whether it is the only light or not.
    ratio = luminance(both)[lit[0]].mean() / luminance(shown)[lit[0]].mean()
    assert ratio == pytest.approx(0.5, rel=0.02)


def made_of_nothing(made: Greybox) -> NDArray[np.bool_]:
    empty: NDArray[np.bool_] = made.depth > 1e9
    return empty


# Again


def noisy() -> dict[str, Any]:
    return shot(subject(), lights=[light(azimuth_deg=50)], scene={"subjects": [subject()]})


@pytest.mark.parametrize("denoise", [False, True])
def test_the_same_bits_again_and_others_for_another_seed(denoise: bool) -> None:
    one, again, other = (rendered(noisy(), 32, 4, seed=seed, denoise=denoise) for seed in (5, 5, 6))
    assert not any("denoised" in note for note in one.notes)
    for name in ("linear", "display", "depth", "depth_map", "normals", "lines"):
        assert getattr(one, name).tobytes() == getattr(again, name).tobytes(), name
    assert one.masks[0][1].tobytes() == again.masks[0][1].tobytes()
    assert one.linear.tobytes() != other.linear.tobytes() and one.depth.tobytes() == other.depth.tobytes()


def test_the_denoiser_takes_noise_and_leaves_light() -> None:
    noise, calm = (rendered(noisy(), 64, 8, denoise=denoise) for denoise in (False, True))
    best = rendered(noisy(), 64, 256, seed=9)
    errors = [float(np.abs(made.linear - best.linear).mean()) for made in (noise, calm)]
    assert errors[1] < 0.6 * errors[0]
    assert calm.linear.mean() == pytest.approx(best.linear.mean(), rel=0.03)


class Stop(Exception):
    pass


def test_progress_is_told_and_what_it_raises_ends_the_render() -> None:
    told: list[tuple[int, int]] = []
    pictures = []

    def tell(done: int, total: int, picture: Any) -> None:
        told.append((done, total))
        pictures.append(picture())

    whole = rendered(noisy(), 32, 8, progress=tell)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len({total for _, total in told}) == 1 and told[-1][0] == told[-1][1]
    shown = [picture for picture in pictures if picture is not None]
    assert all(picture.shape == (32, 32, 3) and 0.0 <= picture.min() <= picture.max() <= 1.0 for picture in shown)
    assert (shown[-1] == whole.display).all()

    for wanted in range(1, len(told) + 1):
        calls = 0

        def end(done: int, total: int, picture: Any, last: int = wanted) -> None:
            nonlocal calls
            calls += 1
            if calls == last:
                raise Stop

        with pytest.raises(Stop):
            rendered(noisy(), 32, 8, progress=end)
        assert calls == wanted
    assert rendered(noisy(), 32, 8).linear.tobytes() == whole.linear.tobytes()


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        (Settings(0, 10), "width"),
        (Settings(10, MOST_PIXELS + 1), "height"),
        (Settings(10, -3), "height"),
        (Settings(10, 10, "best"), "quality"),
        (Settings(10, 10, tone="aces"), "tone"),
        (Settings(10, 10, white_balance_k=300.0), "300"),
    ],
)
def test_settings_out_of_range_are_refused(settings: Settings, where: str) -> None:
    with pytest.raises(StudioFlowError, match=where):
        render_greybox(shot(), settings, nothing_to_find)


def test_renders_leave_no_memory_behind() -> None:
    statm = Path("/proc/self/statm")
    if not statm.is_file():
        pytest.skip("only Linux tells how much memory a process has")

    def resident_mb() -> float:
        return int(statm.read_text().split()[1]) * 4096 / 1e6

    manifest, sizes = shot(subject("sphere", (0.1, 0.1, 0.1)), lights=[light()]), []
    for seed in range(30):
        rendered(manifest, 32, 1, seed=seed)
        sizes.append(resident_mb())
    assert sizes[-1] - sizes[9] < 20.0, sizes


def test_a_scene_built_again_gives_the_same_noise(root: Path) -> None:
    hero = load(root / "samples" / "product_hero.json")
    asked = Settings(48, 32, denoise=False)
    kept = [render_greybox(hero, asked, nothing_to_find).linear]
    for _ in range(4):
        # Something in between, so that the next scene lies elsewhere in memory.
        render_greybox({"scene": {"subjects": []}}, Settings(8, 8, denoise=False), nothing_to_find)
        kept.append(render_greybox(hero, asked, nothing_to_find).linear)
    assert len({linear.tobytes() for linear in kept}) == 1
