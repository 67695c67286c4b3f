"""Drift between recent reviews and the evaluation of the model."""

import io
import random
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.db.insights.active_model import record_active_model
from shared.db.insights.rollups import refresh
from shared.storage import layout
from tests.fakes.objects import MemoryStore

LABELS = ("negative", "neutral", "positive")


def predictions(splits, predicted=None):
    """A table of predictions: split → (label, confidence) of each row; all decided as one label."""
    rows = []
    for split, labels in splits.items():
        for label, confidence in labels:
            rest = (1 - confidence) / 2
            probabilities = {f"p_{each}": confidence if each == label else rest for each in LABELS}
            decided = {"predicted": predicted} if predicted else {}
            rows.append({"split": split, "key": "k", "label": label, **probabilities, **decided})
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


@pytest.fixture
def evaluated():
    """Create a bucket with evaluations of m1."""

    def make(**evaluations):
        store = MemoryStore("artefacts")
        for digest, splits in evaluations.items():
            store.put(layout.evaluation_file("m1", digest, "evaluation.json"), b"{}")
            body = splits if isinstance(splits, bytes) else predictions(splits)
            store.put(layout.evaluation_file("m1", digest, "predictions.parquet"), body)
        return store

    return make


def random_predictions(count, negative, confident, seed=1):
    generator = random.Random(seed)
    return [
        (
            "negative" if generator.random() < negative else "positive",
            0.97 if generator.random() < confident else 0.55,
        )
        for _ in range(count)
    ]


@pytest.fixture
def arrive(database, fill):
    """Store the reviews of a dump received on a day."""

    def make(predictions, day=(2026, 11, 20), model="m1", name="dump"):
        received = datetime(*day, 12, tzinfo=UTC)
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO ingests (ingest_id, bucket, key, etag, status, received_at)"
                " VALUES (%s, 'b', %s, 'e', 'collected', %s)",
                (name, name, received),
            )
        rows = [
            {
                "review_id": f"{name}-{n}",
                "product_id": "p",
                "sentiment": label,
                "confidence": confidence,
            }
            for n, (label, confidence) in enumerate(predictions)
        ]
        fill(rows, ingest_id=name, model=model)

    return make


def test_reviews_similar_to_the_evaluation_are_stable(http, database, evaluated, arrive):
    store = evaluated(
        d1={"test": random_predictions(2000, 0.3, 0.8), "odd": random_predictions(500, 0.9, 0.1)}
    )
    record_active_model(database, store, "m1")
    arrive(random_predictions(400, 0.3, 0.8, seed=2))
    body = http.get("/drift").json()
    assert (body["model_version"], body["level"]) == ("m1", "stable")
    reference = body["reference"]
    assert (reference["reviews"], reference["from"]) == (2000, "evaluation d1: test")
    assert reference["sentiment_shares"]["negative"] == pytest.approx(0.3, abs=0.03)
    assert reference["mean_confidence"] == pytest.approx(0.8 * 0.97 + 0.2 * 0.55, abs=0.02)
    recent = body["recent"]
    assert (recent["from"], recent["to"], recent["reviews"]) == ("2026-11-20", "2026-11-20", 400)
    assert recent["mean_confidence"] == pytest.approx(0.8 * 0.97 + 0.2 * 0.55, abs=0.04)
    assert [(m["name"], m["level"]) for m in body["measures"]] == [
        ("sentiment", "stable"),
        ("confidence", "stable"),
    ]


def test_the_labels_of_the_evaluation_are_those_that_the_model_decided(http, database, evaluated):
    body = predictions({"test": [("negative", 0.4), ("positive", 0.4)]}, predicted="neutral")
    record_active_model(database, evaluated(d1=body), "m1")
    reference = http.get("/drift").json()["reference"]
    assert reference["sentiment_shares"]["neutral"] == 1
    assert reference["mean_confidence"] == pytest.approx(0.3)


def test_a_shifted_distribution_is_named(http, database, evaluated, arrive):
    record_active_model(database, evaluated(d1={"test": random_predictions(2000, 0.3, 0.8)}), "m1")
    arrive(random_predictions(400, 0.3, 0.2, seed=2))
    body = http.get("/drift").json()
    levels = {measure["name"]: measure["level"] for measure in body["measures"]}
    assert levels == {"sentiment": "stable", "confidence": "strongly shifted"}
    assert body["level"] == "strongly shifted"


def test_only_the_newest_days_count(http, database, evaluated, arrive):
    record_active_model(database, evaluated(d1={"test": random_predictions(2000, 0.3, 0.8)}), "m1")
    arrive(random_predictions(400, 0.9, 0.8), day=(2026, 9, 1), name="long ago")
    arrive(random_predictions(300, 0.3, 0.8), day=(2026, 11, 1), name="lately")
    arrive(random_predictions(200, 0.3, 0.8), day=(2026, 11, 20), name="now")
    body = http.get("/drift").json()
    assert (body["level"], body["recent"]["reviews"]) == ("stable", 500)
    assert (body["recent"]["from"], body["recent"]["to"]) == ("2026-11-01", "2026-11-20")
    assert http.get("/drift", params={"days": 3}).json()["recent"]["reviews"] == 200
    assert http.get("/drift", params={"days": 365}).json()["level"] != "stable"


def test_too_few_reviews_have_no_level(http, database, evaluated, arrive):
    record_active_model(database, evaluated(d1={"test": random_predictions(2000, 0.3, 0.8)}), "m1")
    arrive(random_predictions(199, 0.9, 0.1))
    body = http.get("/drift").json()
    assert (body["level"], body["measures"]) == (None, [])
    assert body["recent"]["reviews"] == 199


def test_the_model_recorded_last_is_the_active_one(http, database, evaluated, arrive, judge):
    store = evaluated(d1={"test": random_predictions(2000, 0.3, 0.8)})
    record_active_model(database, store, "m1")
    arrive(random_predictions(300, 0.3, 0.8))
    record_active_model(database, store, "m2")
    judge({f"dump-{n}": "positive" for n in range(300)}, "m2")
    refresh(database)
    body = http.get("/drift").json()
    # m2 was never evaluated, so it has no reference
    assert (body["model_version"], body["reference"], body["level"]) == ("m2", None, None)
    assert body["recent"]["sentiment_shares"]["positive"] == 1.0
    record_active_model(database, MemoryStore("empty"), "m1")
    body = http.get("/drift").json()
    assert (body["model_version"], body["reference"]["reviews"]) == ("m1", 2000)
    # reviews that m2 analysed last count for m2
    assert body["recent"]["reviews"] == 0


def test_the_largest_readable_evaluation_is_the_reference(http, database, evaluated):
    store = evaluated(
        small={"test": random_predictions(100, 0.3, 0.8)},
        large={"a": random_predictions(150, 0.3, 0.8), "b": random_predictions(150, 0.3, 0.8)},
        broken=b"no Parquet",
    )
    record_active_model(database, store, "m1")
    assert http.get("/drift").json()["reference"]["from"] == "evaluation large: a, b"


def test_a_later_evaluation_becomes_the_reference(http, database, evaluated):
    record_active_model(database, MemoryStore("empty"), "m1")
    assert http.get("/drift").json()["reference"] is None
    record_active_model(database, evaluated(d1={"test": random_predictions(100, 0.3, 0.8)}), "m1")
    assert http.get("/drift").json()["reference"]["reviews"] == 100
