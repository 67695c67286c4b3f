"""Causes of a change: counted exactly, tested, and proved by sentences from both sides."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from shared.db.aspects import causes as cause_queries

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
CHANGE = 40
"""Day of the change, counted from the first."""
GOOD = "The sound is lovely. The hinge is lovely."
WORN = "The hinge is bad. The sound is lovely."
STRAP = "The strap is bad."


def texts(sentences, numbers):
    """A review for each number; every fourth complains about the strap as well."""
    return [f"Number {n}. {sentences} {'' if n % 4 else STRAP}" for n in numbers]


def on_day(number, text, **values):
    return {"text": text, "reviewed_at": START + timedelta(days=number), **values}


def texts_of(http, link):
    """The texts of all reviews behind a link, which must fit in one page."""
    page = http.get(f"{link}&limit=200").json()
    assert page["next_cursor"] is None
    return [review["text"] for review in page["reviews"]]


@pytest.fixture
def explain(http):
    """Reads the explanation of the change of a product, which two routes must agree on."""

    def get(product_id="p1"):
        trend = http.get("/trends", params={"product_id": product_id}).json()
        product = http.get(f"/products/{product_id}").json()
        assert product["explanation"] == trend["explanation"]
        return trend

    return get


def test_the_aspect_that_more_reviews_complain_about_is_the_cause(process, explain, http, rows):
    process(
        [
            on_day(n, text)
            for n, text in enumerate(texts(GOOD, range(CHANGE)) + texts(WORN, range(CHANGE, 60)))
        ]
    )
    trend = explain()
    explanation = trend["explanation"]
    assert (explanation["reviews_before"], explanation["reviews_after"]) == (40, 20)
    assert explanation["first_day"] == START.date().isoformat()
    assert explanation["last_day"] == (START + timedelta(days=59)).date().isoformat()
    cause = explanation["causes"][0]
    assert cause["aspect"] == "hinge"
    assert (cause["complaints_before"], cause["complaints_after"]) == (0, 20)
    assert (cause["share_before"], cause["share_after"]) == (0, 1)
    assert cause["p_value"] <= cause["q_value"] < 1e-9
    # the strap was as bad before, and nothing else changed
    assert "strap" not in {each["aspect"] for each in explanation["causes"]}
    behind = texts_of(http, cause["reviews_link"])
    assert len(behind) == 20
    assert all("The hinge is bad." in text for text in behind)
    for side, sentence, sentiment in (
        ("quotes_before", "The hinge is lovely.", "positive"),
        ("quotes_after", "The hinge is bad.", "negative"),
    ):
        (quote,) = cause[side]
        assert (quote["text"], quote["sentiment"]) == (sentence, sentiment)
        ((text,),) = rows("SELECT text FROM reviews WHERE review_id = %s", quote["review_id"])
        assert quote["text"] in text
        assert (quote["reviewed_at"][:10] >= trend["change"]["day"]) == (side == "quotes_after")


def test_what_fewer_reviews_complain_about_explains_a_change_for_the_better(process, explain, http):
    process(
        [
            on_day(n, text)
            for n, text in enumerate(texts(WORN, range(20)) + texts(GOOD, range(20, 60)))
        ]
    )
    trend = explain()
    assert trend["change"]["direction"] == "better"
    cause = trend["explanation"]["causes"][0]
    assert cause["aspect"] == "hinge"
    assert (cause["complaints_before"], cause["complaints_after"]) == (20, 0)
    assert len(texts_of(http, cause["reviews_link"])) == 20
    assert cause["quotes_before"][0]["sentiment"] == "negative"
    assert cause["quotes_after"][0]["sentiment"] == "positive"


@pytest.mark.parametrize("seed", range(3))
def test_the_counts_of_each_cause_are_those_of_its_days(process, explain, rows, seed):
    numbers = random.Random(seed)
    words = ("hinge", "sound", "strap", "price")
    reviews = []
    for day in range(60):
        for _ in range(numbers.randint(0, 2)):
            said = [
                f"The {word} is {'bad' if numbers.random() < (day > 40) * share else 'lovely'}."
                for word, share in zip(words, (0.9, 0.5, 0.2, 0.1), strict=True)
                if numbers.random() < 0.8
            ]
            number = len(reviews)
            reviews.append(on_day(day, f"Number {number}. {' '.join(said)}"))
            if day > 40:
                reviews[-1]["text"] += " All in all it is bad."
    process(reviews)
    trend = explain()
    causes = trend["explanation"]["causes"]
    assert causes[0]["aspect"] == "hinge"
    assert len(causes) <= 5
    shares = [cause["share_after"] - cause["share_before"] for cause in causes]
    assert shares == sorted(shares, reverse=True)
    for cause in causes:
        counted = rows(
            "SELECT count(DISTINCT review_id) FILTER (WHERE f.day < %(day)s),"
            " count(DISTINCT review_id) FILTER (WHERE f.day >= %(day)s)"
            " FROM review_facts AS f JOIN aspect_mentions AS m USING (review_id)"
            " WHERE m.aspect = %(aspect)s AND m.sentiment = 'negative'".replace(
                "%(day)s", f"'{trend['change']['day']}'"
            ).replace("%(aspect)s", f"'{cause['aspect']}'")
        )
        assert counted == [(cause["complaints_before"], cause["complaints_after"])]
        for quote in (*cause["quotes_before"], *cause["quotes_after"]):
            ((text,),) = rows("SELECT text FROM reviews WHERE review_id = %s", quote["review_id"])
            assert quote["text"] in text
            assert cause["aspect"] in quote["text"]


def test_chance_is_no_cause(process, explain):
    """Reviews become negative, but no aspect has more complaints than before."""
    process(
        [on_day(n, f"Number {n}. The strap is bad.") for n in range(0, CHANGE, 4)]
        + [on_day(n, f"It is lovely, number {n}.") for n in range(CHANGE) if n % 4]
        + [on_day(n, f"It is bad, number {n}.") for n in range(CHANGE, 60) if n % 4]
        + [on_day(n, f"Number {n}. The strap is bad.") for n in range(CHANGE, 60, 4)]
    )
    trend = explain()
    assert trend["change"]["direction"] == "worse"
    assert "strap" not in {cause["aspect"] for cause in trend["explanation"]["causes"]}


def test_only_whole_days_next_to_the_change_are_compared(process, explain, http, monkeypatch):
    monkeypatch.setattr("lambdas.insights.causes.MAX_REVIEWS_PER_SIDE", 15)
    monkeypatch.setattr(cause_queries, "MAX_REVIEWS_PER_SIDE", 15)
    process(
        [
            on_day(n // 2, text)
            for n, text in enumerate(texts(GOOD, range(80)) + texts(WORN, range(80, 120)))
        ]
    )
    explanation = explain()["explanation"]
    assert (explanation["reviews_before"], explanation["reviews_after"]) == (14, 14)
    assert explanation["first_day"] == (START + timedelta(days=33)).date().isoformat()
    assert explanation["last_day"] == (START + timedelta(days=46)).date().isoformat()
    cause = explanation["causes"][0]
    assert len(texts_of(http, cause["reviews_link"])) == cause["complaints_after"] == 14


def test_without_a_change_or_without_aspects_there_is_no_explanation(process, explain):
    process([on_day(n, GOOD) for n in range(20)])
    assert explain()["explanation"] is None


def test_reviews_are_filtered_by_what_they_say_of_an_aspect(process, http):
    process([{"text": GOOD}, {"text": WORN}, {"text": "The hinge is fine."}])

    def ids(**query):
        answer = http.get("/reviews", params={"aspect": "hinge", **query}).json()
        return [review["review_id"] for review in answer["reviews"]]

    assert ids() == ["r1-0", "r1-1", "r1-2"]
    assert ids(aspect_sentiment="negative") == ["r1-1"]
    assert ids(aspect_sentiment="positive") == ["r1-0"]
    assert ids(aspect_sentiment="neutral") == ["r1-2"]


def test_a_sentiment_without_its_aspect_is_refused_with_its_field(http):
    answer = http.get("/reviews", params={"aspect_sentiment": "negative"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "aspect_sentiment")
