"""Every field that a brief may say, by examples, and what only looks like one."""

from __future__ import annotations

import pytest

from studioflow.resources import table
from studioflow.translate.brief import read_brief


def found(text):
    return {item.field: item.value for item in read_brief(text, "en").found}


EXAMPLES = {
    "focal_length_mm": {
        **{"mug, 85mm": 85, "mug, 85 MM lens": 85, "mug with an 85": 85, "mug, on the nifty fifty": 50},
        **{"mug, 50 to 85mm": 67.5, "mug, 70-200mm": 135, "mug, between 24 and 35mm": 29.5, "mug, 24–70 mm": 47},
        **{"mug, at 135mm on a 70-200": 135, "mug, 70-200 at 180": 180, "mug, ultra-wide": 16, "mug, wide angle": 24},
        **{"mug, standard lens": 50, "mug, portrait lens": 85, "mug, telephoto": 200, "mug, super telephoto": 400},
        **{
            "mug, focal length: 40mm": 40,
            "mug, 85/1.4": 85,
            "mug, 50mm? no wait 85mm": 85,
            "mug, 300 millimetre lens": 300,
        },
    },
    "lens_preset": {
        **{"bee, macro": "macro_100", "bee, 60mm macro": "macro_60", "bee, 180 mm macro lens": "macro_180"},
        **{"room, fisheye": "fisheye_15", "room, 8mm fish-eye": "fisheye_8", "room, tilt-shift": "tilt_shift_45"},
        **{"room, 24mm tilt-shift": "tilt_shift_24", "street, anamorphic 40mm": "anamorphic_40"},
        **{"bee, probe lens": "probe_macro_24", "girl, soft-focus lens": "soft_focus_135"},
    },
    "aperture": {
        **{"mug, f/2": 2, "mug, f2.8": 2.8, "mug, ƒ/1.4": 1.4, "mug, F 8": 8, "mug, at f 4": 4, "mug, T2": 2},
        **{
            "mug, aperture of 5.6": 5.6,
            "mug, f 2,8": 2.8,
            "mug, f/2 to f/4": 2.8,
            "mug, f/4-5.6": 4.5,
            "mug, wide open": 1.8,
        },
        **{"mug, shallow depth of field": 2, "mug, creamy bokeh": 2, "mug, background out of focus": 2},
        **{"mug, blurry background": 2, "mug, stopped down": 11, "mug, deep focus": 11, "mug, everything in focus": 11},
        **{"mug, f/16, everything sharp": 16, "mug, between f/4 and f/8": 5.6},
    },
    "sensor": {
        **{"mug, full frame": "full_frame", "mug, APS-C": "aps_c", "mug, medium format": "medium_format_44x33"},
        **{
            "mug, 6x6 medium format": "medium_format_6x6",
            "mug, 6x7 film": "medium_format_6x7",
            "mug, MFT": "micro_four_thirds",
        },
        **{"mug, medium format 645": "medium_format_645", "mug, micro four thirds": "micro_four_thirds"},
        **{"mug, Super 35": "super_35", "mug, 4x5 camera": "large_format_4x5", "mug, 8x10 camera": "large_format_8x10"},
        **{"mug, one-inch sensor": "one_inch", "mug, 16mm film": "super_16", "mug, 35mm film": "full_frame"},
        **{
            "smartphone photo of a mug": "phone_main",
            "mug, IMAX": "cinema_65",
            "mug, large format": "large_format_4x5",
        },
    },
    "focus_distance_m": {
        "mug, focused at 1.2 m": 1.2,
        "mug, focus at 30 cm": 0.3,
        "mug, focus distance 8 feet": 2.4384,
    },
    "distance_m": {
        **{
            "mug, from 2 metres away": 2,
            "mug, shot from 6 feet": 1.8288,
            "mug, camera 3 m back": 3,
            "mug, 80 cm away": 0.8,
        },
    },
    "elevation_deg": {
        **{"mug, worm's-eye view": -50, "mug, low angle": -20, "mug, from below looking up": -20, "mug, eye level": 0},
        **{"mug, slightly from above": 20, "mug, high angle": 45, "mug, from above": 45, "mug, bird's-eye view": 70},
        **{"mug, aerial": 70, "mug, top-down": 90, "mug, flat lay": 90, "mug, directly above": 90, "mug, overhead": 90},
        **{"mug, 30 degrees above": 30, "mug, from 45° above": 45, "mug, camera 20° below": -20},
    },
    "azimuth_deg": {
        **{
            "mug, front view": 0,
            "mug, head-on": 0,
            "mug, straight on": 0,
            "mug, three-quarter view": 45,
            "mug, 3/4 view": 45,
        },
        **{"mug, three-quarter from the left": -45, "mug, profile": 90, "mug, side view": 90, "mug, from the side": 90},
        **{
            "mug, side view from the left": -90,
            "mug, left profile": -90,
            "mug, rear three-quarter": 135,
            "mug, from behind": 180,
        },
        **{"mug, rear three-quarter from the left": -135, "mug, rear view": 180, "mug, camera 30° to the left": -30},
    },
    "roll_deg": {
        "mug, dutch angle": 15,
        "mug, canted camera": 15,
        "mug, dutch tilt of 10°": 10,
        "mug, 20 degree dutch angle": 20,
    },
    "iso": {"mug, ISO 400": 400, "mug, iso100": 100, "mug, 3200 ISO": 3200},
    "exposure_time_s": {
        "mug, 1/125 s": 1 / 125,
        "mug, 1/250": 1 / 250,
        "mug, 2 second exposure": 2,
        "mug, exposure 30s": 30,
    },
    "shot": {
        **{
            "close-up of a mug": ["close-up"],
            "extreme close up of an eye": ["extreme close-up"],
            "man, MCU": ["medium close-up"],
        },
        **{
            "man, waist up": ["medium shot"],
            "man, cowboy shot": ["medium full shot"],
            "man, full length": ["full shot"],
        },
        **{
            "barn, long shot": ["wide shot"],
            "barn, extreme wide shot": ["extreme wide shot"],
            "headshot of a man": ["close-up"],
        },
        **{"man, rule of thirds, wide shot": ["wide shot", "rule of thirds"], "mug, copy space": ["negative space"]},
        **{
            "mug, central composition": ["centered"],
            "mug, symmetrical, leading lines": ["symmetrical", "leading lines"],
        },
        **{
            "mug, golden ratio": ["golden ratio"],
            "mug fills the frame": ["fills the frame"],
            "pair, two-shot": ["two-shot"],
        },
        **{"man, over the shoulder": ["over-the-shoulder shot"], "mug, frame within a frame": ["frame within a frame"]},
        **{
            "mug, diagonal composition": ["diagonal composition"],
            "mug, minimal composition": ["minimalist composition"],
        },
    },
    "setup": {
        **{
            "man, Rembrandt lighting": "rembrandt",
            "man, paramount lighting": "butterfly",
            "man by candlelight": "candle_light",
        },
        **{
            "man, moonlit": "moonlight",
            "man, neon lights": "neon_duo",
            "man, firelight": "fireside",
            "man, high-key": "high_key",
        },
        **{
            "man, ring flash": "ring_flash",
            "man, beauty clamshell": "clamshell",
            "mug in a light tent": "product_tent",
        },
        **{
            "man, on-camera flash": "direct_flash",
            "man, split lighting": "split",
            "man, light through blinds": "gobo_window",
        },
        **{"man lit by a screen": "screen_glow", "man in silhouette": "silhouette", "glass, dark field": "dark_field"},
        **{
            "man, window light": "window_light",
            "man, three point lighting": "three_point",
            "man, stage spotlight": "stage_spot",
        },
    },
    "time_of_day": {
        **{
            "barn at dawn": "sunrise",
            "barn, morning": "morning",
            "barn at noon": "midday",
            "barn, late afternoon": "afternoon",
        },
        **{
            "barn, magic hour": "golden_hour",
            "barn at sunset": "sunset",
            "barn at dusk": "blue_hour",
            "barn, cloudy": "overcast",
        },
        **{"barn at night": "night", "barn, twilight": "blue_hour"},
    },
    "key_azimuth_deg": {
        **{
            "mug, light from the left": -75,
            "mug, lit from the right": 75,
            "mug, softbox camera left": -75,
            "mug, backlit": 180,
        },
        **{
            "mug, light from the front": 0,
            "mug, light from front left": -45,
            "mug, light from behind": 180,
            "mug, top light": 0,
        },
        **{
            "mug, key light 45° left and 30° high": -45,
            "mug, light at 10 o'clock": -60,
            "mug, key from the upper right": 45,
        },
        **{"mug, softbox from screen right": 75, "mug, side-lit from the right": 75, "mug, contre-jour": 180},
    },
    "key_elevation_deg": {
        **{
            "mug, light from above": 80,
            "mug, overhead softbox": 80,
            "mug, underlit": -45,
            "mug, light from below": -45,
        },
        **{
            "mug, light from the upper left": 50,
            "mug, key light 45° left and 30° high": 30,
            "mug, octabox camera left, 45° high": 45,
        },
    },
    "key_type": {
        **{"mug, octabox from the left": "octabox", "mug, beauty dish": "beauty_dish", "mug, bare bulb": "bare_bulb"},
        **{
            "mug in direct sun": "sun",
            "mug, soft light": "softbox",
            "mug, very soft light": "scrim",
            "mug, harsh light": "bare_bulb",
        },
        **{
            "mug, soft light, fresnel": "fresnel",
            "mug, umbrella from the right": "umbrella",
            "mug, strip box": "strip",
        },
    },
    "color_temperature_k": {
        **{"mug, 3200K": 3200, "mug, 5600 kelvin": 5600, "mug, tungsten light": 3200, "mug, daylight-balanced": 5600},
        **{"mug, warm light": 3500, "mug, cold light": 7500, "mug, 5,600 K": 5600},
    },
    "roles": {
        "mug, fill light": ["fill"],
        "mug, edge light": ["rim"],
        "mug, hair light, kicker": ["hair", "kicker"],
        "mug, practicals": ["practical"],
    },
    "fill_intensity": {
        **{"mug, fill two stops below the key": 0.25, "mug, fill at half power": 0.5, "mug, lighting ratio 4:1": 1 / 3},
        **{
            "mug, 3:1 key to fill": 0.5,
            "mug, fill 1 stop under": 0.5,
            "mug, fill -2 stops": 0.25,
            "mug, fill at 30%": 0.3,
        },
    },
    "rim_azimuth_deg": {"mug, rim light from the left": -150, "mug, rim from the right": 150, "mug, rim light": 150},
    "subjects": {
        **{
            "photo of a woman with freckles": ["woman with freckles"],
            "two red ceramic mugs and a teapot": ["red ceramic mugs", "teapot"],
        },
        **{
            "square table, round vase, tulips": ["square table", "round vase", "tulips"],
            "man repairing a bicycle": ["man repairing a bicycle"],
        },
        **{"Subject: perfume bottle": ["perfume bottle"], "coffee grinder product shot": ["coffee grinder"]},
        **{
            "could you give me a bowl of ramen please": ["bowl of ramen"],
            "vintage camera on a shelf": ["vintage camera"],
        },
    },
    "color": {
        "a red mug": "#E50000",
        "a grey coat": "#929591",
        "a sage green kettle #8FA58B": "#8FA58B",
        "a silver car": "#C5C9C7",
    },
    "material": {
        **{"a brushed steel watch": "brushed_steel", "white marble bust": "white_marble", "an oak chair": "oak"},
        **{
            "pebbled leather bag": "pebbled_leather",
            "frosted glass bottle": "frosted_glass",
            "vase, celadon": "celadon",
        },
    },
    "count": {"three bottles": 3, "a pair of boots": 2, "a dozen eggs": 12, "7 candles": 7},
    "size_m": {
        **{
            "vase, 30 cm tall": {"height_m": 0.3},
            "rug, 6 ft wide": {"width_m": 1.8288},
            "board, 2 m long": {"length_m": 2},
        },
        **{"box, 12-inch tall": {"height_m": 0.3048}},
    },
    "location": {
        **{
            "mug, left third": "left third",
            "mug a third from the right": "right third",
            "mug, lower third": "lower third",
        },
        **{"mug in the top left corner": "top left", "mug on the left side of the frame": "left side of the frame"},
        **{"mug in the foreground": "foreground"},
    },
    "clothing": {
        "woman in a red dress": "red dress",
        "man wearing a straw hat": "straw hat",
        "two dancers in black leotards": "black leotards",
    },
    "background": {
        **{
            "mug on oak": "oak",
            "mug on an oak table against a grey wall": "oak table, grey wall",
            "fox in a pine forest": "pine forest",
        },
        **{
            "mug, white background": "white background",
            "mug, seamless white": "seamless white",
            "man with hills in the background": "hills",
        },
        **{"man in front of a barn": "barn", "Background: slate": "slate"},
    },
    "palette": {
        **{"mug, #c9a27a": ["#C9A27A"], "mug, palette of navy and gold": ["#01153E", "#DBB40C"]},
        **{"mug, teal and orange palette": ["#1E6A75", "#E08A45", "#0F2E36", "#F2C9A0"]},
        **{"mug in navy, cream and gold tones": ["#01153E", "#FFFFC2", "#DBB40C"]},
    },
    "grade": {
        **{
            "mug, black and white": "black and white",
            "mug, B&W": "black and white",
            "mug, monochrome": "black and white",
        },
        **{
            "mug, sepia": "sepia tones",
            "mug, muted colours": "muted colors",
            "mug, warm tones": "warm tones",
            "mug, high contrast": "high contrast",
        },
        **{
            "mug, pastel palette": "pastel palette",
            "mug, underexposed": "underexposed",
            "mug, 2 stops over": "overexposed",
        },
    },
    "mood": {
        "mug, moody": ["moody"],
        "very dramatic, mug, serene mood": ["dramatic", "serene"],
        "a cosy, rustic mug shot": ["cosy"],
    },
    "style": {
        **{
            "mug, editorial": "editorial",
            "mug, catalog": "catalogue",
            "mug, pack shot": "packshot",
            "mug, e-commerce": "ecommerce_white",
        },
        **{
            "man, documentary": "documentary",
            "woman, beauty shot": "beauty",
            "mug, teal and orange look": "cinematic_teal_orange",
        },
        **{
            "mug, polaroid": "film_instant",
            "mug, cross-processed": "film_cross_processed",
            "man, sports photography": "sport",
        },
        **{
            "ring, jewellery photography": "jewellery",
            "mug, bleach bypass": "bleach_bypass",
            "dark food photography, pie": "food_dark",
        },
    },
    "medium": {
        **{"photo of a mug": "photograph", "oil painting of a mug": "oil painting", "mug, watercolour": "watercolor"},
        **{
            "mug, CGI render": "3D render",
            "mug, pencil drawing": "pencil sketch",
            "illustration of a mug": "digital illustration",
        },
        **{
            "pixel art mug": "pixel art",
            "mug, claymation": "claymation",
            "anime mug": "anime",
            "mug, ink drawing": "ink drawing",
        },
    },
    "text": {
        **{
            'mug, "BREW"': ["BREW"],
            "sign that says “OPEN”": ["OPEN"],
            "sign 'No Parking'": ["No Parking"],
            "„Grüezi“ mug": ["Grüezi"],
        },
        **{"mug, «Douceur»": ["Douceur"], "mug, 「珈琲」": ["珈琲"]},
    },
    "negative": {
        **{
            "mug, no people": ["people"],
            "mug without shadows": ["shadows"],
            "mug, no text or logos": ["text", "logos"],
        },
        **{
            "mug, avoid clutter": ["clutter"],
            "mug free of dust": ["dust"],
            "mug, no text, logos or hands": ["text", "logos", "hands"],
        },
        **{"mug, no lens flare, no dust": ["lens flare", "dust"], "mug, don't show any hands": ["hands"]},
    },
    "aspect_ratio": {
        **{
            "mug, 16:9": "16:9",
            "mug, 4x5": "4:5",
            "mug, square crop": "1:1",
            "mug, portrait orientation": "2:3",
            "mug, vertical": "2:3",
        },
        **{
            "mug, landscape format": "3:2",
            "mug, widescreen": "16:9",
            "mug, cinemascope": "239:100",
            "mug, 2.39:1": "239:100",
        },
        **{"mug, panoramic": "3:1", "mug, 9:16 story": "9:16"},
    },
    "size": {"mug, 1536x1024": [1536, 1024], "mug, 832 × 1216 px": [832, 1216]},
    "megapixels": {"mug, 4 MP": 4, "mug, 2.5 megapixels": 2.5},
    "images": {"three variations of a mug": 3, "4 versions: mug": 4, "give me five images of a mug": 5},
    "seed": {"mug, seed 42": 42, "mug, seed: 18446744073709551615": 18446744073709551615},
    "steps": {"mug, 30 steps": 30, "mug, steps: 28": 28},
    "cfg": {"mug, cfg 4.5": 4.5, "mug, guidance scale 7": 7},
}


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [(field, text, value) for field, examples in EXAMPLES.items() for text, value in examples.items()],
)
def test_field(field, text, value):
    got = found(text).get(field)
    if isinstance(value, float):
        assert got == pytest.approx(value, rel=0.005)
    else:
        assert got == value


TRAPS = [
    ("40mm watch on slate", "focal_length_mm"),
    ("a 30 mm bolt on paper", "focal_length_mm"),
    ("two brass 9mm bullets", "focal_length_mm"),
    ("mug on 16mm film", "focal_length_mm"),
    ("mug, 35mm slide film", "focal_length_mm"),
    ("square table with tulips", "aspect_ratio"),
    ("a vertical garden on a wall", "aspect_ratio"),
    ("golden retriever on a beach", "color"),
    ("golden retriever on a beach", "time_of_day"),
    ("orange juice in a glass", "color"),
    ("ice cream cone", "color"),
    ("a neon sign on a wall", "setup"),
    ("a neon sign on a wall", "key_type"),
    ("a portrait of a man", "aspect_ratio"),
    ("long exposure of a waterfall", "exposure_time_s"),
    ("mug, fill at 1/4 power", "exposure_time_s"),
    ("two photos on a wall", "images"),
    ("mug, no fill", "roles"),
    ("mug, no fill", "negative"),
    ("a cup of coffee", "material"),
    ("an old oak tree", "material"),
    ("silver car", "material"),
    ("mug in black and white", "background"),
    ("woman in a red dress", "background"),
    ("mug in the style of Morandi", "background"),
    ("mug on 35mm film", "background"),
    ("barn in the morning", "background"),
    ("vintage camera on a shelf", "mood"),
    ("woman with red hair", "color"),
    ("it's a mug, that's the idea, don't you think", "text"),
    ('mug, 12" tall, 10" wide', "text"),
    ("mug, soft light at golden hour", "key_type"),
    ("soft light, window light, mug", "key_type"),
    ("mug, light from above", "elevation_deg"),
    ("mug, softbox from the left, profile", "location"),
    ("Hi Tom, mug please. Thanks, Anna", "negative"),
    ("black and white zebra on grass", "grade"),
]


@pytest.mark.parametrize(("text", "field"), TRAPS)
def test_trap(text, field):
    assert field not in found(text)


@pytest.mark.parametrize(
    "negated",
    [
        "85mm lens",
        "red background",
        "window light",
        "moody tones",
        "macro",
        "motion blur",
        "golden hour",
        "wide angle shots",
    ],
)
def test_nothing_is_found_in_a_negation(negated):
    said = found(f"mug on oak, no {negated}")
    assert said.keys() <= {"subjects", "background", "negative"}


def test_greetings_are_no_subjects():
    assert found("Hi Tom, could you do a teapot on slate? Thanks, Anna")["subjects"] == ["teapot"]


def test_a_thing_named_again_is_one_thing():
    assert found("silver car on a wet road, car on the right third")["subjects"] == ["silver car"]


def test_run_on_notes_without_commas():
    said = found("steel watch on black velvet 100mm macro f11 softbox left no dust")
    assert said == {
        "subjects": ["steel watch"],
        "material": "steel",
        "background": "black velvet",
        "focal_length_mm": 100,
        "lens_preset": "macro_100",
        "aperture": 11,
        "key_type": "softbox",
        "key_azimuth_deg": -75,
        "negative": ["dust"],
    }


def test_lists_with_labels_and_bullets():
    said = found(
        "• Subject: running shoe\n• Background: seamless white\n• Lens - 85mm\n• Aperture: f/11\n• Format: 4:5"
    )
    assert said == {
        "subjects": ["running shoe"],
        "background": "seamless white",
        "focal_length_mm": 85,
        "aperture": 11,
        "aspect_ratio": "4:5",
    }


def test_case_hyphens_and_spelling_do_not_matter():
    forms = ("Grey-scale, THREE-QUARTER view, centred", "grayscale, three quarter view, centered")
    one, other = (found(f"mug, {form}") for form in forms)
    assert one == other


@pytest.mark.parametrize("key", [key for key in table("studio/setups.json") if not key.startswith("_")])
def test_every_setup_has_a_name(key):
    title = table("studio/setups.json")[key]["title"].split(" (")[0]
    names = (title, f"{title} lighting", f"{title} light", f"{title} setup", f"food {title}", f"lit by {title}")
    shy = {"under_light", "ring_flash", "overcast"}
    assert key in shy or any(found(f"vase, {name}").get("setup") == key for name in names)


@pytest.mark.parametrize("key", [key for key in table("studio/styles.json") if not key.startswith("_")])
def test_every_style_has_a_name(key):
    title = table("studio/styles.json")[key]["title"]
    names = (title, f"{title} style", f"{title} photography", f"{title} look")
    mediums = {"watercolour", "oil_painting", "product_render"}
    assert key in mediums or any(found(f"vase, {name}").get("style") == key for name in names)
