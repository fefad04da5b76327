"""Briefs written as letters: of all that their sentences speak of, only what the picture shows is taken."""

from __future__ import annotations

import pytest

from studioflow.translate.brief import read_brief


def found(text):
    return {item.field: item.value for item in read_brief(text, "en").found}


@pytest.mark.parametrize(
    "text",
    [
        "Can we move the camera down a bit?",
        "Please take a 35mm for this one.",
        "The last one was too flat.",
        "The director changed his mind about it.",
        "Our client bakes cakes and sells them.",
        "Could you do a portrait of him?",
        "Crafts we sell online.",
        "Hello Kim, thanks for the call. Nothing changed, we only want it brighter.",
        "The things I like most are those we never planned.",
        "My brother and I would like to surprise our aunt.",
        "50mm-ish or thereabouts",
        "cosy cosy, intricate, luminous, graceful",
    ],
)
def test_sentences_without_a_thing_name_no_subject(text):
    assert "subjects" not in found(text)


@pytest.mark.parametrize(
    ("text", "subjects", "background"),
    [
        ("Our client makes hats. We are thinking of a man in a grey coat who waits on a pier.", ["man"], "pier"),
        (
            "We are looking for an old fisherman mending a net in a small harbour.",
            ["old fisherman mending a net"],
            "small harbour",
        ),
        ("Hi Tom, it's still the yellow kayak on a gravel beach.", ["yellow kayak"], "gravel beach"),
        (
            "I need a portrait of a surgeon. She should be in a bright hospital lobby.",
            ["surgeon"],
            "bright hospital lobby",
        ),
        ("It must be seen two bowls with rice on table of wood.", ["bowls with rice"], "table of wood"),
        ("An old sailor he sits in front of a lighthouse.", ["old sailor"], "lighthouse"),
        ("A young climber scrambles up the wall, dusk.", ["young climber"], None),
        (
            "Her dog Rex, a brown spaniel, turns two. Could you do a portrait of him in the barn?",
            ["brown spaniel"],
            "barn",
        ),
        ("We'd love an ad for our climbing ropes where the ropes hang from a beam.", ["climbing ropes"], None),
        ("The band would like their flyer to show the drummer in a white suit.", ["drummer"], None),
        ("The camera stands on the roof. A red tram crosses the square.", ["red tram"], None),
        ("They liked the first. Could you shoot two pears on a blue plate?", ["pears"], "blue plate"),
        ("We adore cats and we like tea. Show a teapot on a tray.", ["teapot"], "tray"),
        ("At our place the light is best early. A red kettle on oak.", ["red kettle"], "oak"),
        ("On the shelf a blue vase.", ["blue vase"], "shelf"),
        ("a tin can on a fence", ["tin can"], "fence"),
        ("the chair, a table and a lamp", ["chair", "table", "lamp"], None),
        ("dog barking at the postman", ["dog barking at the postman"], None),
        ("tools arranged on canvas", ["tools"], "canvas"),
        ("SEND ONE PACKSHOT STOP TIN OF TEA STOP GREY BACKGROUND STOP", ["TIN OF TEA"], "GREY BACKGROUND"),
    ],
)
def test_what_sentences_ask_for(text, subjects, background):
    said = found(text)
    assert said.get("subjects") == subjects
    assert said.get("background") == background


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("a man in a beige trench coat who waits at a tram stop", "clothing", "beige trench coat"),
        ("SET C / take 2: juggler in a yellow shirt against a grey wall", "clothing", "yellow shirt"),
        ("Hi, it's still the green canoe on a lake.", "color", "#15B01A"),
        ("puppy w/ a blue ball on grass", "color", None),
        ("wood duck on a pond", "material", None),
        ("a piano in a square room", "aspect_ratio", None),
        ("The 28mm is too wide, please take a 50mm instead.", "focal_length_mm", 50),
        ("f/2.8 was too shallow, so go for f/8.", "aperture", 8),
        ("use f/4 instead of f/2", "aperture", 4),
        ("a tractor, everything must be in focus", "aperture", 11),
        ("coin, focus stacked", "aperture", None),
        ("Morning Ann, the cup at night please", "time_of_day", "night"),
        ("Morning Light, a cup", "time_of_day", "morning"),
        ("wooden stool, octabox upper left", "location", None),
        ("wooden stool, octabox upper left", "key_azimuth_deg", -45),
        ("wooden stool, octabox upper left", "key_elevation_deg", 50),
        ("wooden stool, softbox, upper left third", "key_elevation_deg", None),
        ("ISO 800 is no problem, a kettle", "negative", None),
        ("There must be no cars and no dogs, since the street is not closed yet.", "negative", ["cars", "dogs"]),
        ("stag in fog --no text, watermark --ar 4:5", "negative", ["text", "watermark"]),
        ("A TIN STOP NO SHADOWS STOP", "negative", ["SHADOWS"]),
        ("RAW photo of an otter", "mood", None),
        ("Food photography, bright: soup on linen", "style", "food_bright"),
        ("clamshell beauty shot of a swimmer", "style", "beauty"),
    ],
)
def test_words_that_mean_something_else_in_a_sentence(text, field, value):
    assert found(text).get(field) == value


def test_one_stop_is_no_telegram():
    assert found("GLASS JAR, UNDEREXPOSED BY ONE STOP, FILL ONE STOP UNDER KEY")["fill_intensity"] == 0.5


@pytest.mark.parametrize(
    ("text", "subject", "worn"),
    [
        ("Two kids in yellow raincoats jump into puddles, 24mm", "kids", "yellow raincoats"),
        ("a courier in a red jacket races through the rain, 35mm", "courier", "red jacket"),
    ],
)
def test_what_is_worn_ends_before_what_is_done(text: str, subject: str, worn: str) -> None:
    found = {item.field: item.value for item in read_brief(text).found}
    assert found["subjects"][0] == subject and found["clothing"] == worn
    assert worn not in found.get("background", "")
