"""The model does not read a title that only repeats the star rating."""

import pytest

from shared.schemas.review import model_text


@pytest.mark.parametrize(
    "title",
    [
        *("Five Stars", "one star", "4 stars!", "4.0 out of 5 stars", "1 out of 5", "3/5"),
        *("two-stars", "Rated 2 out of 5 stars", "Zero stars!!", "5,0 stars", "4 \u2605"),
        *("\u2605\u2605\u2605\u2605\u2605", "\u2b50\u2b50"),
    ],
)
def test_a_title_of_stars_alone_is_left_out(title):
    assert model_text(title, "It broke in a week.") == "It broke in a week."


@pytest.mark.parametrize(
    "title",
    [
        "Five star product",
        "1 star is too much",
        "5",
        "2 of 5 people",
        "Star",
        "Not five stars",
        "!!!",
    ],
)
def test_any_other_title_is_read(title):
    assert model_text(title, "It broke.").startswith(title)
