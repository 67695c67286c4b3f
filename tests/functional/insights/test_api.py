"""Products and reviews over HTTP, with a real database."""

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from lambdas.insights.api import create_app
from lambdas.insights.dependencies import Dependencies
from shared.db.connection import Database
from shared.db.insights.rollups import refresh
from tests.paging import read_pages

LABELS = ("negative", "neutral", "positive")


@pytest.fixture
def shop(add):
    for n in range(3):
        add(f"a{n}", product_id="A/1", product_title="Lamp", category="Home", rating=n + 1.0)
    for n in range(3):
        add(f"b{n}", product_id="B", sentiment=LABELS[n], rating=None)
    add("c0", product_id="C", sentiment="positive", rating=5.0)
    add("d0", product_id=None)


def test_products_have_counts_and_are_sorted_by_reviews(http, shop):
    body = http.get("/products").json()
    assert [(p["product_id"], p["reviews"], p["analysed"]) for p in body["products"]] == [
        ("A/1", 3, 0),
        ("B", 3, 3),
        ("C", 1, 1),
    ]
    lamp, second, third = body["products"]
    assert (lamp["title"], lamp["category"], lamp["mean_rating"]) == ("Lamp", "Home", 2.0)
    assert lamp["sentiment_shares"] is None
    assert second["mean_rating"] is None
    assert second["sentiment_shares"] == pytest.approx(dict.fromkeys(LABELS, 1 / 3))
    assert third["sentiment_shares"] == {"negative": 0.0, "neutral": 0.0, "positive": 1.0}


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_pages_contain_every_product(http, shop, limit):
    pages = read_pages(http, "/products", "products", limit=limit)
    assert [p["product_id"] for page in pages for p in page] == ["A/1", "B", "C"]
    assert all(len(page) <= limit for page in pages)


def test_a_product_is_found_by_an_id_with_a_slash(http, shop):
    assert http.get("/products/A/1").json()["reviews"] == 3
    assert http.get("/products/A%2F1").json()["reviews"] == 3
    assert http.get("/products/none").status_code == 404
    assert http.get("/products/%00").status_code == 404


def test_only_the_newest_analysis_of_a_review_counts(http, add, judge, database):
    add("r", product_id="P", sentiment="negative", model="m9")
    judge({"r": "positive"}, "m10")
    refresh(database)
    body = http.get("/products/P").json()
    assert (body["reviews"], body["analysed"]) == (1, 1)
    assert body["sentiment_shares"]["positive"] == 1.0
    (review,) = http.get("/reviews").json()["reviews"]
    assert (review["sentiment"], review["model_version"]) == ("positive", "m10")
    # a restored older model is now the newest analysis
    judge({"r": "neutral"}, "m9")
    refresh(database)
    assert http.get("/reviews").json()["reviews"][0]["sentiment"] == "neutral"


@pytest.fixture
def dated(add):
    days = [None, (2024, 1, 31), (2024, 1, 31), (2023, 5, 1), None, (2024, 2, 1)]
    for n, day in enumerate(days):
        when = day and datetime(*day, 23, 59, 59, 999_999, tzinfo=UTC)
        add(f"r{n}", reviewed_at=when, rating=float(n % 5 + 1), sentiment=LABELS[n % 3],
            product_id=f"p{n % 2}")  # fmt: skip


def ids(pages):
    return [review["review_id"] for page in pages for review in page]


@pytest.mark.parametrize("limit", [1, 2, 4, 6])
def test_reviews_are_sorted_newest_first_and_undated_last(http, dated, limit):
    pages = read_pages(http, "/reviews", "reviews", limit=limit)
    assert ids(pages) == ["r5", "r1", "r2", "r3", "r0", "r4"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"product_id": "p1"}, ["r5", "r1", "r3"]),
        ({"sentiment": "negative"}, ["r3", "r0"]),
        ({"min_rating": 4}, ["r3", "r4"]),
        ({"max_rating": 1}, ["r5", "r0"]),
        ({"min_rating": 2, "max_rating": 3}, ["r1", "r2"]),
        ({"from": "2024-01-31", "to": "2024-01-31"}, ["r1", "r2"]),
        ({"from": "2024-02-01"}, ["r5"]),
        ({"to": "2023-12-31"}, ["r3"]),
        ({"to": "9999-12-31"}, ["r5", "r1", "r2", "r3"]),
        ({"product_id": "p0", "sentiment": "neutral"}, ["r4"]),
        ({"source": "' OR true --"}, []),
    ],
)
def test_reviews_match_all_filters(http, dated, query, expected):
    assert ids(read_pages(http, "/reviews", "reviews", limit=1, **query)) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WyJcdTAwMDAiXQ"}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"sentiment": "glad"}, "sentiment"),
        ({"min_rating": "nan"}, "min_rating"),
        ({"max_rating": 6}, "max_rating"),
        ({"min_rating": 4, "max_rating": 2}, "min_rating"),
        ({"from": "2024-13-01"}, "from"),
        ({"from": "2024-02-01", "to": "2024-01-01"}, "from"),
        ({"product_id": "a\0"}, "product_id"),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
    ],
)
def test_an_invalid_parameter_is_rejected_with_its_field(http, query, field):
    response = http.get("/reviews", params=query)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("cursor", ["WzMwMDAwMDAwMDAwMDAwMDAwMDAwMCwiYSJd", "bnVsbA", "W10", "e30"])
def test_an_invalid_product_cursor_is_rejected(http, cursor):
    assert http.get("/products", params={"cursor": cursor}).status_code == 422


def test_health_is_unavailable_without_the_database(http, tmp_path):
    assert http.get("/health").json()["status"] == "ok"
    secret = {"host": str(tmp_path), "port": 1, "username": "u", "password": "p", "dbname": "d"}
    database = Database(lambda: secret, wait_seconds=0.2)
    unreachable = TestClient(create_app(lambda: Dependencies(database)))
    assert unreachable.get("/health").status_code == 503
    assert unreachable.get("/products").status_code == 503
