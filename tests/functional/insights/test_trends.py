"""Trends and segments: figures, the reviews they link to, and freshness."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from shared.db.insights.rollups import is_behind, refresh
from tests.functional.insights.reviews import count_reviews, on


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


def test_freshness_counts_reviews_that_are_not_analysed(http, shop, store, judge, database):
    before = http.get("/trends").json()["freshness"]["not_analysed"]
    store([{"review_id": f"new{n}", "product_id": "A/1"} for n in range(3)], "late")
    refresh(database)
    for path in ("/trends", "/products", "/products/A/1", "/segments", "/movers", "/reviews"):
        assert http.get(path).json()["freshness"]["not_analysed"] == before + 3, path
    product = http.get("/products/A/1").json()
    assert product["not_analysed"] == 3 + http.get("/trends").json()["totals"]["not_analysed"] - 4
    judge({"new0": "negative", "new1": "positive", "new2": "neutral"})
    refresh(database)
    assert http.get("/trends").json()["freshness"]["not_analysed"] == before


def test_a_fall_and_a_recovery_are_two_changes_with_their_reviews(http, fill):
    def months(first, count, sentiments):
        return [
            on((2026, first + n // 20, 1 + n % 20), sentiment=sentiments[n % len(sentiments)])
            for n in range(count)
        ]

    rows = [
        *months(1, 60, ["positive", "positive", "positive", "neutral"]),
        *months(4, 40, ["negative", "negative", "positive"]),
        *months(6, 60, ["positive"]),
    ]
    fill([row | {"review_id": f"r{n}", "product_id": "p"} for n, row in enumerate(rows)])
    body = http.get("/trends", params={"product_id": "p"}).json()
    worse, better = body["changes"]
    assert (worse["day"], worse["direction"]) == ("2026-03-21", "worse")
    assert (better["day"], better["direction"]) == ("2026-05-21", "better")
    assert (worse["reviews_after"], better["reviews_before"]) == (40, 40)
    assert (better["negative_before"], better["negative_after"]) == (27 / 40, 0)
    assert count_reviews(http, worse["reviews_link"]) == 27
    assert count_reviews(http, better["reviews_link"]) == 60
    assert body["change"]["day"] in (worse["day"], better["day"])


def test_a_trend_says_why_it_shows_no_change(http, fill):
    def status(product_id):
        answers = [
            http.get("/trends", params={"product_id": product_id}).json(),
            http.get(f"/products/{product_id}").json(),
        ]
        assert all(answer["change"] is None for answer in answers)
        (status,) = {answer["change_status"] for answer in answers}
        return status

    days = [on((2026, 1, 1 + n), review_id=f"d{n}", product_id="steady") for n in range(20)]
    steady = [row | {"sentiment": "positive"} for row in days]
    waiting = [row | {"review_id": f"w{n}", "product_id": "new"} for n, row in enumerate(days)]
    few = [steady[n] | {"review_id": f"f{n}", "product_id": "few"} for n in range(9)]
    undated = [
        {"review_id": f"u{n}", "product_id": "undated", "sentiment": "negative"} for n in range(20)
    ]
    fill([*steady, *waiting, *few, *undated])
    products = ("steady", "new", "few", "undated")
    assert [status(product) for product in products] == [
        *("unchanged", "not_analysed", "too_few_reviews", "no_dates")
    ]


@pytest.mark.parametrize("path", ["/trends", "/reviews", "/aspects", "/duplicates"])
def test_an_unknown_product_is_not_found(http, shop, path):
    response = http.get(path, params={"product_id": "unknown"})
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response.json()["errors"][0]["field"] == "product_id"
    assert http.get(path, params={"product_id": "A/1"}).status_code == 200


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


def test_long_histories_are_cut_to_the_newest_2000_points(http, fill):
    rows = [on((1950, 1, 1), review_id="old"), on((2026, 1, 1), review_id="new")]
    fill([{**row, "product_id": "p"} for row in rows])
    body = http.get("/trends", params={"interval": "day"}).json()
    assert len(body["points"]) == 2000
    assert body["to"] == body["points"][-1]["end"] == "2026-01-01"
    assert body["totals"]["reviews"] == 2
    assert len(http.get("/trends", params={"interval": "month"}).json()["points"]) == 76 * 12 + 1
