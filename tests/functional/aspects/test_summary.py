"""A summary: every number equals its own query, every quotation stands in its review."""

import random
import re
from datetime import UTC, datetime, timedelta

import pytest

from shared.db.insights.rollups import refresh
from tests.functional.insights.reviews import count_reviews

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
WORDS = ("hinge", "sound", "strap", "price", "ear pad")
DAY = re.compile(r"\b\d{1,2} [A-Z][a-z]+ \d{4}\b")
QUOTED = re.compile("“[^”]*”")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")
SENTIMENT = """
SELECT count(*) FILTER (WHERE sentiment = %(sentiment)s) FROM review_facts
WHERE product_id = %(product)s AND day BETWEEN %(first)s AND %(last)s
"""
SAID = """
SELECT count(DISTINCT review_id) FROM review_facts AS f JOIN aspect_mentions AS m USING (review_id)
WHERE f.product_id = %(product)s AND f.day BETWEEN %(first)s AND %(last)s
  AND m.aspect = %(aspect)s AND m.sentiment = ANY(%(sentiments)s)
"""
TOTAL = """
SELECT count(*), count(rating), avg(rating) FROM review_facts
WHERE product_id = %(product)s AND day BETWEEN %(first)s AND %(last)s
"""
SIDES = {
    "praise": ["positive"],
    "complaint": ["negative"],
    "mention": ["negative", "neutral", "positive"],
}


def on_day(number, text, **values):
    return {"text": text, "reviewed_at": START + timedelta(days=number), **values}


def generated(seed):
    """Reviews of a product that becomes worse, better, or does not change."""
    numbers = random.Random(seed)
    reviews = []
    for day in range(60):
        for _ in range(numbers.randint(0, 3)):
            is_worse = seed % 3 and (day > 40) == (seed % 3 == 1)
            said = [
                f"The {word}{'s' * (word == 'ear pad')} of it"
                f" {'was bad' if numbers.random() < share + 0.6 * is_worse else 'was lovely'}."
                for word, share in zip(WORDS, (0.15, 0.03, 0.1, 0.03, 0.05), strict=True)
                if numbers.random() < 0.7
            ]
            text = f"Number {len(reviews)}. {' '.join(said)}"
            reviews.append(on_day(day, text, rating=float(numbers.randint(1, 5))))
    return reviews


@pytest.fixture
def summarise(http):
    def get(product_id="p1", **query):
        response = http.get(f"/products/{product_id}/summary", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    return get


@pytest.fixture
def select(dependencies):
    """One row of a query with named arguments."""

    def run(query, **arguments):
        with dependencies.database.transaction() as connection:
            return connection.execute(query, arguments).fetchone()

    return run


def days_of(count, answer):
    """First and last day of a count, from its link."""
    days = dict(re.findall(r"(from|to)=([\d-]+)", count["reviews_link"]))
    return days.get("from", answer["first_day"]), days.get("to", answer["last_day"])


def check_count(count, answer, select, http):
    first, last = days_of(count, answer)
    own = {"product": answer["product_id"], "first": first, "last": last}
    kind = count["what"].split("_")[0]
    total, rated, mean = select(TOTAL, **own)
    if kind in SIDES:
        (number,) = select(SAID, aspect=count["aspect"], sentiments=SIDES[kind], **own)
        if count["what"] in SIDES and answer["of_mentions"]:
            (total,) = select(SAID, aspect=count["aspect"], sentiments=SIDES["mention"], **own)
    elif kind == "rated":
        number, total = rated, None
        assert count["mean_rating"] == pytest.approx(float(mean))
    else:
        (number,) = select(SENTIMENT, sentiment=kind, **own)
    assert count["reviews"] == number
    assert count["of"] in (None, total)
    if kind != "rated":
        assert count_reviews(http, count["reviews_link"]) == number


def allowed_numbers(sentence):
    for count in sentence["counts"]:
        yield f"{count['reviews']:,}"
        if count["of"]:
            yield f"{count['of']:,}"
            percent = 100 * count["reviews"] / count["of"]
            yield from (
                {f"{int(percent)}%", f"{int(percent) + 1}%"} if percent % 1 else {f"{percent:.0f}%"}
            )
        if count["mean_rating"] is not None:
            yield f"{count['mean_rating']:.1f}"


def check_sentence(sentence, answer, select, http, rows):
    said = DAY.sub("", QUOTED.sub("", sentence["text"]))
    assert set(NUMBER.findall(said)) <= set(allowed_numbers(sentence)), sentence["text"]
    for count in sentence["counts"]:
        of_mentions = sentence["kind"] == "disagreement"
        check_count(count, answer | {"of_mentions": of_mentions}, select, http)
    first = sentence["counts"][0]
    page = http.get(f"{first['reviews_link']}&limit=200").json()["reviews"]
    behind = [review["review_id"] for review in page]
    assert sentence["review_ids"] == behind[:100]
    assert len(sentence["review_ids"]) == min(100, first["reviews"])
    assert len(QUOTED.findall(sentence["text"])) == len(sentence["quotes"])
    for quote in sentence["quotes"]:
        ((text,),) = rows("SELECT text FROM reviews WHERE review_id = %s", quote["review_id"])
        assert quote["text"] in text
        assert f"“{quote['text']}”" in sentence["text"]
        wanted = {"praise": "positive", "complaint": "negative"}.get(
            first["what"], "negative" if "worse" in sentence["text"] else "positive"
        )
        assert quote["sentiment"] == wanted
        assert ("bad" in quote["text"]) == (wanted == "negative")


@pytest.mark.parametrize("seed", range(3))
def test_each_number_is_its_own_query_and_each_quotation_is_in_its_review(
    process, summarise, select, http, rows, seed
):
    process(generated(seed))
    period = {"from": "2026-01-20", "to": "2026-03-01"}
    for query in ({}, period):
        answer = summarise(**query)
        assert answer["status"] == "summarised"
        assert 2 <= len(answer["sentences"]) <= 6
        assert answer["text"] == " ".join(each["text"] for each in answer["sentences"])
        kinds = [each["kind"] for each in answer["sentences"]]
        assert kinds[:3] == ["overall", "praise", "complaint"]
        assert len(set(kinds)) == len(kinds)
        if not query:
            assert ("change" in kinds) == (seed % 3 > 0)
        for sentence in answer["sentences"]:
            check_sentence(sentence, answer, select, http, rows)


def test_a_summary_reads_like_written_by_a_person(process, summarise):
    good = "The sound is really lovely. The ear pads are lovely too."
    worn = "The hinge of mine is bad. The sound is really lovely."
    process([on_day(n, good if n < 40 else worn, rating=5.0 if n < 40 else 1.0) for n in range(60)])
    sound, hinge = "“The sound is really lovely.”", "“The hinge of mine is bad.”"
    shares = "all 20 are negative, against none of 40 before"
    cause = "complaints about the hinge rose from 0% to 100% of reviews"
    assert [each["text"] for each in summarise()["sentences"]] == [
        "40 of 60 reviews (67%) are positive and 20 (33%) are negative; the average is 3.7 stars.",
        f"People praise the sound most, in all 60 reviews, then the ear pads (40): {sound}",
        f"The most common complaint is about the hinge, in 20 of 60 reviews (33%): {hinge}",
        f"Since 14 February 2026 the reviews are worse: {shares}; {cause}.",
    ]


def test_of_more_reviews_than_are_read_the_newest_are_counted(
    process, summarise, http, monkeypatch
):
    for module in ("lambdas.insights.summary", "shared.db.aspects.impact"):
        monkeypatch.setattr(f"{module}.MAX_REVIEWS", 20)
    text = "The hinge of mine is bad. The sound is lovely."
    process([on_day(n, text) for n in range(30)])
    other = "The zipper of mine is bad. The collar is lovely."
    process([{"text": other, "product_id": "undated"}] * 30)
    for product_id, which in (("p1", "the newest"), ("undated", "the first")):
        _, praise, complaint, *_ = summarise(product_id)["sentences"]
        assert f"in all of {which} 20 reviews" in praise["text"]
        assert f"in all of {which} 20 reviews" in complaint["text"]
        assert complaint["counts"][0]["reviews"] == len(complaint["review_ids"]) == 20
    assert count_reviews(http, summarise()["sentences"][2]["counts"][0]["reviews_link"]) == 20


def test_too_few_reviews_are_said_to_be_too_few(process, store, summarise, dependencies):
    process([{"text": "The hinge is bad."}, *({"text": "Lovely.", "product_id": "p2"},) * 4])
    answer = summarise()
    assert (answer["status"], answer["sentences"]) == ("too_few_reviews", [])
    assert answer["text"] == "There is only 1 review; a summary needs 5."
    assert summarise("p2")["text"] == "There are only 4 reviews; a summary needs 5."
    store([{"text": "The hinge is bad."}] * 5)
    assert refresh(dependencies.database)
    answer = summarise()
    assert answer["status"] == "not_analysed"
    assert answer["text"] == "Of 6 reviews, 1 is analysed yet; a summary needs 5."
    assert summarise(**{"from": "2030-01-01"})["text"] == "There are no reviews; a summary needs 5."


def test_reviews_without_aspects_have_a_summary_of_two_sentences(process, summarise, http):
    process([{"text": f"Lovely, lovely {n}!"} for n in range(5)])
    overall, nothing = summarise()["sentences"]
    assert overall["text"] == "All 5 reviews are positive."
    assert nothing["text"] == "No aspect stands out in what 5 reviews praise or criticise."
    assert len(nothing["review_ids"]) == 5


def test_ids_with_slashes_and_errors(process, summarise, http):
    process([{"text": "Lovely.", "product_id": name} for name in ("a/b", "c/summary")])
    assert summarise("a/b")["product_id"] == "a/b"
    # an id that ends like the route is still an id
    assert http.get("/products/c/summary").json()["mean_rating"] is None
    assert summarise("c/summary")["status"] == "too_few_reviews"
    for path in ("/products/none/summary", "/products/%00/summary"):
        answer = http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for query in ("from=2026-02-30", "from=x", "from=2026-03-02&to=2026-03-01"):
        answer = http.get(f"/products/a/b/summary?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "from")
