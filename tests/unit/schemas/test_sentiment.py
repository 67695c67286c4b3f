"""Who disagrees: stars and text."""

import pytest

from shared.schemas.sentiment import Sentiment, mismatch_of

_GOOD, _BAD, _MIDDLE = Sentiment.POSITIVE, Sentiment.NEGATIVE, Sentiment.NEUTRAL


@pytest.mark.parametrize(
    ("rating", "sentiment", "sure", "expected"),
    [
        (4.0, _BAD, True, "stars_above_text"),
        (2.0, _GOOD, True, "stars_below_text"),
        *((rating, _BAD, True, None) for rating in (1.0, 3.9, None)),
        *((rating, _GOOD, True, None) for rating in (2.1, 5.0, None)),
        *((rating, _MIDDLE, True, None) for rating in (1.0, 5.0)),
        *((5.0, _BAD, sure, None) for sure in (False, None)),
        (5.0, None, None, None),
    ],
)
def test_stars_contradict_a_text_only_if_the_model_is_sure(rating, sentiment, sure, expected):
    assert mismatch_of(rating, sentiment, sure=sure) == expected
