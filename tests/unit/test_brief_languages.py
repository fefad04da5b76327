"""Photographic words in Spanish, French, German, Italian, Portuguese, Japanese and Chinese.

Every brief was labelled from the sense of its words by the conventions of tests/data/briefs/README.md. The labels are
complete for camera, light, render, grade and medium: what is not listed must not be found.
"""

from __future__ import annotations

import json
import re

import pytest

from studioflow.resources import table
from studioflow.translate.brief import read_brief
from studioflow.translate.terms import LANGUAGES, expanded, terms

from .brief_set import ENGLISH, PHOTOGRAPHIC, load, read_by_rules, score, total

OF_OTHER_LANGUAGES = {"not_english", "also_english", "only_japanese"}
"""Roles that the English table needs none of: what means something else in English, or tells a language or none."""
FOREIGN = tuple(language for language in LANGUAGES if language != "en")

BRIEFS = {
    "es": (
        ("contrapicado", {"elevation_deg": -20}),
        ("picado, 35 mm, f/8", {"elevation_deg": 45, "focal_length_mm": 35, "aperture": 8}),
        ("Una cafetera de acero vista desde arriba, 50 mm", {"elevation_deg": 45, "focal_length_mm": 50}),
        (
            "Perfume sobre mármol, softbox desde arriba, f/11",
            {"key_type": "softbox", "key_azimuth_deg": 0, "key_elevation_deg": 80, "aperture": 11},
        ),
        (
            "Plano medio de un chef con luz suave desde la derecha",
            {"shot": ["medium shot"], "key_type": "softbox", "key_azimuth_deg": 75},
        ),
        (
            "Gran plano general de las dunas al amanecer, ultra gran angular, todo enfocado",
            {"shot": ["extreme wide shot"], "time_of_day": "sunrise", "focal_length_mm": 16, "aperture": 11},
        ),
        (
            "Retrato de tres cuartos, iluminación mariposa, medio formato, 110 mm",
            {"azimuth_deg": 45, "setup": "butterfly", "sensor": "medium_format_44x33", "focal_length_mm": 110},
        ),
        (
            "Primerísimo primer plano de unos ojos, diafragma abierto, luz cálida",
            {"shot": ["extreme close-up"], "aperture": 1.8, "color_temperature_k": 3500},
        ),
        (
            "Mercado de noche a la luz de las velas, a la altura de los ojos",
            {"time_of_day": "night", "setup": "candle_light", "elevation_deg": 0},
        ),
        (
            "Coche clásico, vista aérea desde un dron, día nublado, colores apagados",
            {"elevation_deg": 70, "time_of_day": "overcast", "grade": "muted colors"},
        ),
        (
            "Zapato de perfil, luz de relleno, contraluz, subexpuesto",
            {"azimuth_deg": 90, "roles": ["fill"], "key_azimuth_deg": 180, "grade": "underexposed"},
        ),
        (
            "Busto de mármol, luz dura lateral desde la izquierda, alto contraste, formato vertical",
            {"key_type": "bare_bulb", "key_azimuth_deg": -75, "grade": "high contrast", "aspect_ratio": "2:3"},
        ),
    ),
    "fr": (
        ("contre-plongée", {"elevation_deg": -20}),
        ("gros plan, 100 mm", {"shot": ["close-up"], "focal_length_mm": 100}),
        ("Une cafetière vue d'en haut, 50 mm", {"elevation_deg": 45, "focal_length_mm": 50}),
        (
            "Parfum sur marbre, softbox au-dessus, f/11",
            {"key_type": "softbox", "key_azimuth_deg": 0, "key_elevation_deg": 80, "aperture": 11},
        ),
        (
            "Plan taille d'un chef, lumière douce venant de la droite",
            {"shot": ["medium shot"], "key_type": "softbox", "key_azimuth_deg": 75},
        ),
        ("Vue aérienne d'un village à l'aube, par temps couvert", {"elevation_deg": 70, "time_of_day": "sunrise"}),
        (
            "Portrait de trois quarts, éclairage papillon, moyen format, ouverture de f/4",
            {"azimuth_deg": 45, "setup": "butterfly", "sensor": "medium_format_44x33", "aperture": 4},
        ),
        (
            "Très gros plan d'une goutte, à pleine ouverture, lumière chaude",
            {"shot": ["extreme close-up"], "aperture": 1.8, "color_temperature_k": 3500},
        ),
        (
            "Un dîner à la bougie, à hauteur d'yeux, faible profondeur de champ",
            {"setup": "candle_light", "elevation_deg": 0, "aperture": 2},
        ),
        (
            "Femme de profil à la fenêtre, lumière du jour tamisée, noir et blanc",
            {"azimuth_deg": 90, "color_temperature_k": 5600, "grade": "black and white"},
        ),
        (
            "Violoniste de dos, en pied, clair de lune, plein format",
            {"azimuth_deg": 180, "shot": ["full shot"], "setup": "moonlight", "sensor": "full_frame"},
        ),
        (
            "Statue, lumière dure latérale de gauche, fort contraste, format vertical",
            {"key_type": "bare_bulb", "key_azimuth_deg": -75, "grade": "high contrast", "aspect_ratio": "2:3"},
        ),
    ),
    "de": (
        ("Froschperspektive", {"elevation_deg": -50}),
        ("Nahaufnahme, 100 mm", {"shot": ["close-up"], "focal_length_mm": 100}),
        ("Eine Kaffeemühle von oben, 50 mm", {"elevation_deg": 45, "focal_length_mm": 50}),
        (
            "Parfüm auf Marmor, Softbox von oben, Blende 11",
            {"key_type": "softbox", "key_azimuth_deg": 0, "key_elevation_deg": 80, "aperture": 11},
        ),
        (
            "Halbnahe eines Kochs, weiches Licht von rechts",
            {"shot": ["medium shot"], "key_type": "softbox", "key_azimuth_deg": 75},
        ),
        (
            "Supertotale der Dünen bei Sonnenaufgang, Ultraweitwinkel, alles scharf",
            {"shot": ["extreme wide shot"], "time_of_day": "sunrise", "focal_length_mm": 16, "aperture": 11},
        ),
        (
            "Porträt im Halbprofil, Schmetterlingslicht, Mittelformat",
            {"azimuth_deg": 45, "setup": "butterfly", "sensor": "medium_format_44x33"},
        ),
        (
            "Extreme Nahaufnahme eines Tropfens, Offenblende, warmes Licht",
            {"shot": ["extreme close-up"], "aperture": 1.8, "color_temperature_k": 3500},
        ),
        (
            "Abendessen bei Kerzenschein, auf Augenhöhe, unscharfer Hintergrund",
            {"setup": "candle_light", "elevation_deg": 0, "aperture": 2},
        ),
        (
            "Oldtimer aus der Vogelperspektive, bewölkter Himmel, gedämpfte Farben",
            {"elevation_deg": 70, "time_of_day": "overcast", "grade": "muted colors"},
        ),
        (
            "Geigerin von hinten, Ganzkörper, Mondlicht, Kleinbild",
            {"azimuth_deg": 180, "shot": ["full shot"], "setup": "moonlight", "sensor": "full_frame"},
        ),
        (
            "Statue, hartes Seitenlicht von links, hoher Kontrast, Hochformat",
            {"key_type": "bare_bulb", "key_azimuth_deg": -75, "grade": "high contrast", "aspect_ratio": "2:3"},
        ),
    ),
    "it": (
        ("controluce", {"key_azimuth_deg": 180}),
        ("primo piano, 100 mm", {"shot": ["close-up"], "focal_length_mm": 100}),
        ("Una caffettiera vista dall'alto, 50 mm", {"elevation_deg": 45, "focal_length_mm": 50}),
        (
            "Profumo su marmo, softbox dall'alto, f/11",
            {"key_type": "softbox", "key_azimuth_deg": 0, "key_elevation_deg": 80, "aperture": 11},
        ),
        (
            "Mezza figura di uno chef, luce morbida da destra",
            {"shot": ["medium shot"], "key_type": "softbox", "key_azimuth_deg": 75},
        ),
        (
            "Campo lunghissimo delle dune all'alba, grandangolo, tutto a fuoco",
            {"shot": ["extreme wide shot"], "time_of_day": "sunrise", "focal_length_mm": 24, "aperture": 11},
        ),
        (
            "Ritratto di tre quarti, illuminazione a farfalla, medio formato",
            {"azimuth_deg": 45, "setup": "butterfly", "sensor": "medium_format_44x33"},
        ),
        (
            "Primissimo piano di una goccia, a tutta apertura, luce calda",
            {"shot": ["extreme close-up"], "aperture": 1.8, "color_temperature_k": 3500},
        ),
        (
            "Cena a lume di candela, ad altezza degli occhi, sfondo sfocato",
            {"setup": "candle_light", "elevation_deg": 0, "aperture": 2},
        ),
        (
            "Auto d'epoca, vista aerea, cielo coperto, colori smorzati",
            {"elevation_deg": 70, "time_of_day": "overcast", "grade": "muted colors"},
        ),
        (
            "Violinista di schiena, figura intera, chiaro di luna, pieno formato",
            {"azimuth_deg": 180, "shot": ["full shot"], "setup": "moonlight", "sensor": "full_frame"},
        ),
        (
            "Statua, luce dura laterale da sinistra, alto contrasto, formato verticale",
            {"key_type": "bare_bulb", "key_azimuth_deg": -75, "grade": "high contrast", "aspect_ratio": "2:3"},
        ),
    ),
    "pt": (
        ("contra-plongée", {"elevation_deg": -20}),
        ("plano fechado, 100 mm", {"shot": ["close-up"], "focal_length_mm": 100}),
        ("Uma cafeteira vista de cima, 50 mm", {"elevation_deg": 45, "focal_length_mm": 50}),
        (
            "Perfume sobre mármore, softbox de cima, f/11",
            {"key_type": "softbox", "key_azimuth_deg": 0, "key_elevation_deg": 80, "aperture": 11},
        ),
        (
            "Plano médio de um cozinheiro, luz suave vinda da direita",
            {"shot": ["medium shot"], "key_type": "softbox", "key_azimuth_deg": 75},
        ),
        (
            "Grande plano geral das dunas ao nascer do sol, grande angular, tudo em foco",
            {"shot": ["extreme wide shot"], "time_of_day": "sunrise", "focal_length_mm": 24, "aperture": 11},
        ),
        (
            "Retrato de três quartos, iluminação borboleta, médio formato",
            {"azimuth_deg": 45, "setup": "butterfly", "sensor": "medium_format_44x33"},
        ),
        (
            "Primeiríssimo plano de uma gota, abertura máxima, luz quente",
            {"shot": ["extreme close-up"], "aperture": 1.8, "color_temperature_k": 3500},
        ),
        (
            "Jantar à luz de velas, na altura dos olhos, fundo desfocado",
            {"setup": "candle_light", "elevation_deg": 0, "aperture": 2},
        ),
        (
            "Carro antigo, vista aérea, céu nublado, cores apagadas",
            {"elevation_deg": 70, "time_of_day": "overcast", "grade": "muted colors"},
        ),
        (
            "Violinista de costas, corpo inteiro, luar, quadro cheio",
            {"azimuth_deg": 180, "shot": ["full shot"], "setup": "moonlight", "sensor": "full_frame"},
        ),
        (
            "Estátua, luz dura lateral da esquerda, alto contraste, formato vertical",
            {"key_type": "bare_bulb", "key_azimuth_deg": -75, "grade": "high contrast", "aspect_ratio": "2:3"},
        ),
    ),
    "ja": (
        ("逆光で", {"key_azimuth_deg": 180}),
        ("接写で、100mm", {"shot": ["close-up"], "focal_length_mm": 100}),
        ("コーヒーミルを俯瞰で、50ミリ", {"elevation_deg": 45, "focal_length_mm": 50}),
        (
            "大理石の上の香水、上からソフトボックス、F11",
            {"key_type": "softbox", "key_azimuth_deg": 0, "key_elevation_deg": 80, "aperture": 11},
        ),
        (
            "シェフのウエストショット、右から柔らかい光",
            {"shot": ["medium shot"], "key_type": "softbox", "key_azimuth_deg": 75},
        ),
        ("夜明けの砂丘、超広角、パンフォーカス", {"time_of_day": "sunrise", "focal_length_mm": 16, "aperture": 11}),
        (
            "バタフライライティングのポートレート、中判、８５ｍｍ、ｆ／２",
            {"setup": "butterfly", "sensor": "medium_format_44x33", "focal_length_mm": 85, "aperture": 2},
        ),
        (
            "水滴の超アップ、絞り開放、暖かい光",
            {"shot": ["extreme close-up"], "aperture": 1.8, "color_temperature_k": 3500},
        ),
        (
            "ろうそくの光のディナー、目線の高さ、浅い被写界深度",
            {"setup": "candle_light", "elevation_deg": 0, "aperture": 2},
        ),
        (
            "クラシックカーの空撮、曇り空、くすんだ色",
            {"elevation_deg": 70, "time_of_day": "overcast", "grade": "muted colors"},
        ),
        (
            "バイオリニストの後ろ姿、全身、月明かり、フルサイズ",
            {"azimuth_deg": 180, "shot": ["full shot"], "setup": "moonlight", "sensor": "full_frame"},
        ),
        (
            "彫像、左から硬い光、ハイコントラスト、縦位置",
            {"key_type": "bare_bulb", "key_azimuth_deg": -75, "grade": "high contrast", "aspect_ratio": "2:3"},
        ),
        (
            "マジックアワーの桟橋、ローアングル、望遠レンズ",
            {"time_of_day": "golden_hour", "elevation_deg": -20, "focal_length_mm": 200},
        ),
        ("横顔、サイド光、ボケ", {"azimuth_deg": 90, "key_azimuth_deg": -75, "aperture": 2}),
    ),
    "zh": (
        ("逆光", {"key_azimuth_deg": 180}),
        ("特写，100毫米", {"shot": ["close-up"], "focal_length_mm": 100}),
        ("俯拍咖啡机，50mm", {"elevation_deg": 45, "focal_length_mm": 50}),
        (
            "大理石上的香水，柔光箱从上方，f/11",
            {"key_type": "softbox", "key_azimuth_deg": 0, "key_elevation_deg": 80, "aperture": 11},
        ),
        ("厨师中景，柔和的光从右侧照射", {"shot": ["medium shot"], "key_type": "softbox", "key_azimuth_deg": 75}),
        (
            "日出时的沙丘大远景，超广角，前后都清晰",
            {"shot": ["extreme wide shot"], "time_of_day": "sunrise", "focal_length_mm": 16, "aperture": 11},
        ),
        (
            "蝴蝶光人像，中画幅，８５ｍｍ，ｆ／２",
            {"setup": "butterfly", "sensor": "medium_format_44x33", "focal_length_mm": 85, "aperture": 2},
        ),
        ("水滴大特写，光圈全开，暖光", {"shot": ["extreme close-up"], "aperture": 1.8, "color_temperature_k": 3500}),
        ("烛光晚餐，平视，浅景深", {"setup": "candle_light", "elevation_deg": 0, "aperture": 2}),
        ("老爷车航拍，阴天，柔和的色彩", {"elevation_deg": 70, "time_of_day": "overcast", "grade": "muted colors"}),
        (
            "小提琴手背影，全身，月光，全画幅",
            {"azimuth_deg": 180, "shot": ["full shot"], "setup": "moonlight", "sensor": "full_frame"},
        ),
        (
            "雕像，左侧硬光，高对比，竖构图",
            {"key_type": "bare_bulb", "key_azimuth_deg": -75, "grade": "high contrast", "aspect_ratio": "2:3"},
        ),
        (
            "倫勃朗光，淺景深，長焦鏡頭，黑白",
            {"setup": "rembrandt", "aperture": 2, "focal_length_mm": 200, "grade": "black and white"},
        ),
        (
            "黃金時刻，仰拍，廣角鏡頭，輪廓光",
            {
                "time_of_day": "golden_hour",
                "elevation_deg": -20,
                "focal_length_mm": 24,
                "roles": ["rim"],
                "rim_azimuth_deg": 150,
            },
        ),
        (
            "顶光，侧脸，柔光箱",
            {"key_azimuth_deg": 0, "key_elevation_deg": 80, "azimuth_deg": 90, "key_type": "softbox"},
        ),
    ),
}

ACCENTS_LEFT_OFF = (
    ("fr", "contre plongee, lumiere douce de la gauche, arriere-plan flou"),
    ("fr", "eclairage a la bougie, contrejour, tele-objectif"),
    ("es", "iluminacion de tres puntos, angulo bajo, fotografia en blanco y negro"),
    ("de", "Fensterlicht von links, geringe Scharfentiefe, Augenhohe"),
    ("it", "profondita di campo ridotta, luce morbida da sinistra"),
    ("pt", "iluminacao de tres pontos, por do sol, camera baixa"),
)
WITH_ACCENTS = (
    ("fr", "contre-plongée, lumière douce de la gauche, arrière-plan flou"),
    ("fr", "éclairage à la bougie, contre-jour, téléobjectif"),
    ("es", "iluminación de tres puntos, ángulo bajo, fotografía en blanco y negro"),
    ("de", "Fensterlicht von links, geringe Schärfentiefe, Augenhöhe"),
    ("it", "profondità di campo ridotta, luce morbida da sinistra"),
    ("pt", "iluminação de três pontos, pôr do sol, câmera baixa"),
)

NEGATED = (
    ("es", "botella de vino, sin sombras duras, nada de contraluz", "contraluz"),
    ("fr", "bouteille de vin, sans flou artistique, pas de contre-jour", "contre-jour"),
    ("de", "Weinflasche, kein Gegenlicht, ohne Neonlicht", "Gegenlicht"),
    ("it", "bottiglia di vino, niente controluce, senza luci al neon", "controluce"),
    ("pt", "garrafa de vinho, sem contraluz, nada de luzes de néon", "contraluz"),
    ("ja", "ワインボトル、逆光なし、ネオンなし", "逆光"),
    ("zh", "葡萄酒瓶，不要逆光，没有霓虹灯", "逆光"),
)

MIXED = (
    (
        "es",
        "retrato de una bailarina con rim light desde la derecha, low key, 85mm",
        {"roles": ["rim"], "rim_azimuth_deg": 150, "setup": "low_key", "focal_length_mm": 85},
    ),
    (
        "fr",
        "portrait d'un boxeur, beauty dish de la gauche, close-up, film noir",
        {"key_type": "beauty_dish", "key_azimuth_deg": -75, "shot": ["close-up"], "setup": "film_noir"},
    ),
    (
        "de",
        "Sneaker als Flat Lay, Softbox von links, Golden Hour Look",
        {"elevation_deg": 90, "key_type": "softbox", "key_azimuth_deg": -75, "time_of_day": "golden_hour"},
    ),
    (
        "it",
        "ritratto con octabox da destra, shallow depth of field",
        {"key_type": "octabox", "key_azimuth_deg": 75, "aperture": 2},
    ),
    (
        "pt",
        "retrato com beauty dish de frente, high key, bokeh",
        {"key_type": "beauty_dish", "key_azimuth_deg": 0, "setup": "high_key", "aperture": 2},
    ),
    (
        "ja",
        "モデルのポートレート、beauty dish、low key、85mm F1.4",
        {"key_type": "beauty_dish", "setup": "low_key", "focal_length_mm": 85, "aperture": 1.4},
    ),
    (
        "zh",
        "模特肖像，beauty dish，low key，85mm F1.4",
        {"key_type": "beauty_dish", "setup": "low_key", "focal_length_mm": 85, "aperture": 1.4},
    ),
)

NOT_PHOTOGRAPHIC = (
    ("es", "mesita de noche de roble y un vestido de noche"),
    ("es", "pasta con perejil picado y un reloj de 40 mm"),
    ("fr", "une montre de plongée sur le plan de travail de la cuisine"),
    ("fr", "une robe de nuit et une jupe midi sur la table de nuit"),
    ("de", "ein Nachttisch aus Eiche mit einer 40 mm Uhr"),
    ("de", "frisches Brot und eine quadratische Dose auf dem Tisch"),
    ("it", "un tavolo quadrato con occhiali da sole e tacchi alti"),
    ("it", "una macchina fotografica sul piano di lavoro"),
    ("pt", "uma mesa quadrada com óculos de sol e um vestido de noite"),
    ("ja", "フィルムとスリムなグラス、アップルパイ"),
    ("ja", "ゴボウと朝食のセットアップ、写真立て"),
    ("zh", "无线耳机和手机壳放在黑白条纹的布上"),
    ("zh", "左手拿着一杯下午茶，相册在桌上"),
)

ENGLISH_BRIEFS = (
    "die-cast toy car, macro, 100mm",
    "Le Creuset pot on oak, top down",
    "bottle of eau de parfum on marble, softbox from the left",
    "plan of the house on a desk, 35mm format camera beside it",
    "Los Angeles street at night",
    "sous chef plating a dessert, no people behind her",
    "moody portrait photo, contre-jour, f/2",
    "espresso, al dente pasta and a total of six plates",
    "portrait of Maria de la Cruz, soft light",
    "golden hour",
    "85mm f/1.4",
)


def photographic(text: str, language: str = "auto") -> dict[str, object]:
    return {found.field: found.value for found in read_brief(text, language).found if found.field in PHOTOGRAPHIC}


def as_labelled(found: dict[str, object]) -> dict[str, object]:
    return {field: sorted(value) if isinstance(value, list) else value for field, value in found.items()}


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [(language, text, expected) for language, briefs in BRIEFS.items() for text, expected in briefs],
)
def test_photographic_words_are_read_and_nothing_else(language, text, expected):
    assert read_brief(text).language == language
    assert as_labelled(photographic(text)) == as_labelled(expected)


@pytest.mark.parametrize("language", FOREIGN)
def test_labelled_set(language):
    all_fields = total(score(load(language), read_by_rules, PHOTOGRAPHIC))
    assert all_fields.precision >= 0.9, all_fields
    assert all_fields.recall >= 0.9, all_fields


@pytest.mark.parametrize("language", FOREIGN)
def test_language_of_every_labelled_brief_is_told(language):
    assert {entry["brief"]: read_brief(entry["brief"]).language for entry in load(language)} == {
        entry["brief"]: language for entry in load(language)
    }


@pytest.mark.parametrize(("plain", "accented"), list(zip(ACCENTS_LEFT_OFF, WITH_ACCENTS, strict=True)))
def test_accents_may_be_left_off(plain, accented):
    with_them = photographic(accented[1], accented[0])
    assert with_them, accented
    assert photographic(plain[1], plain[0]) == with_them


@pytest.mark.parametrize(("language", "text", "word"), NEGATED)
def test_what_is_negated_is_no_light(language, text, word):
    brief = read_brief(text)
    assert brief.language == language
    assert photographic(text) == {}
    negative = next(found.value for found in brief.found if found.field == "negative")
    assert any(word in thing for thing in negative), negative


@pytest.mark.parametrize(("language", "text", "expected"), MIXED)
def test_english_terms_are_read_in_every_language(language, text, expected):
    assert read_brief(text).language == language
    assert as_labelled(photographic(text)) == as_labelled(expected)


@pytest.mark.parametrize(("language", "text"), NOT_PHOTOGRAPHIC)
def test_everyday_words_are_no_terms(language, text):
    assert photographic(text, language) == {}


@pytest.mark.parametrize("text", ENGLISH_BRIEFS)
def test_english_briefs_with_foreign_words_stay_english(text):
    assert read_brief(text).language == "en"


@pytest.mark.parametrize("name", ENGLISH)
def test_other_languages_do_not_touch_english_briefs(name):
    for entry in load(name):
        told = read_brief(entry["brief"])
        assert told.language == "en", entry["brief"]
        assert told.found == read_brief(entry["brief"], "en").found


@pytest.mark.parametrize("language", FOREIGN)
def test_spans_are_the_words_themselves(language):
    for text, _ in BRIEFS[language]:
        brief = read_brief(text)
        for found in brief.found:
            for span in found.spans:
                assert 0 <= span.start < span.end <= len(text)
                assert text[span.start : span.end].strip() == text[span.start : span.end]


@pytest.mark.parametrize("language", FOREIGN)
def test_every_single_term_is_found_alone(language):
    """A phrase of a table, written as a brief by itself in its language, gives its value: nothing hides it."""
    lost = []
    for group in (
        "elevation_deg",
        "azimuth_deg",
        "setup",
        "time_of_day",
        "aperture",
        "focal_length_mm",
        "sensor",
        "shot",
    ):
        for value, phrases in table(f"translate/terms/{language}.json").get(group, {}).items():
            for phrase in phrases:
                text = " ".join(next(expanded(phrase)).split())
                found = photographic(text, language).get(group)
                said = found if isinstance(found, list) else [found]
                if value not in [f"{one:g}" if isinstance(one, (int, float)) else one for one in said]:
                    lost.append((group, value, text, found))
    assert not lost


@pytest.mark.parametrize("language", FOREIGN)
def test_table_uses_the_groups_and_values_of_the_english_one(language):
    english, own = table("translate/terms/en.json"), table(f"translate/terms/{language}.json")
    keys = {
        "setup": set(table("studio/setups.json")),
        "style": set(table("studio/styles.json")),
        "key_type": set(table("studio/light_types.json")),
        "sensor": set(table("studio/sensors.json")),
        "lens_preset": set(table("studio/lenses.json")),
    }
    numbers = (
        "elevation_deg",
        "azimuth_deg",
        "roll_deg",
        "aperture",
        "focal_length_mm",
        "color_temperature_k",
        "numbers",
    )
    for group, values in own.items():
        if group.startswith("_"):
            continue
        assert group in english, group
        for value, phrases in values.items():
            if group in numbers:
                float(value)
            elif group == "key_direction":
                assert re.fullmatch(r"(-|-?\d+)( -?\d+)?", value), value
            elif group == "direction":
                assert set(value.split()) <= set(english["direction"]), value
            elif group == "mood":
                assert value in english["mood"]["="], value
            else:
                allowed = keys.get(group, set(english[group])) | (OF_OTHER_LANGUAGES if group == "words" else set())
                assert value in allowed, (group, value)
            assert phrases and all(phrase.strip() for phrase in phrases), (group, value)
            assert len(phrases) == len(set(phrases)), (group, value)


@pytest.mark.parametrize("language", FOREIGN)
def test_no_phrase_has_two_values_in_a_group(language):
    both = []
    for group, values in table(f"translate/terms/{language}.json").items():
        if group.startswith("_") or group in ("words", "trap"):
            continue
        seen: dict[str, str] = {}
        for value, phrases in values.items():
            for phrase in phrases:
                for one in {" ".join(text.casefold().split()) for text in expanded(phrase)}:
                    if seen.setdefault(one, value) != value:
                        both.append((group, one, seen[one], value))
    assert not both


@pytest.mark.parametrize("language", FOREIGN)
def test_tables_hold_no_invisible_characters(language):
    words = terms(language)
    assert words.language == language
    assert json.dumps(table(f"translate/terms/{language}.json"), ensure_ascii=False).isprintable()


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("taza, plano picado a 30 grados", "es", {"elevation_deg": 30}),
        ("俯拍30度，85mm", "zh", {"elevation_deg": 30, "focal_length_mm": 85}),
        ("taza, cámara desde 3 metros", "es", {"distance_m": 3}),
        ("相机距离2米", "zh", {"distance_m": 2}),
        ("tasse, kamera in etwa 2 m abstand", "de", {"distance_m": 2}),
        ("tazza vista dall'alto, luce calda", "it", {"elevation_deg": 45, "color_temperature_k": 3500}),
        ("tasse sur une table à l'heure dorée", "fr", {"time_of_day": "golden_hour"}),
        ("ｶﾒﾗ距離３ｍ、Ｆ２．８、５０ｍｍ", "ja", {"distance_m": 3, "aperture": 2.8, "focal_length_mm": 50}),
        ("接写、100mm", "ja", {"shot": ["close-up"], "focal_length_mm": 100}),
        ("広角、24mm", "ja", {"focal_length_mm": 24}),
        ("黒背景、逆光", "ja", {"key_azimuth_deg": 180}),
        ("无人机视角", "zh", {"elevation_deg": 70}),
        ("微距，100mm，逆光", "zh", {"lens_preset": "macro_100", "focal_length_mm": 100, "key_azimuth_deg": 180}),
        ("左右にソフトボックス", "ja", {"key_type": "softbox"}),
    ],
)
def test_words_between_languages(text, language, expected):
    brief = read_brief(text)
    assert brief.language == language
    assert {item.field: item.value for item in brief.found} == expected


def test_nothing_is_said_to_be_missing_where_a_word_is_longer():
    said = {item.field: item.value for item in read_brief("无人物，无阴影，无线耳机，无人机视角").found}
    assert said["negative"] == ["人物", "阴影"]
    assert said["elevation_deg"] == 70


def test_spans_of_half_and_full_width_text_are_the_words_as_written():
    brief = read_brief("ｶﾒﾗ距離３ｍ、Ｆ２．８")
    assert {item.field: brief.words(item.spans) for item in brief.found} == {
        "distance_m": "ｶﾒﾗ距離３ｍ",
        "aperture": "Ｆ２．８",
    }


@pytest.mark.parametrize("text", ["写真を撮る、光", "一个杯子"])
def test_small_words_of_several_characters_are_not_left_over(text):
    brief = read_brief(text)
    for span in brief.unused:
        first = span.start
        stops = table(f"translate/terms/{brief.language}.json")["words"]["stop"]
        assert not any(len(stop) > 1 and text.startswith(stop, first) for stop in stops)
