"""Results after uploading the sample dumps to the bucket."""

import bz2
import gzip
import json
import math
import time
from contextlib import suppress
from datetime import date

import pytest
import zstandard

from local.names import QUEUES, RAW_BUCKET, queue_url
from reviewlens import NotFoundError
from tests.e2e.stack import SAMPLES, counts, wait_until

pytestmark = pytest.mark.slow
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
PLANTED = EXPECTED["planted_problem"]


@pytest.mark.parametrize("name", EXPECTED["files"])
def test_a_sample_has_the_expected_counts(stack, samples, name):
    report = stack.report(samples[name])
    assert report.status == "processed"
    for count, value in EXPECTED["files"][name].items():
        assert getattr(report, count) == value
    assert report.shards == report.shards_processed > 0
    query = "SELECT count(*) FROM reviews WHERE ingest_id = %s"
    assert stack.count(query, samples[name]) == report.stored


def test_the_index_has_every_review_and_health_is_ok(stack, samples):
    version = stack.wait_for_index()
    health = stack.api.health()
    assert (health.status, health.index_version) == ("ok", version)
    assert set(health.services) >= {
        *("collection", "processing", "retrieval", "inference", "insights"),
    }
    for name in health.services:
        assert stack.api.service_health(name).status == "ok"


def test_rejects_are_listed_with_their_rows(stack, samples):
    ingest_id = samples["reviews.jsonl.gz"]
    expected = EXPECTED["files"]["reviews.jsonl.gz"]
    pages = stack.api.rejects(ingest_id, limit=5)
    page = pages.page()
    rest = pages.page(page.next_after)
    rejects = page.rejects + rest.rejects
    assert rest.next_after is None
    assert len({reject.record for reject in rejects}) == expected["rejected"]
    assert stack.report(ingest_id).rejects == rejects
    by_reason = {}
    for reject in rejects:
        assert reject.detail
        assert reject.line >= 1
        by_reason[reject.reason] = by_reason.get(reject.reason, 0) + 1
    assert by_reason == expected["rejects_by_reason"]


def test_analyze_returns_sentiment_and_similar_reviews(stack, samples):
    response = stack.api.analyze("The hinge snapped in two after a week. Awful.", top_k=4)
    assert response.sentiment == "negative"
    assert response.confidence == response.probabilities.negative > 0.5
    assert math.isclose(sum(response.probabilities.model_dump().values()), 1, abs_tol=1e-4)
    assert response.summary.endswith(".")
    scores = [near.similarity_score for near in response.similar_reviews]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert response.index_version == stack.api.health().index_version
    assert response.warnings == []
    happy = stack.api.analyze("I love it, it works perfectly every day.")
    assert happy.sentiment == "positive"


def test_search_finds_the_planted_problem(stack, samples):
    filters = {
        "product_id": PLANTED["product_id"],
        "sentiment": "negative",
        "date_from": PLANTED["begins"],
    }
    results = stack.api.search("the hinge broke", top_k=10, filters=filters).results
    mentions = [result for result in results if PLANTED["what"] in result.review_text.lower()]
    assert len(mentions) > len(results) / 2


@pytest.mark.parametrize(
    ("filters", "matches"),
    [
        ({}, lambda _: True),
        ({"product_id": "RL-KIT-01"}, lambda r: r.product_id == "RL-KIT-01"),
        (
            {"product_ids": ["RL-KIT-01", "RL-OUT-02"]},
            lambda r: r.product_id in {"RL-KIT-01", "RL-OUT-02"},
        ),
        ({"sentiment": "negative"}, lambda r: r.sentiment == "negative"),
        (
            {"sentiments": ["neutral", "positive"]},
            lambda r: r.sentiment in {"neutral", "positive"},
        ),
        ({"category": "Outdoor"}, lambda r: r.category == "Outdoor"),
        ({"min_rating": 4}, lambda r: r.rating >= 4),
        ({"max_rating": 2}, lambda r: r.rating <= 2),
        ({"date_from": "2026-01-01"}, lambda r: r.reviewed_at.date() >= date(2026, 1, 1)),
        ({"date_to": "2025-06-30"}, lambda r: r.reviewed_at.date() < date(2025, 7, 1)),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_each_search_filter_is_applied(stack, samples, filters, matches):
    results = stack.api.search("it stopped working", top_k=15, filters=filters).results
    assert len(results) == 15
    assert all(matches(result) for result in results)


def test_products_and_reviews_are_counted_and_paged(stack, samples):
    products = list(stack.api.products(limit=5))
    sampled = {p.product_id: p for p in products if p.product_id.startswith("RL-")}
    assert len(sampled) == EXPECTED["products"]
    assert sum(p.reviews for p in products) == stack.count(
        "SELECT count(*) FROM reviews WHERE product_id IS NOT NULL"
    )
    one = sampled[PLANTED["product_id"]]
    assert one.analysed == one.reviews > 0
    assert math.isclose(sum(one.sentiment_shares.model_dump().values()), 1, abs_tol=1e-6)
    product = stack.api.product(one.product_id)
    assert product.freshness.pending_reviews == 0
    assert product.model_dump(exclude={"freshness", "explanation"}) == one.model_dump()
    assert product.explanation.causes[0].aspect == PLANTED["what"]

    query = {"product_id": one.product_id, "sentiment": "negative", "max_rating": 3}
    pages = stack.api.reviews(limit=3, **query)
    first = pages.page()
    second = pages.page(first.next_cursor)
    shown = first.reviews + second.reviews
    assert len({r.review_id for r in shown}) == 6
    days = [r.reviewed_at for r in shown]
    assert days == sorted(days, reverse=True)
    assert {(r.product_id, r.sentiment) for r in shown} == {
        (one.product_id, "negative"),
    }


def test_movers_show_the_planted_problem_with_its_day_and_reviews(stack, samples):
    movers = stack.api.movers(direction="worse").movers
    (worst,) = [mover for mover in movers if mover.product_id.startswith("RL-")]
    change = worst.change
    assert worst.product_id == PLANTED["product_id"]
    difference = change.day - date.fromisoformat(PLANTED["begins"])
    assert abs(difference.days) <= 7
    assert change.negative_before < 0.2 < 0.5 < change.negative_after
    assert worst.q_value < 1e-4
    evidence = stack.api.linked_reviews(change.reviews_link, limit=200).page().reviews
    assert len(evidence) == round(change.negative_after * change.reviews_after)
    mentions = [review for review in evidence if PLANTED["what"] in review.text.lower()]
    assert len(mentions) > len(evidence) / 2
    trend = stack.api.trends(product_id=PLANTED["product_id"], interval="month")
    assert trend.change == change == stack.api.product("RL-AUD-01").change
    others = [
        p
        for p in stack.api.products(limit=200).page().products
        if p.product_id.startswith("RL-") and p.product_id != PLANTED["product_id"]
    ]
    assert len(others) == EXPECTED["products"] - 1
    assert all(product.change is None for product in others)


def test_figures_match_the_stored_reviews(stack, samples):
    stored = stack.count("SELECT count(*) FROM reviews")
    counted = "SELECT count(DISTINCT review_id) FROM analyses WHERE understood"
    analysed = stack.count(counted)
    others = stack.count("SELECT count(DISTINCT review_id) FROM analyses WHERE NOT understood")
    trend = stack.api.trends(interval="month")
    assert (trend.totals.reviews, trend.totals.analysed) == (stored, analysed)
    assert (trend.totals.not_understood, analysed + others) == (others, stored)
    assert sum(point.reviews for point in trend.points) == stored - trend.totals.undated
    for by in ("category", "source"):
        assert sum(s.reviews for s in stack.api.segments(by).segments) == stored
    assert trend.freshness.pending_reviews == 0


def test_drift_is_measured_against_the_evaluation_of_the_model(stack, samples):
    response = stack.api.drift()
    assert response.model_version == stack.api.health().model_version
    assert response.reference.reviews > 10_000
    assert response.recent.reviews > 200
    assert {measure.name for measure in response.measures} == {"sentiment", "confidence"}
    assert response.level in {"stable", "shifted", "strongly shifted"}


def test_an_uploaded_review_is_counted_within_a_minute(stack, samples):
    query = {"product_id": "FRESH-1"}
    body = b"product_id,rating,text,date\nFRESH-1,1,The lid broke at once. Awful.,2026-05-01\n"
    started = time.monotonic()
    stack.put("fresh.csv", body)

    def is_analysed():
        with suppress(NotFoundError):
            return stack.api.trends(**query).totals.analysed == 1
        return False

    wait_until(is_analysed, what="the review in the figures")
    assert time.monotonic() - started < 60
    assert stack.api.trends(**query).totals.sentiment_shares.negative == 1.0


def test_batches_and_embeddings_keep_the_order_of_their_texts(stack, samples):
    texts = ["Wonderful, I love it.", "Terrible, it broke at once.", "Wonderful, I love it."]
    batch = stack.api.analyze_batch(texts)
    assert [r.sentiment for r in batch.results] == ["positive", "negative", "positive"]
    embedded = stack.api.embeddings(texts)
    first, second, third = embedded.embeddings
    for vector in (first, second, third):
        assert math.isclose(math.hypot(*vector), 1, abs_tol=1e-3)
    assert cosine(first, third) > 0.99 > cosine(first, second)
    assert embedded.model_version == batch.model_version


def cosine(left, right):
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_a_repeated_event_changes_nothing(stack, samples):
    name = "audio.review"
    before = stack.report(samples[name]), stack.count("SELECT count(*) FROM reviews")
    info = stack.aws("s3").head_object(Bucket=RAW_BUCKET, Key=f"uploads/{name}")
    event = {
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": RAW_BUCKET},
            "object": {"key": f"uploads/{name}", "eTag": info["ETag"].strip('"')},
        },
    }
    queue = queue_url(stack.running.aws_url, QUEUES[0].queue)
    for _ in range(3):
        stack.aws("sqs").send_message(
            QueueUrl=queue, MessageBody=json.dumps({"Records": [event, event]})
        )
    assert stack.put(name, (SAMPLES / name).read_bytes()) == samples[name]
    wait_until(stack.idle, what="the repeated events")
    assert (stack.report(samples[name]), stack.count("SELECT count(*) FROM reviews")) == before


def test_processed_objects_are_not_queued_again(stack, samples):
    response = stack.api.collect(prefix="uploads/")
    assert set(response.ingest_ids).isdisjoint(samples.values())
    for ingest_id in samples.values():
        assert stack.api.process(ingest_id).shards == 0
    wait_until(stack.idle, what="the queued work")


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("again.bin", gzip.compress),
        ("plain.txt", bytes),
        ("again.json", zstandard.ZstdCompressor().compress),
        ("deeper/again", bz2.compress),
    ],
)
def test_the_same_dump_with_another_name_and_compression_adds_no_rows(
    stack, samples, name, compress
):
    before = stack.count("SELECT count(*) FROM reviews")
    body = gzip.decompress((SAMPLES / "reviews.jsonl.gz").read_bytes())
    report = stack.wait_for(stack.put(name, compress(body)))
    expected = EXPECTED["files"]["reviews.jsonl.gz"]
    duplicates = expected["stored"] + expected["duplicates"]
    assert counts(report) == (expected["rows_read"], 0, duplicates, expected["rejected"])
    assert stack.count("SELECT count(*) FROM reviews") == before


def test_the_planted_problem_is_the_worst_aspect_of_its_product(stack, samples):
    response = wait_until(lambda: up_to_date_aspects(stack), what="aspects of all reviews")
    aspects = {entry.aspect: entry for entry in response.aspects}
    worst = max(aspects.values(), key=lambda entry: entry.negative_share * entry.mentions)
    assert worst.aspect == PLANTED["what"]
    assert worst.negative_share > 0.5
    for quote in worst.quotes:
        listed = stack.api.linked_reviews(worst.reviews_link, limit=200).page().reviews
        (review,) = [each for each in listed if each.review_id == quote.review_id]
        assert quote.text in review.text
        assert PLANTED["what"] in quote.text.lower()


def up_to_date_aspects(stack):
    """Aspects of the product with the planted problem, once no reviews are pending."""
    response = stack.api.aspects(product_id=PLANTED["product_id"], limit=50)
    return response if response.freshness.pending_reviews == 0 else None
