"""Ratings: their notations, the scale of a dump, and ratings that cannot be read."""

import json
import math
from collections import Counter
from decimal import Decimal

import pytest

from lambdas.collection.reading.rating_scale import RatingScale, decide_scale, stated_scale
from lambdas.collection.reading.ratings import RatingProblem
from shared.errors import IngestError


def stars(value):
    return RatingScale().stars(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5.0),
        (" 4.0 ", 4.0),
        (4.5, 4.5),
        (1, 1.0),
        (Decimal(2), 2.0),
        ("5 stars", 5.0),
        ("1 Star", 1.0),
        ("4.0 out of 5 stars", 4.0),
        ("3 of 5", 3.0),
        ("5.0\u00a0out of 5 stars", 5.0),
        (" 2.5/5 ", 2.5),
        ("4,5", 4.5),
        ("8/10", 4.0),
        ("80%", 4.0),
        ("80 %", 4.0),
        ("5,0 von 5 Sternen", 5.0),
        ("4,0 sur 5 étoiles", 4.0),
        ("3,0 de 5 estrellas", 3.0),
        ("2,0 su 5 stelle", 2.0),
        ("1,0 de 5 estrelas", 1.0),
        ("4 étoiles", 4.0),
        ("Rated 2 out of 5 stars", 2.0),
        ("Bewertet mit 4 von 5", 4.0),
        ("Rating: 3/5", 3.0),
        ("★★★★☆", 4.0),
        ("★★★½", 3.5),
        ("⭐⭐⭐", 3.0),
        ("⭐️⭐️", 2.0),
        ("***", 3.0),
        ("4★", 4.0),
        ("👍", 5.0),
        ("Thumbs down", 1.0),
        ("Recommended", 5.0),
        ("Not Recommended", 1.0),
        ("Neutral", 3.0),
        ("five", 5.0),
        ("FOUR", 4.0),
        (True, 5.0),
        (False, 1.0),
        ({"$numberDouble": "4.0"}, 4.0),
        ({"$numberInt": "2"}, 2.0),
    ],
)
def test_ratings(value, expected):
    assert stars(value) == expected


@pytest.mark.parametrize(
    "value",
    [None, "", " ", math.nan, "NaN", "NULL", "\\N", "NA", "n/a", "None", "-", Decimal("NaN")],
)
def test_missing_ratings(value):
    assert stars(value) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("awful", "unreadable"),
        ("1_0", "unreadable"),
        ("4 out of 50", "unreadable"),
        ("stars", "unreadable"),
        ("6 stars", "out of scale"),
        ("-1 star", "out of scale"),
        ([5], "unreadable"),
        ({"stars": 5}, "unreadable"),
        ("0", "not rated"),
        (0.0, "not rated"),
        ("☆☆☆☆☆", "not rated"),
        ("0 out of 5 stars", "not rated"),
        ("11/10", "out of scale"),
        (5.01, "out of scale"),
        (-3, "out of scale"),
        (math.inf, "unreadable"),
        ("inf", "unreadable"),
        (10**400, "unreadable"),
    ],
)
def test_ratings_that_are_none(value, problem):
    assert stars(value) is RatingProblem(problem)


@pytest.mark.parametrize(
    ("values", "scale", "expected"),
    [
        ([1, 2, 3, 4, 5], "1..5", [1, 2, 3, 4, 5]),
        (["0.5", "3", "4.5", "5"], "0..5", [0.5, 3, 4.5, 5]),
        ([10, 9, 8, 7, 1], "1..10", [5, 4.5, 4, 3.5, 0.5]),
        (["10", "2", "7,5"], "1..10", [5, 1, 3.75]),
        ([100, 80, 55, 20], "0..100", [5, 4, 2.75, 1]),
        ([0.9, 0.4, 1], "0..1", [4.5, 2, 5]),
        (["90%", "40%"], "percent", [4.5, 2]),
        (["9/10", "4/10"], "1..10", [4.5, 2]),
        (["★★★★☆", "★"], "1..5", [4, 1]),
        (["yes", "no"], "words", [5, 1]),
        ([True, False], "words", [5, 1]),
        ([], "1..5", []),
        ([None, "NA"], "1..5", [None, None]),
    ],
)
def test_the_sample_decides_the_scale(values, scale, expected):
    decision = decide_scale(Counter(values), recommends=False)
    assert (decision.scale.name, decision.decided_on) == (scale, "sample")
    assert [decision.scale.stars(value) for value in values] == pytest.approx(expected)


def test_a_few_high_ratings_do_not_make_a_scale_of_ten():
    decision = decide_scale(Counter([*([5, 4, 3, 2, 1] * 20), 9]), recommends=False)
    assert decision.scale.name == "1..5"
    assert decision.doubt
    assert decision.scale.stars(9) is RatingProblem.OUT_OF_SCALE


@pytest.mark.parametrize(
    ("values", "doubt"),
    [
        ([5, 4, 1], False),
        ([1, 2, 3] * 5, False),
        ([1, 2, 3] * 20, True),
        ([10, 1, 9], False),
        ([7, 1, 6], True),
        ([100, 40], False),
        ([40, 12], True),
    ],
)
def test_a_scale_that_the_sample_does_not_reach_is_doubtful(values, doubt):
    assert decide_scale(Counter(values), recommends=False).doubt is doubt


@pytest.mark.parametrize(
    ("hint", "name", "value", "expected"),
    [
        ("10", "1..10", 7, 3.5),
        ("1..10", "1..10", 2, 1),
        ("0..10", "0..10", 0, 0.5),
        ("5", "1..5", 4, 4),
        ("0..5", "0..5", 0.5, 0.5),
        ("percent", "0..100", 90, 4.5),
        ("100", "0..100", 50, 2.5),
        ("7", "1..7", 7, 5),
    ],
)
def test_the_mapping_states_the_scale(hint, name, value, expected):
    decision = stated_scale(hint)
    assert (decision.scale.name, decision.decided_on) == (name, "mapping")
    assert decision.scale.stars(value) == expected


@pytest.mark.parametrize("hint", ["", "many", "1..2", "1000", "5 stars"])
def test_a_scale_that_is_none_is_refused(hint):
    with pytest.raises(IngestError, match="rating_scale") as caught:
        stated_scale(hint)
    assert caught.value.code == "mapping_invalid"


def rated(*ratings, **columns):
    return "\n".join(
        json.dumps({"text": f"Bright lamp {n}", "rating": value, **columns})
        for n, value in enumerate(ratings)
    )


def ratings_of(got):
    return [row["rating"] for row in got.rows]


def test_a_dump_with_ten_points_is_converted(read):
    got = read(rated(10, 9, 8, 7, 6, 5, 4, 3, 2, 1))
    assert ratings_of(got) == [5, 4.5, 4, 3.5, 3, 2.5, 2, 1.5, 1, 0.5]
    assert got.dump.profile.details["rating_scale"] == {
        "scale": "1..10",
        "decided_on": "sample",
        "evidence": "10 ratings from 1 to 10",
        "doubt": False,
    }


def test_a_rating_that_cannot_be_read_does_not_cost_the_review(read):
    got = read(rated(5, "awful", 4, 3, 9, 1, *[5] * 20))
    assert got.rejects == []
    assert ratings_of(got)[:6] == [5, None, 4, 3, None, 1]
    assert "2 ratings are not on the scale 1..5, such as 'awful', 9" in got.dump.warnings


def test_ratings_beyond_the_sample_are_reported(read):
    ratings = [1, 2, 3, 4, 5] * 900 + [9, 10]
    got = read(rated(*ratings))
    assert got.rows[-1]["rating"] is None
    assert "2 ratings are not on the scale 1..5, such as 9, 10" in got.dump.warnings
    assert ratings_of(read(rated(*ratings), mapping={"rating_scale": "10"}))[-2:] == [4.5, 5]


def test_zeros_count_as_not_rated(read):
    got = read(rated(5, 0, 3))
    assert ratings_of(got) == [5, None, 3]
    assert "1 ratings of 0 count as not rated" in got.dump.warnings


def test_ratings_of_one_and_two_only_are_reported_with_what_to_do(read):
    rows = "".join(f"a good lamp {number},{number % 2 + 1}\n" for number in range(60))
    got = read(f"text,rating\n{rows}".encode())
    assert {row["rating"] for row in got.rows} == {1, 2}
    assert got.warnings[-1] == (
        "the rating scale 1..5 is uncertain (60 ratings from 1 to 2); if it is wrong, state the "
        "scale in the mapping, such as rating_scale=10"
    )


def test_a_doubtful_scale_is_reported(read):
    got = read(rated(7, 1, 6))
    (warning,) = [w for w in got.dump.warnings if "rating_scale" in w]
    assert "the rating scale 1..10 is uncertain (3 ratings from 1 to 7)" in warning
    assert got.dump.profile.details["rating_scale"]["doubt"]


def test_a_known_family_may_have_low_ratings_only(read):
    lines = [{"reviewText": f"Broken lamp {n}", "overall": n % 2 + 1} for n in range(60)]
    details = read("\n".join(map(json.dumps, lines))).dump.profile.details
    assert not details["rating_scale"]["doubt"]


def test_recommendations_are_ratings(read):
    body = '{"review": "Runs well", "voted_up": %s}\n'
    got = read("".join(body % value for value in ("true", "false", "true")))
    assert ratings_of(got) == [5, 1, 5]
    got = read("review,recommended\nRuns well,1\nCrashes,0\n")
    assert ratings_of(got) == [5, 1]


def test_decimal_commas_are_read(read):
    got = read("product_id;rating;review text\nP1;4,5;Solid\nP2;1,0;Burnt\nP3;3,5;So so\n")
    assert ratings_of(got) == [4.5, 1, 3.5]
