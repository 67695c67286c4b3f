"""The language of texts, written for these tests, and whether the model understands them."""

import pytest

from shared.language.detection import UNDETERMINED, detect
from shared.language.understanding import TextLanguage, language_of
from tests.complaints import COMPLAINTS

ENGLISH = (
    *(
        "great!",
        "ok",
        "good",
        "bad",
        "No",
        "A+",
        "Super",
        "Awesome",
        "Amazing!",
        "love it",
        "LOVE!",
    ),
    *("Worst ever", "Broke in 2 days", "DO NOT BUY", "GARBAGE", "Perfect fit", "Five stars"),
    "TERRIBLE QUALITY, STOPPED WORKING AFTER A WEEK",
    "soooo goooood",
    "So amazing",
    "Awsome prodct",
    "It’s fine, but I can’t hear the bell",
    "Product is good only but delivery boy was rude",
    "battery backup superb, camera not upto the mark",
    "Paisa vasool product, really good quality for the price",
    "Me gusta the color, but the zipper broke after a week",
    "Model XK-2000 and QX-G991B do not fit my old phone",
    "QX-G991B ok",
    "We bought it at Müller in Zürich and the seal leaks",
)


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_understood_however_short(text):
    assert language_of(text, 0.0) == TextLanguage("en", understood=True)


@pytest.mark.parametrize(("code", "text"), COMPLAINTS)
def test_a_complaint_in_another_language_is_not_understood(code, text):
    assert language_of(text, 0.0) == TextLanguage(code, understood=False)


@pytest.mark.parametrize(
    "text", ["Bahut kharab product hai, do din mein toot gaya", "bakwas saaman ekdum ghatiya"]
)
def test_hindi_in_latin_letters_is_not_taken_for_english(text):
    assert not language_of(text, 0.0).understood


@pytest.mark.parametrize("text", ["12345", "10/10", "!!!", "QX-G991B", "...", ""])
def test_a_text_without_words_has_no_language(text):
    assert language_of(text, 0.0) == TextLanguage(UNDETERMINED, understood=False)


@pytest.mark.parametrize("text", ["😡😡😡", "👍", "❤️ ❤️", "👍🏽!"])
def test_emoji_alone_are_understood(text):
    assert language_of(text, 0.0) == TextLanguage(UNDETERMINED, understood=True)


def test_emoji_do_not_make_another_language_english():
    assert language_of("Schlechte Qualität, nach zwei Tagen kaputt 😡😡👎", 0.0).language == "de"


def test_a_text_of_unknown_tokens_is_not_understood():
    assert language_of("the lamp is good", 0.5).understood
    assert language_of("the lamp is good", 0.6) == TextLanguage("en", understood=False)


def test_a_long_text_is_detected_by_its_beginning():
    assert detect("The hinge broke and the shop does not answer. " * 400) == "en"


@pytest.mark.parametrize(
    "text",
    [
        "Bahut accha product hai, paisa vasool",
        "sound quality bahut acchi hai",
        "product theek hai lekin delivery late thi",
        "mast product hai bhai",
        "quality bohat kharab thi",
        "nalla illa, waste of money",
        "romba nalla irukku, super product",
        "khub bhalo product",
        "totemo yokatta desu",
        "San pham rat tot, giao hang nhanh",
        "Barangnya bagus, pengiriman cepat",
        "Muy malo, do not buy, no sirve",
    ],
)
def test_another_language_in_plain_latin_letters_is_not_understood(text):
    assert not language_of(text, 0.0).understood


@pytest.mark.parametrize(
    "text",
    [
        "goodREAD MORE",
        "Disapointing",
        "Enjoyalbe",
        "Suspensful",
        "V gud",
        "hmmmm.",
        "Yum!",
        "The heel broke",
        "Product good hai but delivery was very late and the box was damaged",
        "There is a hum in the left speaker",
    ],
)
def test_misspelled_and_joined_english_is_understood(text):
    assert language_of(text, 0.0) == TextLanguage("en", understood=True)
