"""Surfaces of the greybox: words to materials, materials to BSDFs that do what the material does, metals as measured.

Mitsuba's own tables of metals, colour-science and mean values of rendered balls are the references.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import mitsuba as mi
import numpy as np
import pytest
from numpy.typing import NDArray

from studioflow.color.convert import convert
from studioflow.errors import StudioFlowError
from studioflow.greybox.build import build
from studioflow.greybox.material_match import color_in, match_description, match_words, preset_named
from studioflow.greybox.parts import Plain
from studioflow.greybox.surfaces import Surface, surface_of
from studioflow.resources import shipped, table
from studioflow.studio.words import entries

from .colour_reference import colour

MATERIALS = entries("materials")
SURFACES = table("greybox/surfaces.json")
METALS = {key: row for key, row in table("greybox/metals.json").items() if not key.startswith("_")}
NM = np.arange(380, 781)
ANGLES_DEG = (0, 30, 45, 60, 70, 75, 80, 85)
Spectrum = NDArray[np.float64]


@pytest.fixture(autouse=True, scope="module")
def _variant() -> Iterator[None]:
    before = mi.variant()
    mi.set_variant("scalar_rgb")
    yield
    if before:
        mi.set_variant(before)


def rgb(value: float) -> Plain:
    return {"type": "rgb", "value": [value] * 3}


def body(color: str = "", **material: Any) -> Plain:
    """The BSDF of a body of one material: a preset with changes, and the subject's colour."""
    subject = {"material": "m"} | ({"color": color} if color else {})
    return surface_of(subject, "body", {}, {"m": material}).plain


def ball(bsdf: Plain, *others: Plain, size: int = 16, spp: int = 64, fov: float = 27.5, depth: int = 24) -> Spectrum:
    """Linear [size, size, 3] of a ball of radius 1 that fills the frame but for its corners."""
    scene: Plain = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": depth, "rr_depth": 100},
        "sensor": {
            "type": "perspective",
            "fov": fov,
            "to_world": mi.ScalarTransform4f().look_at([0, 0, 4.2], [0, 0, 0], [0, 1, 0]),
            "film": {
                "type": "hdrfilm",
                "width": size,
                "height": size,
                "rfilter": {"type": "box"},
                "pixel_format": "rgb",
            },
        },
        "ball": {"type": "sphere", "bsdf": bsdf},
    } | {f"other{index}": other for index, other in enumerate(others)}
    return np.array(mi.render(build(mi, scene), spp=spp, seed=1), dtype=np.float64)


def furnace(bsdf: Plain, spp: int = 32) -> Spectrum:
    """RGB that the ball reflects and lets through where light of 1 comes from everywhere."""
    pixels = ball(bsdf, {"type": "constant", "radiance": rgb(1.0)}, spp=spp)
    row, column = np.mgrid[:16, :16] - 7.5
    found: Spectrum = pixels[np.hypot(row, column) < 7.5].mean(axis=0)
    return found


def inner(plain: Plain) -> Plain:
    return plain["bsdf"] if plain["type"] == "twosided" else plain


def linear(hex_color: str) -> Spectrum:
    encoded = np.array([int(hex_color[i : i + 2], 16) / 255 for i in (1, 3, 5)], dtype=np.float32)
    return convert(encoded[None], "sRGB", "ACEScg")[0].astype(np.float64)


@pytest.mark.parametrize("name", ["surfaces", "metals"])
def test_tables_keep_to_their_schemas(name: str) -> None:
    rules = json.loads((shipped("schemas") / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.Draft202012Validator(rules).validate(table(f"greybox/{name}.json"))


def test_tables_name_each_other() -> None:
    rows = {key: row for key, row in SURFACES.items() if not key.startswith("_")}
    assert rows.keys() <= MATERIALS.keys()
    assert {row["family"] for row in MATERIALS.values()} == SURFACES["_families"].keys()
    assert {
        row["metal"] for row in [*rows.values(), *SURFACES["_families"].values()] if "metal" in row
    } <= METALS.keys()
    assert {row["preset"] for row in SURFACES["_roles"].values()} <= MATERIALS.keys()


def test_nothing_gives_back_more_light_than_it_gets() -> None:
    bright: dict[str, Spectrum] = {}
    for name in MATERIALS:
        bright[name] = furnace(body(preset=name))
        assert np.isfinite(bright[name]).all(), name
        assert 0.01 < bright[name].max() <= 1.001, (name, bright[name])
    assert len(bright) >= 127
    for name in (
        "polished_chrome",
        "polished_steel",
        "brushed_steel",
        "brushed_aluminium",
        "titanium",
        "polished_silver",
    ):
        assert bright[name].min() > 0.3, name
    assert bright["polished_gold"].max() > 0.8 and bright["watercolour_paper"].min() > 0.7
    for name in ("clear_glass", "crystal", "water", "diamond"):
        assert np.allclose(bright[name], 1.0, atol=1e-3), name


@pytest.mark.parametrize(
    "preset", ["cotton", "satin", "velvet", "matte_skin", "pearlescent_car_paint", "matte_plastic", "milk"]
)
def test_white_things_give_back_no_more_than_they_get_at_the_rim_either(preset: str) -> None:
    pixels = ball(body("#FFFFFF", preset=preset), {"type": "constant", "radiance": rgb(1.0)}, size=32, spp=100)
    row, column = np.mgrid[:32, :32] - 15.5
    far = np.hypot(row, column)
    rim = pixels[(far > 13) & (far < 14.5)]
    assert 0.7 < rim.mean() <= 1.005


@pytest.mark.parametrize("preset", ["plaster", "concrete", "terracotta", "kraft_paper", "cork", "slate"])
def test_diffuse_things_have_the_colour_of_their_hex(preset: str) -> None:
    assert np.allclose(furnace(body(preset=preset)), linear(MATERIALS[preset]["color"]), rtol=0.02)
    assert np.allclose(furnace(body("#8040C0", preset=preset)), linear("#8040C0"), rtol=0.02)


@pytest.mark.parametrize("preset", ["gloss_paint", "cotton", "smooth_leather", "matte_plastic", "oiled_oak"])
def test_other_opaque_things_come_near_it(preset: str) -> None:
    assert np.allclose(furnace(body("#A86432", preset=preset), spp=128), linear("#A86432"), atol=0.075)


@pytest.mark.parametrize("preset", ["polished_steel", "gloss_paint", "satin", "frosted_glass"])
def test_roughness_widens_the_highlight(preset: str) -> None:
    lamp: Plain = {
        "type": "sphere",
        "center": [0, 0, 14],
        "radius": 1,
        "emitter": {"type": "area", "radiance": rgb(50.0)},
    }
    peaks = []
    for roughness in (0.2, 0.45, 0.7):
        seen = ball(body(preset=preset, roughness=roughness), lamp, size=24, spp=64, depth=2).sum(axis=2)
        peaks.append(seen[10:14, 10:14].mean() / seen.mean())
    assert peaks == sorted(peaks, reverse=True) and peaks[0] > 1.2 * peaks[-1]


def edge_behind(bsdf: Plain) -> Spectrum:
    """Left to right through the middle of the ball; behind it the right half of the world is white."""
    white: Plain = {
        "type": "rectangle",
        "to_world": np.array([[50.0, 0, 0, 50], [0, 50, 0, 0], [0, 0, 1, -8], [0, 0, 0, 1]]),
        "emitter": {"type": "area", "radiance": rgb(1.0)},
    }
    seen: Spectrum = ball(bsdf, white, fov=20.0, depth=4)[6:10].mean(axis=(0, 2))
    return seen


def test_glass_turns_what_is_behind_it_around() -> None:
    for preset in ("clear_glass", "water", "crystal"):
        seen = edge_behind(body(preset=preset))
        assert seen[4:6].mean() > 0.8 and seen[10:12].mean() < 0.2, preset
    straight = edge_behind(body(preset="clear_glass", ior=1.0))
    assert straight[4:6].mean() < 0.05 and straight[10:12].mean() > 0.95


def test_tints_are_those_of_two_walls() -> None:
    seen = ball(body("#40C080", preset="clear_glass", ior=1.0), {"type": "constant", "radiance": rgb(1.0)})
    assert np.allclose(seen[8, 8], linear("#40C080"), atol=0.01)


def test_sheets_and_openwork_let_light_through() -> None:
    for preset in ("lace", "chiffon", "tissue_paper", "iridescent_film", "clear_acrylic"):
        lit = edge_behind(body(preset=preset)).sum()
        assert lit > 8 * edge_behind(body(preset="cotton")).sum(), preset


def test_changes_take_effect() -> None:
    steel, paint = body(preset="polished_steel"), body(preset="gloss_paint")
    assert inner(body(preset="polished_steel", roughness=0.5))["alpha"] == pytest.approx(0.25)
    assert inner(body(preset="clear_glass", ior=1.7))["int_ior"] == 1.7
    assert body(preset="clear_glass", roughness=0.4)["type"] == "roughdielectric"
    assert np.allclose(furnace(body("#A03020", preset="plaster")), furnace(body(preset="plaster", color="#A03020")))
    seen = edge_behind(body(preset="gloss_paint", roughness=0, ior=1, transmission=0.9))
    assert seen[4:6].mean() < 0.1 and seen[10:12].mean() > 0.8
    coats = [furnace(body("#400808", preset="metallic_car_paint", metallic=share))[0] for share in (0, 0.5, 1)]
    assert coats == sorted(coats, reverse=True) and coats[2] > 0.6 * coats[0]
    half = body(preset="gloss_paint", transmission=0.5)
    assert half["type"] == "blendbsdf" and half["weight"] == 0.5
    assert body(preset="gloss_paint", transmission=1)["type"] == "roughdielectric"
    assert inner(body(preset="clear_glass", transmission=0))["type"] == "roughplastic"
    assert body(preset="clear_glass", transmission=0.4)["type"] == "blendbsdf"
    assert inner(steel)["type"] == "roughconductor" and inner(paint)["type"] == "roughplastic"
    assert inner(body(preset="polished_steel", metallic=0))["type"] == "principled"
    shiny = furnace(body("#FF4020", preset="gloss_paint", metallic=1))
    assert inner(body(preset="gloss_paint", metallic=1))["metallic"] == 1 and shiny[0] > 2 * shiny[2]
    assert body(roughness=0.9, color="#404040") == {
        "type": "twosided",
        "bsdf": {"type": "diffuse", "reflectance": {"type": "rgb", "value": pytest.approx(linear("#404040"))}},
    }


def test_a_metal_is_tinted_by_the_subjects_colour() -> None:
    plain, same = (furnace(body(color, preset="anodised_aluminium")) for color in ("", "#8F949A"))
    red = furnace(body("#B01020", preset="anodised_aluminium"))
    assert np.allclose(plain, same, atol=1e-3)
    assert red[0] > 0.5 * plain[0] and red[0] > 5 * red[1]
    black = furnace(body("#202020", preset="brushed_steel"))
    assert black.max() < 0.1


def fresnel(n: Any, k: Any, angle_deg: float) -> Any:
    """Unpolarised reflectance of a metal."""
    cosine = np.cos(np.radians(angle_deg))
    index = np.asarray(n) + 1j * np.asarray(k)
    inside = np.sqrt(1 - (1 - cosine**2) / index**2)
    s = (cosine - index * inside) / (cosine + index * inside)
    p = (index * cosine - inside) / (index * cosine + inside)
    return (abs(s) ** 2 + abs(p) ** 2) / 2


def measured_reflectance(metal: str, angle_deg: float) -> Spectrum:
    row = METALS[metal]
    if "mix" in row:
        return np.mean([measured_reflectance(name, angle_deg) for name in row["mix"]], axis=0)
    nm, n, k = np.array(row["measured"]).T
    found: Spectrum = fresnel(np.interp(NM, nm, n), np.interp(NM, nm, k), angle_deg)
    return found


def acescg_of(reflectance: Spectrum) -> Spectrum:
    """ACEScg of a reflectance at ``NM`` under CIE D60, white being 1, by colour-science."""
    shape = colour.SpectralShape(380, 780, 1)
    observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"].copy().align(shape).values
    light = colour.SDS_ILLUMINANTS["D60"].copy().align(shape).values[:, None]
    to_rgb = colour.RGB_COLOURSPACES["ACEScg"].matrix_XYZ_to_RGB
    white = to_rgb @ (observer * light).sum(axis=0)
    found: Spectrum = to_rgb @ (observer * light * reflectance[:, None]).sum(axis=0) / white
    return found


def fitted(metal: str) -> tuple[list[float], list[float]]:
    """eta and k of the three channels: the measured reflectance at 0 degrees exactly, at ``ANGLES_DEG`` nearly.

    The reflectance at 0 degrees gives a quadratic equation for eta at every k; the k that comes nearest wins.
    """
    wanted = np.array([acescg_of(measured_reflectance(metal, angle)) for angle in ANGLES_DEG])
    k = np.linspace(0.5, 9, 3401)
    pairs = []
    for channel in wanted.T:
        plus, minus = 1 + channel[0], 1 - channel[0]
        root = np.sqrt(np.maximum(plus**2 - minus**2 * (1 + k**2), 0))
        eta = np.concatenate([(plus - root) / minus, (plus + root) / minus])
        both = np.concatenate([k, k])
        error = sum((fresnel(eta, both, angle) - value) ** 2 for angle, value in zip(ANGLES_DEG, channel, strict=True))
        best = int(np.argmin(error))
        pairs.append((round(float(eta[best]), 4), round(float(both[best]), 4)))
    etas, ks = zip(*pairs, strict=True)
    return list(etas), list(ks)


@pytest.mark.parametrize("metal", METALS)
def test_metals_reflect_what_was_measured(metal: str) -> None:
    row = METALS[metal]
    for angle in ANGLES_DEG:
        there = fresnel(row["eta"], row["k"], angle)
        wanted = acescg_of(measured_reflectance(metal, angle))
        near = np.allclose(there, wanted, atol=5e-4 if angle == 0 else 0.003)
        assert near, f"eta and k of these measurements are {fitted(metal)}"


@pytest.mark.parametrize(
    ("metal", "file", "within"),
    [
        ("gold", "Au", 0.05),
        ("silver", "Ag", 0.06),
        ("copper", "Cu", 0.03),
        ("aluminium", "Al", 0.01),
        ("nickel", "Ni_palik", 0.05),
    ],
)
def test_metals_agree_with_mitsubas_own_tables(metal: str, file: str, within: float) -> None:
    folder = Path(mi.__file__).parent / "data" / "ior"
    n, k = (np.loadtxt(folder / f"{file}.{column}.spd").T for column in ("eta", "k"))
    theirs = acescg_of(fresnel(np.interp(NM, *n), np.interp(NM, *k), 0))
    assert np.allclose(fresnel(METALS[metal]["eta"], METALS[metal]["k"], 0), theirs, atol=within)


PUBLISHED = {
    "gold": (1.022, 0.782, 0.344),
    "silver": (0.972, 0.960, 0.915),
    "copper": (0.955, 0.638, 0.538),
    "aluminium": (0.913, 0.922, 0.924),
    "iron": (0.562, 0.565, 0.578),
    "chromium": (0.549, 0.556, 0.554),
    "nickel": (0.660, 0.609, 0.526),
    "brass": (0.910, 0.778, 0.423),
}
"""Linear sRGB at normal incidence as renderers' handbooks give it, e.g. Real-Time Rendering, 4th edition, table 9.2."""


@pytest.mark.parametrize("metal", PUBLISHED)
def test_metals_agree_with_published_reflectances(metal: str) -> None:
    ours = fresnel(METALS[metal]["eta"], METALS[metal]["k"], 0)
    srgb = convert(np.asarray(ours, dtype=np.float32)[None], "ACEScg", "Linear Rec.709")[0]
    assert np.allclose(srgb, PUBLISHED[metal], atol=0.09 if metal == "iron" else 0.065)


def test_a_mirror_ball_of_a_metal_shows_its_reflectance() -> None:
    for preset, metal in (("polished_gold", "gold"), ("polished_copper", "copper")):
        pixels = ball(body(preset=preset), {"type": "constant", "radiance": rgb(1.0)})
        assert np.allclose(
            pixels[7:9, 7:9].mean(axis=(0, 1)), fresnel(METALS[metal]["eta"], METALS[metal]["k"], 0), atol=0.01
        )


@pytest.mark.parametrize(
    ("words", "preset"),
    [
        ("brushed stainless steel", "brushed_steel"),
        ("Brushed Steel", "brushed_steel"),
        ("brushed_steel", "brushed_steel"),
        ("unglazed stoneware", "stoneware"),
        ("hand-blown glass", "clear_glass"),
        ("frosted glass", "frosted_glass"),
        ("soft wool", "wool_knit"),
        ("wool felt", "felt"),
        ("oak", "oiled_oak"),
        ("charred timber boards", "weathered_wood"),
        ("spruce and maple", "pine"),
        ("matte black metal", "black_steel"),
        ("matt aluminium", "anodised_aluminium"),
        ("anodized aluminum", "anodised_aluminium"),
        ("carbon fiber", "carbon_fibre"),
        ("rose gold", "rose_gold"),
        ("18k gold", "polished_gold"),
        ("matte ceramic", "bisque_ceramic"),
        ("transparent plastic", "clear_acrylic"),
        ("slate grey plastic", "glossy_plastic"),
        ("cotton paper", "watercolour_paper"),
    ],
)
def test_words_find_their_material(words: str, preset: str) -> None:
    found = match_words(words)
    assert found and found.preset == preset


@pytest.mark.parametrize("name", MATERIALS)
def test_every_preset_is_found_by_its_title_and_by_its_texture(name: str) -> None:
    row = MATERIALS[name]
    assert preset_named(row["title"]) == preset_named(name) == name
    found = match_words(row["texture"])
    assert found and found.preset == name


@pytest.mark.parametrize(
    ("description", "preset"),
    [
        ("green glass desk lamps", "clear_glass"),
        ("row of oak reading tables", "oiled_oak"),
        ("leather bag with brass buckles", "smooth_leather"),
        ("glass of milk", "clear_glass"),
        ("crusty bread", "crusty_bread"),
        ("hand coffee grinder", ""),
        ("a woman in a silk dress", ""),
        ("water bottle", ""),
        ("", ""),
    ],
)
def test_descriptions_name_materials_on_the_way(description: str, preset: str) -> None:
    found = match_description(description)
    assert (found.preset if found else "") == preset


def test_words_bring_their_colour_and_finish() -> None:
    names = table("studio/color_names.json")["colors"]
    glass, oak = match_words("emerald green glass"), match_words("polished oak")
    assert glass and glass.color == names["emerald green"] and glass.roughness is None
    assert oak and oak.roughness == SURFACES["_finishes"]["polished"]
    yellow, marble = match_words("yellow gold"), match_words("black marble")
    assert yellow and marble and yellow.color == marble.color == ""
    assert color_in("red car with blue doors") == names["red"] and color_in("bicycle") == ""


PORTRAIT = {"skin": "matte_skin", "hair": "faux_fur", "clothes": "wool_knit"}


def made(subject: dict[str, Any], role: str = "body", roles: dict[str, str] | None = None, **materials: Any) -> Surface:
    return surface_of(subject, role, roles or {}, materials)


def test_the_subjects_own_word_comes_first() -> None:
    texture = {"description": "oak table", "texture": "brushed steel"}
    assert made({"material": "walnut", **texture}).plain == body(preset="walnut")
    assert made(texture).plain == body(preset="brushed_steel")
    assert made({"description": "oak table"}).plain == body(preset="oiled_oak")
    assert made({"material": "m"}, m={"preset": "felt"}).note == ""
    assert made({"material": "Polished gold"}).note == ""
    assert made({"material": "soft wool"}).note == '"soft wool" -> Wool knit'
    car = {"body": "metallic_car_paint"}
    assert made({"description": "a silver car"}, roles=car).plain == body("#C5C9C7", preset="metallic_car_paint")
    assert made({"description": "a car"}, roles=car).plain == body(preset="metallic_car_paint")
    assert made({"description": "a car", "material": "oak"}, roles=car).plain == body(preset="oiled_oak")


def test_parts_have_their_own_materials() -> None:
    subject = {"description": "a singer", "color": "#203080"}
    skin, clothes = made(subject, "skin", PORTRAIT), made(subject, "clothes", PORTRAIT)
    assert skin.plain == body(preset="matte_skin") and clothes.plain == body("#203080", preset="wool_knit")
    dewy = {**subject, "material": "dewy skin"}
    assert made(dewy, "skin", PORTRAIT).plain == body(preset="dewy_skin")
    assert made(dewy, "hair", PORTRAIT) == made(subject, "hair", PORTRAIT)
    denim = made({"material": "denim"}, "clothes", PORTRAIT)
    assert denim.plain == body(preset="denim")
    hair = inner(made(subject, "hair", {"hair": "matte_paint"}).plain)["reflectance"]["value"]
    assert max(hair) < 0.1
    dress = {"description": "a woman in a silk dress"}
    assert inner(made(dress, "clothes", PORTRAIT).plain) == inner(body(preset="silk"))
    bag = {"description": "leather bag with brass buckles"}
    assert made(bag, "metal", {"metal": "polished_steel"}).plain == body(preset="polished_brass")
    assert made({"description": "beer glass"}, "liquid", {"liquid": "water"}).plain == body(preset="beer")
    bottle = {"material": "brown glass", "description": "bottle"}
    assert made(bottle, "cap").plain == made({}, "cap").plain != made(bottle).plain
    assert made(bottle, "neck").plain == made(bottle).plain
    assert "emitter" not in json.dumps(made({}, "screen").plain)


def test_what_nobody_knows_is_grey_plastic_and_said() -> None:
    found = made({"material": "unobtainium", "description": "gizmo"})
    assert found.note == 'no material known for "unobtainium": plain plastic'
    assert 0.18 < furnace(found.plain).mean() < 0.5
    red = made({"description": "gizmo", "color": "#C02010"})
    assert furnace(red.plain)[0] > 3 * furnace(red.plain)[2]
    odd = made({"material": "m"}, m={"preset": "no_such_thing", "roughness": 0.9})
    assert inner(odd.plain)["type"] == "diffuse" and "no material known" in odd.note
    assert len(made({"description": "x " * 400}).note) < 120


def test_a_stand_in_that_names_no_preset_is_an_error() -> None:
    with pytest.raises(StudioFlowError, match="no such material preset"):
        made({}, "lid", {"lid": "brushed_stel"})


def test_samples_are_made_of_what_they_say() -> None:
    kinds: dict[str, str] = {}
    for path in sorted(shipped("samples").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        for subject in document.get("scene", {}).get("subjects", []):
            plain = inner(surface_of(subject, "body", {}, document.get("materials", {})).plain)
            kinds[subject["description"]] = plain["type"]
            mi.load_dict(plain)
    assert kinds["hand coffee grinder, slim and precisely machined"] == "roughconductor"
    assert kinds["espresso cup"] == "diffuse" and kinds["tumbler"] == "dielectric"
    assert kinds["dropper bottle of face serum"] == "roughdielectric"
    assert kinds["signet ring with an engraved oak leaf"] == "roughconductor"
    assert kinds["two stacked synthesizers"] == "roughconductor"


def test_the_fit_finds_the_numbers_of_the_table() -> None:
    for metal in ("gold", "iron", "rose_gold"):
        eta, k = fitted(metal)
        assert eta == pytest.approx(METALS[metal]["eta"], abs=0.02) and k == pytest.approx(METALS[metal]["k"], abs=0.02)
