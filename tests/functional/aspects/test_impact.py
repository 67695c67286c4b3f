"""What aspects cost: each mean equals its query, each link lists its reviews."""

import random
from datetime import UTC, datetime

import pytest

SAYS = {
    "negative": "The {} is bad.",
    "neutral": "The {} is fine.",
    "positive": "The {} is lovely.",
}


@pytest.fixture
def impacts(http):
    """Reads GET /aspects with its impacts."""

    def get(**query):
        response = http.get("/aspects", params={"impact": "true", "min_reviews": 1, **query})
        assert response.status_code == 200, response.text
        return response.json()

    return get


def shop(seed, count=60, *, rated=True):
    """Reviews of two products; those that complain about the hinge have fewer stars."""
    numbers = random.Random(seed)
    reviews = []
    for n in range(count):
        said = {
            word: numbers.choice(tuple(SAYS))
            for word in ("hinge", "sound", "strap")
            if numbers.random() < 0.6
        }
        stars = 4 - 2 * (said.get("hinge") == "negative") + numbers.choice((0, 0, 1, -1))
        text = " ".join(SAYS[sentiment].format(word) for word, sentiment in said.items())
        reviews.append(
            {
                "text": f"Number {n}. {text}",
                "rating": float(stars) if rated and numbers.random() < 0.9 else None,
                "product_id": numbers.choice(("p1", "p1", "p2")),
                "category": "Audio",
            }
        )
    return reviews


MEANS = """
SELECT count(*) FILTER (WHERE bad), avg(r.rating::numeric) FILTER (WHERE bad),
       count(*) FILTER (WHERE good), avg(r.rating::numeric) FILTER (WHERE good),
       count(*) FILTER (WHERE NOT mentioned), avg(r.rating::numeric) FILTER (WHERE NOT mentioned)
FROM reviews AS r CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(m.sentiment = 'negative'), false) AS bad,
           coalesce(bool_or(m.sentiment = 'positive'), false) AS good, count(*) > 0 AS mentioned
    FROM aspect_mentions AS m WHERE m.review_id = r.review_id AND m.aspect = %s
) AS said WHERE r.rating IS NOT NULL AND coalesce(%s, r.product_id) = r.product_id
"""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("product", ["p1", None])
def test_each_mean_equals_its_query_and_each_link_lists_its_reviews(
    process, impacts, http, rows, seed, product
):
    process(shop(seed))
    answer = impacts(**({"product_id": product} if product else {"category": "Audio"}))
    compared = answer["compared"]
    assert (compared["scale"], compared["first_day"]) == ("stars", None)
    assert {"hinge", "sound", "strap"} <= {each["aspect"] for each in answer["aspects"]}
    for entry in answer["aspects"]:
        impact = entry["impact"]
        groups = [impact[name] for name in ("complaining", "praising", "not_mentioning")]
        (expected,) = rows(MEANS, entry["aspect"], product)
        assert [group["reviews"] for group in groups] == list(expected[::2])
        for group, mean in zip(groups, expected[1::2], strict=True):
            assert group["mean"] == (None if mean is None else pytest.approx(float(mean)))
        share = impact["complaining"]["reviews"] / compared["reviews"]
        assert impact["cost"] == pytest.approx(impact["effect"] * share)
        listed = http.get(f"{impact['complaints_link']}&limit=200").json()["reviews"]
        rated = [review for review in listed if review["rating"] is not None]
        assert len(rated) == impact["complaining"]["reviews"]
        assert all(f"The {entry['aspect']} is bad." in review["text"] for review in listed)


def test_the_effect_is_that_of_the_complaint_alone(process, impacts):
    process(shop(7, 300))
    entries = {each["aspect"]: each["impact"] for each in impacts()["aspects"]}
    hinge = entries["hinge"]
    assert hinge["effect_low"] < -2 < hinge["effect_high"] < -1.2
    assert hinge["cost"] == min(each["cost"] for each in entries.values())
    assert entries["strap"]["effect_low"] < 0 < entries["strap"]["effect_high"]


def test_without_stars_the_sentiment_takes_their_place(process, impacts):
    process(shop(1, rated=False))
    answer = impacts()
    compared = answer["compared"]
    assert (compared["scale"], compared["reviews"]) == ("sentiment", 60)
    hinge = next(each for each in answer["aspects"] if each["aspect"] == "hinge")["impact"]
    assert hinge["complaining"]["mean"] == -100  # "bad" anywhere makes a review negative
    assert hinge["effect"] < 0 < hinge["praising"]["mean"] + 100


def test_a_product_is_compared_with_the_others_of_its_category(process, impacts):
    bad, good = SAYS["negative"].format("hinge"), SAYS["positive"].format("hinge")
    process(
        [{"text": bad, "product_id": "p1", "category": "Audio"}] * 3
        + [{"text": text, "product_id": "p2", "category": "Audio"} for text in (bad, *[good] * 3)]
        + [{"text": bad, "product_id": "p3", "category": "Outdoor"}]
        + [{"text": SAYS["positive"].format("strap"), "product_id": "p4"}] * 10
    )

    def hinge(**query):
        (entry,) = (each for each in impacts(**query)["aspects"] if each["aspect"] == "hinge")
        return entry["negative_share"], entry["category_negative_share"], entry["category_mentions"]

    assert hinge(product_id="p1") == (1, 0.25, 4)
    assert hinge(product_id="p2") == (0.25, 1, 3)
    assert hinge(product_id="p3") == (1, None, 0)
    assert hinge(category="Audio")[1:] == (None, 0)


def test_only_the_newest_whole_days_are_compared(process, impacts, http, monkeypatch):
    monkeypatch.setattr("lambdas.insights.impact.MAX_REVIEWS", 25)
    process(
        [
            each
            | {"reviewed_at": datetime(2026, 3, 1 + n // 10, 12, tzinfo=UTC), "product_id": "p1"}
            for n, each in enumerate(shop(3))
        ]
    )
    answer = impacts(product_id="p1")
    assert answer["compared"]["first_day"] == "2026-03-05"
    assert answer["compared"]["reviews"] <= 20
    link = answer["aspects"][0]["impact"]["complaints_link"]
    assert link.endswith("from=2026-03-05")


def test_pages_have_the_same_impact_as_the_whole(process, impacts):
    process(shop(2))
    whole = impacts()
    first = impacts(limit=1)
    second = impacts(limit=1, cursor=first["next_cursor"])
    assert first["aspects"] + second["aspects"] == whole["aspects"][:2]


def test_impact_is_only_computed_on_request(process, http):
    process(shop(1, 10))
    answer = http.get("/aspects", params={"min_reviews": 1}).json()
    assert answer["compared"] is None
    assert {each["impact"] for each in answer["aspects"]} == {None}


def test_a_bad_flag_is_refused_with_its_field(http):
    answer = http.get("/aspects", params={"impact": "yes"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "impact")
