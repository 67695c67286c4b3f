"""Movers: products whose share of negative reviews changed."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.functional.insights.reviews import count_reviews
from tests.paging import read_pages

START = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday


@pytest.fixture
def changed(fill):
    """Twenty products that never changed, one that became worse and one that became better."""
    rows = []
    for product in range(22):
        for n in range(60):
            bad = n % 10 == product % 10
            if product == 20:
                bad = n >= 40 and n % 4 != 0
            if product == 21:
                bad = n < 30
            rows.append(
                {
                    "review_id": f"{product}-{n}",
                    "product_id": f"p{product:02}",
                    "category": "Odd" if product % 2 else "Even",
                    "reviewed_at": START + timedelta(days=n),
                    "rating": 1.0 if bad else 5.0,
                    "sentiment": "negative" if bad else "positive",
                }
            )
    fill(rows)


def test_movers_have_their_day_and_the_reviews_that_prove_it(http, changed):
    body = http.get("/movers").json()
    assert body["products_tested"] == 22
    assert {m["product_id"] for m in body["movers"]} == {"p20", "p21"}
    worse = http.get("/movers", params={"direction": "worse"}).json()["movers"]
    (mover,) = worse
    change = mover["change"]
    assert mover["product_id"] == "p20"
    assert change["direction"] == "worse"
    assert change["day"] == (START + timedelta(days=41)).date().isoformat()
    assert (change["reviews_before"], change["reviews_after"]) == (41, 19)
    assert (change["negative_before"], change["negative_after"]) == (0.0, 15 / 19)
    assert change["p_value"] < mover["q_value"] < 1e-6
    assert count_reviews(http, change["reviews_link"]) == 15
    assert http.get("/products/p20").json()["change"] == change
    assert http.get("/trends", params={"product_id": "p20"}).json()["change"] == change
    (better,) = http.get("/movers", params={"direction": "better"}).json()["movers"]
    assert better["change"]["direction"] == "better"
    assert count_reviews(http, better["change"]["reviews_link"]) == 30


def test_movers_are_corrected_for_the_products_of_their_category(http, changed):
    body = http.get("/movers", params={"category": "Even"}).json()
    assert body["products_tested"] == 11
    assert [m["product_id"] for m in body["movers"]] == ["p20"]
    assert http.get("/movers", params={"category": "None"}).json()["movers"] == []
    assert len(http.get("/movers", params={"limit": 1}).json()["movers"]) == 1


def test_stable_products_have_no_change(http, changed):
    stable = [p for p in http.get("/products").json()["products"] if p["product_id"] < "p20"]
    assert len(stable) == 20
    assert all(product["change"] is None for product in stable)


def test_pages_of_movers_lose_and_double_nothing(http, changed):
    pages = read_pages(http, "/movers", "movers", limit=1)
    assert [len(page) for page in pages] == [1, 1]
    whole = http.get("/movers").json()
    assert ([mover for page in pages for mover in page], whole["next_cursor"]) == (
        whole["movers"],
        None,
    )
