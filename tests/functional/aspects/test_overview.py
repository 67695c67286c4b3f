"""The overview has the figures of the other routes, and each links to its reviews."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.functional.insights.reviews import count_reviews

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
GOOD = "The sound is lovely. The hinge is lovely."
WORN = "The hinge is bad. The sound is lovely."


@pytest.fixture
def shop(process):
    """A product whose hinge wears out, one that became better, and one in another category."""
    process(
        [
            {
                "text": f"Number {n}. {text}",
                "product_id": product,
                "product_title": title,
                "category": category,
                "rating": 1.0 if text == WORN else 5.0,
                "reviewed_at": START + timedelta(days=n),
            }
            for product, title, category, texts in (
                ("p1", "Wren", "Audio", [GOOD] * 40 + [WORN] * 20),
                ("p2", "Tern", "Audio", [WORN] * 20 + [GOOD] * 40),
                ("p3", "Kettle", "Kitchen", [GOOD] * 60),
            )
            for n, text in enumerate(texts)
        ]
    )


@pytest.fixture
def overview(http):
    def get(**query):
        response = http.get("/overview", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    return get


def test_periods_have_the_reviews_of_their_links(shop, overview, http):
    for query in ({"days": 20}, {"days": 7, "category": "Audio"}, {"days": 3650}):
        answer = overview(**query)
        for period in (answer["now"], answer["before"]):
            assert count_reviews(http, period["reviews_link"]) == period["reviews"]
    answer = overview(days=20)
    assert (answer["now"]["reviews"], answer["before"]["reviews"]) == (60, 60)
    assert answer["now"]["last_day"] == (START + timedelta(days=59)).date().isoformat()
    assert answer["before"]["last_day"] < answer["now"]["first_day"]
    assert answer["now"]["net_sentiment"] == pytest.approx(100 / 3)
    assert answer["before"]["net_sentiment"] == 100


def test_changes_are_those_of_movers_with_their_first_cause(shop, overview, http):
    answer = overview()
    movers = {each["product_id"]: each for each in http.get("/movers").json()["movers"]}
    assert answer["products_tested"] == 3
    for side, product_id in (("worse", "p1"), ("better", "p2")):
        (mover,) = answer[side]
        cause = mover.pop("cause")
        assert mover == movers[product_id]
        explanation = http.get(f"/products/{product_id}").json()["explanation"]
        assert cause == explanation["causes"][0]
        assert cause["aspect"] == "hinge"
        complaints = max(cause["complaints_before"], cause["complaints_after"])
        assert count_reviews(http, cause["reviews_link"]) == complaints == 20


def test_aspects_are_those_that_cost_most(shop, overview, http):
    answer = overview(category="Audio")
    listed = http.get("/aspects", params={"category": "Audio", "impact": "true"}).json()
    by_name = {each["aspect"]: each for each in listed["aspects"]}
    assert answer["compared"] == listed["compared"]
    assert [each["aspect"] for each in answer["aspects"]] == ["hinge"]
    assert answer["aspects"] == [by_name["hinge"]]
    complaining = answer["aspects"][0]["impact"]["complaining"]
    link = answer["aspects"][0]["impact"]["complaints_link"]
    assert count_reviews(http, link) == complaining["reviews"] == 40


def test_a_category_has_its_own_overview(shop, overview):
    answer = overview(category="Kitchen", days=10)
    assert answer["now"]["reviews"] == 10
    assert (answer["worse"], answer["better"], answer["aspects"]) == ([], [], [])
    assert overview(category="None")["now"] is None


def test_what_waits_is_counted(shop, store, overview, dependencies):
    nothing = {"ingests": 0, "reviews": 0, "failed_shards": 0, "failed_ingests": 0}
    assert overview()["waiting"] == nothing
    store([{"text": GOOD}, {"text": WORN}])
    assert overview()["waiting"] == nothing | {"ingests": 1, "reviews": 2}
    with dependencies.database.transaction() as connection:
        connection.execute("UPDATE shards SET failed_at = now() WHERE model_version IS NULL")
    waiting = overview()["waiting"]
    assert (waiting["reviews"], waiting["failed_shards"], waiting["failed_ingests"]) == (0, 1, 1)


def test_an_empty_shop_has_an_overview(overview):
    answer = overview()
    assert (answer["now"], answer["before"], answer["worse"], answer["aspects"]) == (
        None,
        None,
        [],
        [],
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [("days=0", "days"), ("days=99999", "days"), ("days=x", "days"), ("category=%00", "category")],
)
def test_bad_input_is_refused_with_its_field(http, query, field):
    answer = http.get(f"/overview?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
