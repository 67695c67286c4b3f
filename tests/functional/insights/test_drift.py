"""Drift: what arrives beside what the model said when it was evaluated."""

import io
import random
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.db.insights.rollups import refresh
from shared.db.insights.work import note_at_work
from shared.storage import layout
from tests.fakes.objects import MemoryStore

LABELS = ("negative", "neutral", "positive")


def predictions(splits):
    """A table of predictions: split → (label, confidence) of each row."""
    rows = []
    for split, said in splits.items():
        for label, confidence in said:
            rest = (1 - confidence) / 2
            chances = {f"p_{each}": confidence if each == label else rest for each in LABELS}
            rows.append({"split": split, "key": "k", "label": label, **chances})
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


@pytest.fixture
def evaluated():
    """Makes a bucket with evaluations of m1."""

    def make(**evaluations):
        store = MemoryStore("artefacts")
        for digest, splits in evaluations.items():
            store.put(layout.evaluation_file("m1", digest, "evaluation.json"), b"{}")
            body = splits if isinstance(splits, bytes) else predictions(splits)
            store.put(layout.evaluation_file("m1", digest, "predictions.parquet"), body)
        return store

    return make


def drawn(count, negative, sure, seed=1):
    chance = random.Random(seed)
    return [
        (
            "negative" if chance.random() < negative else "positive",
            0.97 if chance.random() < sure else 0.55,
        )
        for _ in range(count)
    ]


@pytest.fixture
def arrive(database, fill):
    """Reviews that came with a dump that was received on a day."""

    def make(said, day=(2026, 11, 20), model="m1", name="dump"):
        received = datetime(*day, 12, tzinfo=UTC)
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO ingests (ingest_id, bucket, key, etag, status, received_at)"
                " VALUES (%s, 'b', %s, 'e', 'collected', %s)",
                (name, name, received),
            )
        rows = [
            {"review_id": f"{name}-{n}", "product_id": "p", "sentiment": label, "confidence": sure}
            for n, (label, sure) in enumerate(said)
        ]
        fill(rows, ingest_id=name, model=model)

    return make


def test_reviews_like_those_of_the_evaluation_are_stable(http, database, evaluated, arrive):
    store = evaluated(d1={"test": drawn(2000, 0.3, 0.8), "odd": drawn(500, 0.9, 0.1)})
    note_at_work(database, store, "m1")
    arrive(drawn(400, 0.3, 0.8, seed=2))
    told = http.get("/drift").json()
    assert (told["model_version"], told["level"]) == ("m1", "stable")
    reference = told["reference"]
    assert (reference["reviews"], reference["from"]) == (2000, "evaluation d1: test")
    assert reference["sentiment_shares"]["negative"] == pytest.approx(0.3, abs=0.03)
    assert reference["mean_confidence"] == pytest.approx(0.8 * 0.97 + 0.2 * 0.55, abs=0.02)
    recent = told["recent"]
    assert (recent["from"], recent["to"], recent["reviews"]) == ("2026-11-20", "2026-11-20", 400)
    assert recent["mean_confidence"] == pytest.approx(0.8 * 0.97 + 0.2 * 0.55, abs=0.04)
    assert [(m["name"], m["level"]) for m in told["measures"]] == [
        ("sentiment", "stable"),
        ("confidence", "stable"),
    ]


def test_other_reviews_are_called_shifted_by_what_shifted(http, database, evaluated, arrive):
    note_at_work(database, evaluated(d1={"test": drawn(2000, 0.3, 0.8)}), "m1")
    arrive(drawn(400, 0.3, 0.2, seed=2))
    told = http.get("/drift").json()
    levels = {measure["name"]: measure["level"] for measure in told["measures"]}
    assert levels == {"sentiment": "stable", "confidence": "strongly shifted"}
    assert told["level"] == "strongly shifted"


def test_the_newest_days_count(http, database, evaluated, arrive):
    note_at_work(database, evaluated(d1={"test": drawn(2000, 0.3, 0.8)}), "m1")
    arrive(drawn(400, 0.9, 0.8), day=(2026, 9, 1), name="long ago")
    arrive(drawn(300, 0.3, 0.8), day=(2026, 11, 1), name="lately")
    arrive(drawn(200, 0.3, 0.8), day=(2026, 11, 20), name="now")
    told = http.get("/drift").json()
    assert (told["level"], told["recent"]["reviews"]) == ("stable", 500)
    assert (told["recent"]["from"], told["recent"]["to"]) == ("2026-11-01", "2026-11-20")
    assert http.get("/drift", params={"days": 3}).json()["recent"]["reviews"] == 200
    assert http.get("/drift", params={"days": 365}).json()["level"] != "stable"


def test_too_few_reviews_are_not_judged(http, database, evaluated, arrive):
    note_at_work(database, evaluated(d1={"test": drawn(2000, 0.3, 0.8)}), "m1")
    arrive(drawn(199, 0.9, 0.1))
    told = http.get("/drift").json()
    assert (told["level"], told["measures"]) == (None, [])
    assert told["recent"]["reviews"] == 199


def test_the_model_at_work_is_the_one_noted_last(http, database, evaluated, arrive, judge):
    store = evaluated(d1={"test": drawn(2000, 0.3, 0.8)})
    note_at_work(database, store, "m1")
    arrive(drawn(300, 0.3, 0.8))
    note_at_work(database, store, "m2")
    judge({f"dump-{n}": "positive" for n in range(300)}, "m2")
    refresh(database)
    told = http.get("/drift").json()
    # it was never evaluated: there is nothing to measure from
    assert (told["model_version"], told["reference"], told["level"]) == ("m2", None, None)
    assert told["recent"]["sentiment_shares"]["positive"] == 1.0
    note_at_work(database, MemoryStore("empty"), "m1")
    told = http.get("/drift").json()
    assert (told["model_version"], told["reference"]["reviews"]) == ("m1", 2000)
    # what m2 judged last counts as what m2 says
    assert told["recent"]["reviews"] == 0


def test_the_largest_evaluation_that_can_be_read_is_taken(http, database, evaluated):
    store = evaluated(
        small={"test": drawn(100, 0.3, 0.8)},
        large={"a": drawn(150, 0.3, 0.8), "b": drawn(150, 0.3, 0.8)},
        broken=b"no Parquet",
    )
    note_at_work(database, store, "m1")
    assert http.get("/drift").json()["reference"]["from"] == "evaluation large: a, b"


def test_an_evaluation_that_comes_later_is_taken_up(http, database, evaluated):
    note_at_work(database, MemoryStore("empty"), "m1")
    assert http.get("/drift").json()["reference"] is None
    note_at_work(database, evaluated(d1={"test": drawn(100, 0.3, 0.8)}), "m1")
    assert http.get("/drift").json()["reference"]["reviews"] == 100
