"""Who disagrees: stars, text and picture."""

import pytest

from shared.schemas.sentiment import Sentiment, disagreement

_GOOD, _BAD, _MIDDLE = Sentiment.POSITIVE, Sentiment.NEGATIVE, Sentiment.NEUTRAL


@pytest.mark.parametrize(
    ("rating", "text", "expected"),
    [
        (4.0, _BAD, "stars_above_text"),
        (2.0, _GOOD, "stars_below_text"),
        *((rating, _BAD, None) for rating in (1.0, 3.9, None)),
        *((rating, _GOOD, None) for rating in (2.1, 5.0, None)),
        *((rating, _MIDDLE, None) for rating in (1.0, 5.0)),
        (5.0, None, None),
    ],
)
def test_clear_stars_contradict_a_text_of_the_other_side(rating, text, expected):
    assert disagreement(rating, text, None) == (expected, None)


@pytest.mark.parametrize(
    ("rating", "text", "picture", "expected"),
    [
        (None, _BAD, _GOOD, ("picture_above_text", None)),
        (3.0, _GOOD, _BAD, ("picture_below_text", None)),
        (1.0, None, _GOOD, ("stars_below_picture", None)),
        (5.0, _MIDDLE, _BAD, ("stars_above_picture", None)),
        (5.0, _GOOD, _MIDDLE, (None, None)),
        (5.0, _GOOD, _GOOD, (None, None)),
    ],
)
def test_a_picture_contradicts_the_text_or_else_the_stars(rating, text, picture, expected):
    assert disagreement(rating, text, picture) == expected


@pytest.mark.parametrize(
    ("rating", "text", "picture", "expected"),
    [
        (5.0, _BAD, _BAD, ("stars_above_text", "stars")),
        (1.0, _GOOD, _BAD, ("stars_below_text", "text")),
        (5.0, _GOOD, _BAD, ("picture_below_text", "picture")),
    ],
)
def test_of_three_opinions_the_one_against_both_others_is_named(rating, text, picture, expected):
    assert disagreement(rating, text, picture) == expected
