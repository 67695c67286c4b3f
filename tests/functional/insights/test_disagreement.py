"""Stored reviews whose stars, text and pictures contradict each other."""

from itertools import product
from typing import get_args

import pytest

from shared.db.insights.rollups import refresh
from shared.schemas.sentiment import MismatchFilter, Sentiment, disagreement
from tests.paging import read_pages

RATINGS = (None, 1.0, 2.0, 2.5, 3.0, 4.0, 5.0)
TEXTS = (None, ("negative", 0.9), ("negative", 0.6), ("neutral", 0.9), ("positive", 0.9))
PICTURES = (None, "negative", "positive")


@pytest.fixture
def look_at(database):
    """Store what pictures of reviews say, and refresh the figures."""

    def store(said, ingest_id="i"):
        with database.transaction() as connection:
            for review_id, sentiment in said.items():
                connection.execute(
                    "INSERT INTO picture_opinions VALUES (%s, %s, %s)",
                    (review_id, ingest_id, sentiment),
                )
        assert refresh(database)

    return store


@pytest.fixture
def everything(fill, look_at):
    """A review of each combination of stars, text and picture; id to who disagrees, and how."""
    rows, said, expected = [], {}, {}
    for number, (rating, text, picture) in enumerate(product(RATINGS, TEXTS, PICTURES)):
        review_id = f"r{number:03d}"
        row = {"review_id": review_id, "product_id": f"p{number % 2}", "rating": rating}
        sure = None
        if text is not None:
            row |= {"sentiment": text[0], "confidence": text[1]}
            sure = Sentiment(text[0]) if text[1] > 0.8 else None
        if picture is not None:
            said[review_id] = picture
        rows.append(row)
        expected[review_id] = disagreement(rating, sure, picture and Sentiment(picture))
    fill(rows)
    look_at(said)
    return expected


def listed(http, **query):
    pages = read_pages(http, "/reviews", "reviews", limit=50, **query)
    return {each["review_id"]: each for page in pages for each in page}


def passes(chosen, mismatch, disagrees):
    if chosen in {"true", "false"}:
        return (mismatch is not None) == (chosen == "true")
    return chosen in {mismatch, disagrees}


def test_stored_reviews_follow_the_rule_of_analyses_and_are_found_by_it(http, everything):
    stored = listed(http)
    assert {key: (row["mismatch"], row["disagrees"]) for key, row in stored.items()} == everything
    for chosen in get_args(MismatchFilter):
        expected = {key for key, who in everything.items() if passes(chosen, *who)}
        assert expected, "every kind occurs"
        assert set(listed(http, mismatch=chosen)) == expected
    only = {key for key in expected if key in listed(http, product_id="p0")}
    assert set(listed(http, mismatch=chosen, product_id="p0")) == only


def test_a_product_counts_the_reviews_that_the_filter_lists(http, everything):
    for each in http.get("/products").json()["products"]:
        found = listed(http, mismatch="true", product_id=each["product_id"])
        assert each["mismatches"] == len(found) > 0


@pytest.mark.usefixtures("shop")
def test_without_opinions_of_pictures_nothing_is_said_of_them(http):
    for chosen in ("picture", "text", "stars", "picture_above_text", "stars_below_picture"):
        assert listed(http, mismatch=chosen) == {}
    assert {each["disagrees"] for each in listed(http).values()} == {None}


@pytest.mark.usefixtures("shop")
def test_an_opinion_is_void_once_the_review_belongs_to_another_upload(
    http, database, look_at, store
):
    look_at({"r8": "negative"})
    assert listed(http, mismatch="true")["r8"]["mismatch"] == "picture_below_text"
    assert listed(http, mismatch="picture").keys() == {"r8"}
    with database.transaction() as connection:
        connection.execute("UPDATE reviews SET ingest_id = 'j' WHERE review_id = 'r8'")
    assert refresh(database)
    assert "r8" not in listed(http, mismatch="true")


@pytest.mark.parametrize(
    "value",
    [
        "", "TRUE", "1", "stars ", "picture\x00", "picture'; DROP TABLE reviews; --", "' OR 1=1 --",
        "picture_above_stars", "text_above_stars", "picture_above_picture", "\u202epicture",
        "stars,text", "x" * 5000,
    ],
    ids=range(13),
)  # fmt: skip
def test_another_value_is_refused_by_name(http, value):
    answer = http.get("/reviews", params={"mismatch": value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "mismatch")
