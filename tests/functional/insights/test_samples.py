"""The samples, collected and processed with the shipped model, as a user sees them."""

import json
from datetime import date
from pathlib import Path

import pytest

from lambdas.collection.arrivals import Arrival
from lambdas.collection.service import Collector
from lambdas.processing.dependencies import Model
from lambdas.processing.service import Processor
from shared.runtime.encoder import open_folder
from shared.schemas.messages import ProcessShard
from shared.storage import registry
from tests.fakes.dependencies import collection_dependencies, processing_dependencies
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue

ROOT = Path(__file__).resolve().parents[3]
SAMPLES, MODEL = ROOT / "samples", ROOT / "models" / "default"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
PLANTED = EXPECTED["planted_problem"]


@pytest.fixture
def samples(database, ledger):
    """Collect and process the four dumps, with buckets and queues in memory."""
    stores = {name: MemoryStore(name) for name in ("raw", "clean", "artefacts")}
    queue = MemoryQueue()
    encoder = open_folder(MODEL, threads=1)
    registry.register(stores["artefacts"], MODEL, MODEL / "evaluation")
    collector = Collector(
        collection_dependencies(database, ledger=ledger, **stores, processing_queue=queue)
    )
    processor = Processor(
        processing_dependencies(
            database,
            lambda: Model(encoder, encoder.version, 2),
            ledger=ledger,
            clean=stores["clean"],
            artefacts=stores["artefacts"],
        )
    )
    for path in sorted(SAMPLES.glob("*.mapping.json")):
        stores["raw"].put(f"uploads/{path.name}", path.read_bytes())
    for name in EXPECTED["files"]:
        info = stores["raw"].put(f"uploads/{name}", (SAMPLES / name).read_bytes())
        collector.collect(Arrival("raw", info.key, info.etag))
    for body in queue.take():
        processor.process(ProcessShard.model_validate_json(body))


def read_reviews(http, product_id):
    page = http.get("/reviews", params={"product_id": product_id, "limit": 200}).json()
    assert page["next_cursor"] is None
    return page["reviews"]


def check_cause(explanation, change, reviews):
    """The planted problem is the cause, and its quotes stand in reviews from both sides."""
    cause = explanation["causes"][0]
    assert cause["aspect"] == PLANTED["what"]
    assert cause["share_before"] < 0.1 < 0.4 < cause["share_after"]
    assert cause["q_value"] < 1e-3
    assert len(cause["quotes_after"]) == 3
    for side in ("before", "after"):
        for quote in cause[f"quotes_{side}"]:
            review = reviews[quote["review_id"]]
            assert quote["text"] in review["text"]
            assert PLANTED["what"] in quote["text"].lower()
            assert (review["reviewed_at"][:10] >= change["day"]) == (side == "after")


def test_the_planted_problem_is_found_with_its_day_and_reviews(http, samples):
    stored = sum(counts["stored"] for counts in EXPECTED["files"].values())
    (mover,) = http.get("/movers").json()["movers"]
    change = mover["change"]
    assert (mover["product_id"], change["direction"]) == (PLANTED["product_id"], "worse")
    offset = date.fromisoformat(change["day"]) - date.fromisoformat(PLANTED["begins"])
    assert abs(offset.days) <= 5
    assert change["day"] <= PLANTED["begins"] <= change["first_seen"]
    assert change["negative_before"] < 0.2 < 0.5 < change["negative_after"]
    assert mover["q_value"] < 1e-3

    proof = http.get(f"{change['reviews_link']}&limit=200").json()["reviews"]
    assert len(proof) == round(change["negative_after"] * change["reviews_after"])
    mentions = [review for review in proof if PLANTED["what"] in review["text"].lower()]
    assert len(mentions) > len(proof) / 2

    reviews = read_reviews(http, PLANTED["product_id"])
    products = http.get("/products", params={"limit": 200}).json()["products"]
    assert len(products) == EXPECTED["products"]
    changed = [product["product_id"] for product in products if product["change"]]
    assert changed == [PLANTED["product_id"]]
    trend = http.get("/trends", params={"product_id": PLANTED["product_id"]}).json()
    assert trend["change"] == change
    check_cause(trend["explanation"], change, {each["review_id"]: each for each in reviews})

    overall = http.get("/trends").json()
    assert overall["freshness"]["pending_reviews"] == 0
    assert (overall["totals"]["reviews"], overall["totals"]["analysed"]) == (stored, stored)
    for by in ("category", "source"):
        segments = http.get("/segments", params={"by": by}).json()["segments"]
        assert sum(segment["reviews"] for segment in segments) == stored

    drift = http.get("/drift").json()
    assert drift["reference"]["reviews"] > 10_000
    assert drift["recent"]["reviews"] == stored
    assert {measure["name"] for measure in drift["measures"]} == {"sentiment", "confidence"}
