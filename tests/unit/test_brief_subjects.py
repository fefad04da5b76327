"""What is in the picture: subjects, places and clothing of English briefs, and the words that are none of these."""

from __future__ import annotations

import pytest

from studioflow.translate.brief import read_brief


def found(text):
    return {item.field: item.value for item in read_brief(text, "en").found}


@pytest.mark.parametrize(
    "text",
    [
        *("bright & golden", "folded", "half open", "matte black", "yellow", "red, blue", "floating", "muddy, worn"),
        *("golden, bright, warm", "soft light, hard shadows", "daylight", "volumetric light", "business headshot"),
        *("focus stacking", "from far away", "with many fog", "strobes from both sides", "wide, f/8", "studio, 8k"),
        *("ridden by her", "product shot", "portrait studio lighting", "warmer light", "lights out of focus"),
    ],
)
def test_what_is_no_thing_is_no_subject(text):
    assert "subjects" not in found(text)


@pytest.mark.parametrize(
    ("text", "subjects", "background"),
    [
        ("cat portrait studio lighting", ["cat"], None),
        ("sneaker product shot white background softbox", ["sneaker"], "white background"),
        ("1. Hero - watch on slate\n2. Detail - crown, macro", ["watch"], "slate"),
        ("Shot 1: wide of the kitchen, 24mm\nShot 2: close-up of the dessert", ["kitchen"], None),
        ("A) wide shot of the hotel B) lobby", ["hotel"], "lobby"),
        ("view through a window of a couple having dinner", ["couple having dinner"], None),
        ("golden light falls on an empty chair", ["empty chair"], None),
        ("soft light from a large window falls on a sleeping baby", ["sleeping baby"], None),
        ("a waitress wipes the counter", ["waitress"], None),
        ("lemon, splash, water drops", ["lemon"], None),
        ("an orange on a blue table", ["orange"], "blue table"),
        ("a can of paint, spilled", ["can of paint"], None),
        ("people dancing in the street", ["people dancing"], "street"),
        ("girl in a park, red hair, freckles, cloudy sky", ["girl"], "park"),
        ("tall model, desert dunes, hard sun", ["tall model"], "desert dunes"),
        ("rainy street, woman with red umbrella", ["woman with red umbrella"], "rainy street"),
        ("mountain lake", ["mountain lake"], None),
        ("make a photo from a glass with water, on a white table", ["glass with water"], "white table"),
        ("In the foreground a bicycle, in the background the Eiffel tower", ["bicycle"], "Eiffel tower"),
        ("hand cream in an aluminium tube on stone", ["hand cream in an aluminium tube"], "stone"),
        ("skateboarder in a concrete bowl", ["skateboarder"], "concrete bowl"),
        ("orchids in a glass house", ["orchids"], "glass house"),
        ("a skateboarder in mid-air against a blue sky", ["skateboarder in mid-air"], "blue sky"),
        ("high angle of 30 degrees on a sushi platter", ["sushi platter"], None),
        ("the watch at a low angle on black glass", ["watch"], "black glass"),
        ("two cups of coffee on a table seen from the top", ["cups of coffee"], "table"),
        ("still life with skull and old books", ["skull", "old books"], None),
        ("a picture where a nurse helps an old man", ["nurse"], None),
        ("white sneakers hung on a power line", ["white sneakers"], "power line"),
    ],
)
def test_subjects_and_backgrounds(text, subjects, background):
    said = found(text)
    assert (said.get("subjects"), said.get("background")) == (subjects, background)


@pytest.mark.parametrize(
    ("text", "subjects", "background"),
    [
        (
            "Hi, we launched our brand last year. The new product is a hand cream. Please shoot it on wet stone.",
            ["hand cream"],
            "wet stone",
        ),
        ("I'm a beekeeper. Could you photograph a jar of honey on a rough table?", ["jar of honey"], "rough table"),
        ("We are a small team and we love dogs. Show a labrador puppy on a rug.", ["labrador puppy"], "rug"),
        ("The idea is simple: one red balloon against a grey wall.", ["red balloon"], "grey wall"),
        ("In this picture we see a lonely lighthouse. The sea is rough.", ["lonely lighthouse"], None),
        ("Please create a picture with a big cake. The cake stands on a wooden table.", ["big cake"], "wooden table"),
        ("We need a visual for our brand. The bottle is white. It should stand in the sand.", ["bottle"], "sand"),
        ("I have a small shop and would like three pictures of our candles, in a dark room.", ["candles"], "dark room"),
        ("Our mascot is a penguin. Draw him standing on an iceberg.", ["penguin"], "iceberg"),
        ("You will photograph our chairman, seated in a leather armchair.", ["chairman"], "leather armchair"),
    ],
)
def test_letters(text, subjects, background):
    said = found(text)
    assert (said.get("subjects"), said.get("background")) == (subjects, background)
    assert "medium" not in said


def test_a_subjects_words_stay_in_the_description():
    for text in ("cat portrait studio lighting", "girl in a park, red hair, freckles", "lemon, yellow, water drops"):
        description = read_brief(text).manifest["scene"]["description"]
        assert description == text


@pytest.mark.parametrize(
    ("text", "material"),
    [("paper lanterns", None), ("paper planes on a desk", None), ("paper bag", "paper"), ("steel lantern", None)],
)
def test_material_is_what_a_thing_is_made_of(text, material):
    assert found(text).get("material") == material


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loaf, warm morning light from the left", {"key_azimuth_deg": -75}),
        ("mug, one hard light, camera left, high", {"key_type": "bare_bulb", "key_azimuth_deg": -45}),
        ("mug, low angle, 45° key light from the left", {"key_azimuth_deg": -45, "elevation_deg": -20}),
        ("mug, soft overhead light", {"key_type": "softbox", "key_elevation_deg": 80}),
        ("mug, strip left", {"key_type": "strip", "key_azimuth_deg": -75}),
        ("mug, light from the right hand side", {"key_azimuth_deg": 75}),
        ("box, top-left light", {"key_azimuth_deg": -45, "key_elevation_deg": 50}),
        ("light is coming from window left side", {"setup": "window_light", "key_azimuth_deg": -75}),
    ],
)
def test_lights_that_people_describe(text, expected):
    said = found(text)
    assert {field: said.get(field) for field in expected} == expected


def test_warmer_is_no_colour_temperature():
    assert "color_temperature_k" not in found("mug, warmer light")
    assert found("mug, warm light")["color_temperature_k"] == 3500


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("mug, low angle, 15°", "elevation_deg", -15),
        ("mug, high angle of 30 degrees", "elevation_deg", 30),
        ("mug, 30 degree high angle", "elevation_deg", 30),
        ("shot from a low angle, 15°, a mug", "elevation_deg", -15),
        ("mug, low angle, camera 30° to the left", "elevation_deg", -20),
        ("mug, eye level, 15°", "elevation_deg", 0),
        ("mug, low angle, 120°", "elevation_deg", -20),
        ("mug, 10 degree dutch tilt", "roll_deg", 10),
        ("car, three-quarter view, 30°", "azimuth_deg", 30),
        ("mug, camera is low", "elevation_deg", -20),
    ],
)
def test_degrees_beside_a_camera_term(text, field, value):
    brief = read_brief(text, "en")
    assert {item.field: item.value for item in brief.found}[field] == value


def test_the_whole_angle_is_used():
    assert read_brief("shot from a low angle, mug").unused == ()
