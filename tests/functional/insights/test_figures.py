"""Figures of trends, segments, movers and products, and the reviews they link to."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from shared.db.insights.rollups import is_behind, refresh

LABELS = ("negative", "neutral", "positive")
START = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday


def on(day, **values):
    return {"reviewed_at": datetime(*day, 12, tzinfo=UTC), **values}


def count_reviews(http, link):
    """Count the reviews that a link lists, over all pages."""
    assert link.startswith("/reviews")
    count, cursor = 0, None
    while True:
        page = http.get(link, params=None).json() if not cursor else _read_page(http, link, cursor)
        count += len(page["reviews"])
        cursor = page["next_cursor"]
        if cursor is None:
            return count


def _read_page(http, link, cursor):
    sign = "&" if "?" in link else "?"
    return http.get(f"{link}{sign}cursor={cursor}").json()


@pytest.fixture
def shop(fill):
    """Ten reviews of three products in two categories, from two sources."""
    lamp = {"product_id": "A/1", "product_title": "Desk 100% lamp", "category": "Home"}
    fill(
        [
            on((2026, 1, 5), review_id="r0", **lamp, rating=5.0, sentiment="positive"),
            on((2026, 1, 11), review_id="r1", **lamp, rating=1.0, sentiment="negative"),
            on((2026, 1, 12), review_id="r2", **lamp, rating=4.5, sentiment="negative"),
            on((2026, 2, 1), review_id="r3", **lamp, rating=3.0, sentiment="neutral"),
            {"review_id": "r4", **lamp, "sentiment": "positive", "source": "other"},
            on((2026, 1, 20), review_id="r5", product_id="B", category="Audio", rating=2.0,
               sentiment="positive", source="other"),
            on((2026, 1, 21), review_id="r6", product_id="B", category="Audio", rating=4.0,
               sentiment="negative", confidence=0.6),
            on((2026, 1, 21), review_id="r7", product_id="B", rating=None),
            on((2026, 3, 1), review_id="r8", product_id="C", rating=5.0, sentiment="positive"),
            on((2026, 3, 2), review_id="r9", product_id=None, rating=4.0, sentiment="positive"),
        ]
    )  # fmt: skip


def test_weekly_trends_have_no_gaps_and_add_up(http, shop):
    body = http.get("/trends").json()
    assert (body["interval"], body["time_zone"]) == ("week", "UTC")
    assert (body["from"], body["to"]) == ("2026-01-05", "2026-03-08")
    starts = [date.fromisoformat(point["start"]) for point in body["points"]]
    assert all(later - earlier == timedelta(days=7) for earlier, later in pairwise(starts))
    assert [point["reviews"] for point in body["points"]] == [2, 1, 3, 1, 0, 0, 0, 1, 1]
    empty = body["points"][4]
    assert empty["analysed"] == 0
    assert [empty[k] for k in ("mean_rating", "sentiment_shares", "net_sentiment")] == [None] * 3
    first = body["points"][0]
    assert (first["end"], first["mean_rating"], first["net_sentiment"]) == ("2026-01-11", 3.0, 0.0)
    assert first["sentiment_shares"] == {"negative": 0.5, "neutral": 0.0, "positive": 0.5}
    totals = body["totals"]
    assert (totals["reviews"], totals["analysed"], totals["undated"]) == (10, 9, 1)
    assert totals["net_sentiment"] == pytest.approx(100 * (5 - 3) / 9)
    assert totals["mean_rating"] == pytest.approx((5 + 1 + 4.5 + 3 + 2 + 4 + 5 + 4) / 8)


@pytest.mark.parametrize(
    ("query", "counts"),
    [
        ({"interval": "month"}, [6, 1, 2]),
        ({"interval": "month", "category": "Audio"}, [3]),
        ({"interval": "month", "category": ""}, [2]),
        ({"interval": "month", "source": "other"}, [1]),
        ({"interval": "month", "source": "s", "category": "Home"}, [3, 1]),
        ({"interval": "month", "product_id": "A/1"}, [3, 1]),
        ({"interval": "month", "product_id": "A/1", "source": "other"}, []),
        ({"interval": "month", "product_id": "A/1", "category": "Audio"}, []),
        ({"interval": "month", "product_id": "unknown"}, []),
        ({"interval": "day", "from": "2026-01-11", "to": "2026-01-13"}, [1, 1, 0]),
        ({"interval": "week", "from": "2026-01-11", "to": "2026-01-12"}, [1, 1]),
        ({"interval": "day", "from": "2026-03-01"}, [1, 1]),
        ({"interval": "day", "to": "2026-01-06"}, [1, 0]),
        ({"interval": "month", "from": "2030-01-01"}, []),
        ({"interval": "month", "from": "9999-12-01", "to": "9999-12-31"}, [0]),
        ({"interval": "week", "from": "9999-12-20", "to": "9999-12-31"}, [0, 0]),
        ({"interval": "week", "from": "0001-01-01", "to": "0001-01-03"}, [0]),
    ],
)
def test_trends_count_reviews_that_match_all_filters(http, shop, query, counts):
    body = http.get("/trends", params=query).json()
    assert [point["reviews"] for point in body["points"]] == counts
    dated = body["totals"]["reviews"] - body["totals"]["undated"]
    assert dated == sum(counts)


def test_every_figure_links_to_its_reviews(http, shop):
    queries = [
        {}, {"interval": "month", "category": "Home"}, {"product_id": "A/1", "source": "s"},
        {"from": "2026-01-11", "to": "2026-01-21"}, {"category": ""},
    ]  # fmt: skip
    for query in queries:
        body = http.get("/trends", params=query).json()
        for figures in [*body["points"], body["totals"]]:
            assert count_reviews(http, figures["reviews_link"]) == figures["reviews"], figures
    for by in ("category", "source"):
        for segment in http.get("/segments", params={"by": by}).json()["segments"]:
            assert count_reviews(http, segment["reviews_link"]) == segment["reviews"]
    for product in http.get("/products").json()["products"]:
        assert count_reviews(http, product["reviews_link"]) == product["reviews"]


def test_segments_have_figures(http, shop):
    body = http.get("/segments").json()
    assert body["by"] == "category"
    assert [(s["name"], s["products"], s["reviews"], s["analysed"]) for s in body["segments"]] == [
        ("Home", 1, 5, 5),
        ("Audio", 1, 3, 2),
        (None, 1, 2, 2),
    ]
    assert body["segments"][0]["net_sentiment"] == 0.0
    sources = http.get("/segments", params={"by": "source"}).json()["segments"]
    assert [(s["name"], s["products"], s["reviews"]) for s in sources] == [
        ("s", 3, 8),
        ("other", 2, 2),
    ]


def test_mismatches_are_found_by_a_filter(http, shop):
    # r6 has four stars and a negative text, but low confidence
    mismatches = http.get("/reviews", params={"mismatch": "true"}).json()["reviews"]
    assert [(r["review_id"], r["mismatch"]) for r in mismatches] == [
        ("r5", "stars_below_text"),
        ("r2", "stars_above_text"),
    ]
    rest = http.get("/reviews", params={"mismatch": "false"}).json()["reviews"]
    assert {r["mismatch"] for r in rest} == {None}
    assert len(rest) == 8
    products = {p["product_id"]: p["mismatches"] for p in http.get("/products").json()["products"]}
    assert products == {"A/1": 1, "B": 1, "C": 0}


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
        ids, cursor = [], None
        while True:
            parameters = {**query, "limit": limit, **({"cursor": cursor} if cursor else {})}
            page = http.get("/reviews", params=parameters).json()
            ids += [r["review_id"] for r in page["reviews"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert ids == expected


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
        ids, cursor = [], None
        while True:
            parameters = {**query, "limit": limit, **({"cursor": cursor} if cursor else {})}
            page = http.get("/products", params=parameters).json()
            ids += [product["product_id"] for product in page["products"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert ids == expected


def test_a_product_has_its_days_and_links(http, shop):
    product = http.get("/products/A/1").json()
    freshness = product.pop("freshness")
    assert freshness["pending_reviews"] == 0
    assert product == http.get("/products").json()["products"][0]
    assert (product["first_day"], product["last_day"]) == ("2026-01-05", "2026-02-01")
    assert product["reviews_link"] == "/reviews?product_id=A%2F1"
    assert product["change"] is None


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


def test_freshness_counts_pending_reviews(http, shop, store, judge, database):
    before = http.get("/trends").json()["freshness"]
    assert before["pending_reviews"] == 0
    store([{"review_id": "new", "product_id": "A/1"}], "late")
    judge({"new": "negative", "r0": "negative"})
    body = http.get("/products/A/1").json()
    assert body["reviews"] == 5
    assert (
        body["freshness"]["pending_reviews"] == 2
    )  # each counts once, although r0 is pending twice
    assert body["freshness"]["as_of"] > before["as_of"]
    later = http.get("/segments").json()["freshness"]
    assert later == body["freshness"]
    refresh(database)
    assert not is_behind(database)
    body = http.get("/products/A/1").json()
    assert body["freshness"]["pending_reviews"] == 0
    assert body["freshness"]["as_of"] > later["as_of"]
    assert (body["reviews"], body["analysed"]) == (6, 6)
    assert body["net_sentiment"] == pytest.approx(100 * (1 - 4) / 6)


def test_a_later_category_moves_the_reviews(http, shop, fill):
    row = on((2026, 4, 1), review_id="late", product_id="C", category="Garden", sentiment="neutral")
    fill([row], ingest_id="late")
    segments = http.get("/segments").json()["segments"]
    assert {s["name"]: s["reviews"] for s in segments} == {
        "Home": 5,
        "Audio": 3,
        "Garden": 2,
        None: 1,
    }
    assert (
        http.get("/products", params={"category": "Garden"}).json()["products"][0]["reviews"] == 2
    )


def test_an_empty_shop_has_no_figures(http, database):
    body = http.get("/trends").json()
    assert (body["from"], body["to"], body["points"], body["change"]) == (None, None, [], None)
    assert body["totals"]["reviews"] == 0
    assert http.get("/movers").json()["movers"] == []
    assert http.get("/products").json()["products"] == []
    assert http.get("/segments").json()["segments"] == []
    body = http.get("/drift").json()
    assert (body["model_version"], body["level"], body["measures"]) == (None, None, [])


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


def test_long_histories_are_cut_to_the_newest_2000_points(http, fill):
    rows = [on((1950, 1, 1), review_id="old"), on((2026, 1, 1), review_id="new")]
    fill([{**row, "product_id": "p"} for row in rows])
    body = http.get("/trends", params={"interval": "day"}).json()
    assert len(body["points"]) == 2000
    assert body["to"] == body["points"][-1]["end"] == "2026-01-01"
    assert body["totals"]["reviews"] == 2
    assert len(http.get("/trends", params={"interval": "month"}).json()["points"]) == 76 * 12 + 1
