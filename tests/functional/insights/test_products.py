"""Lists of products and reviews: filters, order, paging and rejected parameters."""

import pytest

from tests.paging import read_pages


def test_mismatches_are_found_by_a_filter(http, shop):
    # r6 has four stars and a negative text, but low confidence
    mismatches = http.get("/reviews", params={"mismatch": "true"}).json()["reviews"]
    assert [(r["review_id"], r["mismatch"]) for r in mismatches] == [
        ("r5", "stars_below_text"),
        ("r2", "stars_above_text"),
    ]
    for kind, review in (("stars_below_text", "r5"), ("stars_above_text", "r2")):
        chosen = http.get("/reviews", params={"mismatch": kind}).json()["reviews"]
        assert [r["review_id"] for r in chosen] == [review]
    rest = http.get("/reviews", params={"mismatch": "false"}).json()["reviews"]
    assert {r["mismatch"] for r in rest} == {None}
    assert len(rest) == 8
    products = {p["product_id"]: p["mismatches"] for p in http.get("/products").json()["products"]}
    assert products == {"A/1": 1, "B": 1, "C": 0}


@pytest.mark.usefixtures("shop")
def test_a_review_says_whether_its_sentences_contradict_each_other(http, database):
    with database.transaction() as connection:
        connection.execute("UPDATE analyses SET mixed = true WHERE review_id = 'r5'")
        connection.execute("UPDATE analyses SET mixed = false WHERE review_id = 'r2'")
    flags = {r["review_id"]: r["mixed"] for r in http.get("/reviews").json()["reviews"]}
    assert (flags.pop("r5"), flags.pop("r2"), set(flags.values())) == (True, False, {None})


@pytest.mark.usefixtures("shop")
def test_a_review_says_which_model_gave_its_sentiment(http, database):
    with database.transaction() as connection:
        connection.execute("UPDATE analyses SET sentiment_model = 'second' WHERE review_id = 'r5'")
    for review in http.get("/reviews").json()["reviews"]:
        expected = "second" if review["review_id"] == "r5" else review["model_version"]
        assert review["sentiment_model"] == (expected if review["sentiment"] else None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"category": "Audio"}, ["r6", "r7", "r5"]),
        ({"category": ""}, ["r9", "r8"]),
        ({"source": "other"}, ["r5", "r4"]),
        ({"category": "Home", "source": "s", "sentiment": "negative"}, ["r2", "r1"]),
        ({"mismatch": "true", "category": "Audio"}, ["r5"]),
        ({"product_id": ""}, ["r9"]),
    ],
)
def test_reviews_are_filtered_by_origin(http, shop, query, expected):
    for limit in (1, 50):
        pages = read_pages(http, "/reviews", "reviews", limit=limit, **query)
        assert [item["review_id"] for page in pages for item in page] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["A/1", "B", "C", "D"]),
        ({"order": "asc"}, ["C", "D", "B", "A/1"]),
        ({"sort": "net_sentiment"}, ["C", "A/1", "B", "D"]),
        ({"sort": "net_sentiment", "order": "asc"}, ["A/1", "B", "C", "D"]),
        ({"sort": "negative_share"}, ["B", "A/1", "C", "D"]),
        ({"sort": "mean_rating"}, ["C", "A/1", "B", "D"]),
        ({"sort": "mean_rating", "order": "asc"}, ["B", "A/1", "C", "D"]),
        ({"sort": "mismatches"}, ["A/1", "B", "C", "D"]),
        ({"category": "Home"}, ["A/1"]),
        ({"category": ""}, ["C", "D"]),
        ({"search": "100%"}, ["A/1"]),
        ({"search": "LAMP"}, ["A/1"]),
        ({"search": "a/1"}, ["A/1"]),
        ({"search": "_"}, []),
        ({"min_reviews": 2}, ["A/1", "B"]),
        ({"min_reviews": 3, "category": "Audio", "sort": "mean_rating"}, ["B"]),
    ],
)
def test_products_are_sorted_searched_and_paged(http, shop, fill, query, expected):
    # a review without rating or sentiment sorts last by either
    fill([{"review_id": "d", "product_id": "D"}], ingest_id="other")
    for limit in (1, 2, 50):
        pages = read_pages(http, "/products", "products", limit=limit, **query)
        assert [item["product_id"] for page in pages for item in page] == expected


def test_a_product_has_its_days_and_links(http, shop):
    product = http.get("/products/A/1").json()
    freshness = product.pop("freshness")
    assert freshness["pending_reviews"] == 0
    assert product.pop("explanation") is None, "the list does not explain changes"
    assert product == http.get("/products").json()["products"][0]
    assert (product["first_day"], product["last_day"]) == ("2026-01-05", "2026-02-01")
    assert product["reviews_link"] == "/reviews?product_id=A%2F1"
    assert product["change"] is None


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/trends", {"interval": "hour"}, "interval"),
        ("/trends", {"from": "2026-02-01", "to": "2026-01-01"}, "from"),
        ("/trends", {"from": "yesterday"}, "from"),
        ("/trends", {"interval": "day", "from": "1000-01-01"}, "interval"),
        ("/trends", {"interval": "day", "from": "2001-01-01", "to": "9999-12-31"}, "interval"),
        ("/trends", {"product_id": "a\0"}, "product_id"),
        ("/trends", {"category": "a\0"}, "category"),
        ("/trends", {"source": "a" * 600}, "source"),
        ("/movers", {"direction": "up"}, "direction"),
        ("/movers", {"limit": 0}, "limit"),
        ("/movers", {"category": "\0"}, "category"),
        ("/segments", {"by": "star"}, "by"),
        ("/drift", {"days": 0}, "days"),
        ("/products", {"sort": "title"}, "sort"),
        ("/products", {"order": "up"}, "order"),
        ("/products", {"search": "\0"}, "search"),
        ("/products", {"search": "a" * 201}, "search"),
        ("/products", {"min_reviews": 0}, "min_reviews"),
        ("/products", {"min_reviews": 2**40}, "min_reviews"),
        ("/reviews", {"mismatch": "perhaps"}, "mismatch"),
        ("/reviews", {"category": "\0"}, "category"),
        ("/reviews", {"source": "\0"}, "source"),
    ],
)
def test_an_invalid_parameter_is_rejected_with_its_field(http, shop, path, query, field):
    response = http.get(path, params=query)
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["field"] == field


def test_a_cursor_of_another_sort_order_is_rejected(http, shop):
    cursor = http.get("/products", params={"limit": 1}).json()["next_cursor"]
    response = http.get("/products", params={"limit": 1, "cursor": cursor, "sort": "mean_rating"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "cursor"
