"""Reviews that the model does not understand: listed, counted beside the figures, not in them."""

import pytest

from shared.db.insights.rollups import refresh


@pytest.fixture
def mixed(store, judge, database):
    """Three English reviews of a lamp, and two in German that the model does not understand."""
    lamp = {"product_id": "A", "category": "Home", "rating": 1.0}
    store([{"review_id": f"r{n}", **lamp} for n in range(5)], "i")
    sentiments = {"r0": "negative", "r1": "negative", "r2": "positive"}
    german = {"r3": ("de", False), "r4": ("de", False)}
    judge(sentiments | dict.fromkeys(german, "positive"), languages=german)
    assert refresh(database)


@pytest.mark.usefixtures("mixed")
def test_figures_count_them_beside_the_analysed_reviews(http):
    trend = http.get("/trends").json()["totals"]
    segment = http.get("/segments?by=category").json()["segments"][0]
    product = http.get("/products/A").json()
    for figures in (trend, segment, product):
        assert (figures["reviews"], figures["analysed"], figures["not_understood"]) == (5, 3, 2)
        assert figures["sentiment_shares"]["positive"] == pytest.approx(1 / 3)
    assert product["mismatches"] == 1  # r2: one star and positive; not r3 and r4


@pytest.mark.usefixtures("mixed")
def test_reviews_are_listed_and_filtered_by_language(http):
    page = http.get("/reviews?language=de").json()["reviews"]
    assert [(r["review_id"], r["language"], r["sentiment"], r["confidence"]) for r in page] == [
        ("r3", "de", None, None),
        ("r4", "de", None, None),
    ]
    assert all(review["model_version"] == "m1" for review in page)
    assert len(http.get("/reviews?language=en").json()["reviews"]) == 3
    assert len(http.get("/reviews?sentiment=positive").json()["reviews"]) == 1


@pytest.mark.parametrize("code", ["DE", "german", "d", ""])
def test_a_language_is_a_code(http, code):
    assert http.get(f"/reviews?language={code}").status_code == 422


@pytest.mark.usefixtures("mixed")
def test_a_review_that_another_model_understands_moves_into_the_figures(http, judge, database):
    judge({"r3": "negative"}, model="m2", languages={"r3": ("de", True)})
    assert refresh(database)
    totals = http.get("/trends").json()["totals"]
    assert (totals["analysed"], totals["not_understood"]) == (4, 1)
