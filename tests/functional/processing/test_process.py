"""Processing a clean shard: embeddings, analyses and, after the last one, an index build."""

import io
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import numpy as np
import pytest
from psycopg import errors

from lambdas.processing.dependencies import Model
from lambdas.processing.service import Processor
from shared.db.ingest.shards import StoredBatch, process_lock, record_batch
from shared.db.insights.rollups import refresh
from shared.errors import UnavailableError
from shared.observability.logs import JsonFormatter
from shared.schemas.decisions import Decisions, Rule
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import BuildIndex, ProcessShard
from shared.schemas.sentiment import LABELS
from shared.storage import layout, quarantine
from shared.storage.shard_schemas import SERVED_SCHEMA
from shared.storage.shards import read_served
from tests.fakes.encoder import WordEncoder


def test_vectors_and_served_rows_have_the_same_order(dependencies, collect, encoder):
    ingest_id, (message,) = collect(shards=1, rows=5)
    Processor(dependencies).process(message)
    vectors = np.load(
        io.BytesIO(dependencies.artefacts.get(layout.embedding_shard("m1", ingest_id, 0))[0])
    )
    served = read_served(dependencies.artefacts, layout.analysis_shard("m1", ingest_id, 0))
    assert (vectors.dtype, vectors.shape) == (np.float16, (5, 8))
    assert served.schema.equals(SERVED_SCHEMA)
    assert served["review_id"].to_pylist() == [f"uploads/a:0:{n}" for n in range(5)]
    assert served["sentiment"].to_pylist() == [
        *("positive", "negative", "neutral", "positive", "negative")
    ]
    assert served["confidence"].to_pylist() == pytest.approx([0.9, 0.8, 0.7, 0.9, 0.8])
    # the title is part of the encoded text
    expected = encoder.encode(["lovely thing 0", "Title. bad thing 1"]).embeddings
    assert vectors[:2] == pytest.approx(expected, abs=1e-3)


def test_analyses_are_stored_in_the_database(dependencies, collect, rows):
    _, (message,) = collect(shards=1, rows=3)
    Processor(dependencies).process(message)
    analyses = rows(
        "SELECT review_id, model_version, sentiment, confidence, negative, neutral, positive"
        " FROM analyses ORDER BY 1"
    )
    assert [row[:3] for row in analyses] == [
        ("uploads/a:0:0", "m1", "positive"),
        ("uploads/a:0:1", "m1", "negative"),
        ("uploads/a:0:2", "m1", "neutral"),
    ]
    assert analyses[1][3:] == pytest.approx((0.8, 0.8, 0.15, 0.05))


def test_labels_are_decided_by_the_rules_of_the_model(dependencies, collect, encoder, rows):
    rule = Rule(neutral_factor=6, sure_above=0.85)
    encoder.decisions = Decisions(review=rule)
    ingest_id, (message,) = collect(shards=1, rows=3)
    Processor(dependencies).process(message)
    analyses = rows("SELECT sentiment, confidence, sure, neutral FROM analyses ORDER BY review_id")
    expected = [("positive", 0.9, True, 0.05), ("neutral", 0.15, False, 0.15)]
    expected += [("neutral", 0.7, False, 0.7)]
    for row, wanted in zip(analyses, expected, strict=True):
        assert row == pytest.approx(wanted)
    served = read_served(dependencies.artefacts, layout.analysis_shard("m1", ingest_id, 0))
    assert served["sentiment"].to_pylist() == ["positive", "neutral", "neutral"]
    assert served["confidence"].to_pylist() == pytest.approx([0.9, 0.15, 0.7])


def test_stars_contradict_a_text_that_the_model_is_sure_of(dependencies, collect, encoder, rows):
    for threshold, mismatches in ((0.85, 0), (0.75, 1), (None, 0)):
        encoder.decisions = Decisions(review=Rule(sure_above=threshold))
        _, (message,) = collect(key=f"uploads/{threshold}", shards=1, rows=3)
        Processor(dependencies).process(message)
        refresh(dependencies.database)
        found = rows(
            "SELECT count(*) FROM review_facts JOIN reviews USING (review_id)"
            " WHERE review_facts.mismatch = 1 AND review_id LIKE %s",
            f"uploads/{threshold}%",
        )
        assert found == [(mismatches,)]


def test_the_log_of_each_shard_contains_the_drift_figures(dependencies, collect, caplog):
    _, (message,) = collect(shards=1, rows=5)
    with caplog.at_level(logging.INFO, logger="lambdas.processing"):
        Processor(dependencies).process(message)
    (record,) = [entry for entry in caplog.records if entry.message == "shard processed"]
    line = json.loads(JsonFormatter("processing").format(record))
    assert (line["message"], line["rows"]) == ("shard processed", 5)
    shares = [line[f"{label.value}_share"] for label in LABELS]
    assert shares == [0.4, 0.2, 0.4]
    assert line["mean_confidence"] == pytest.approx((2 * 0.9 + 2 * 0.8 + 0.7) / 5, abs=1e-4)


def test_long_shards_are_encoded_in_batches_and_keep_their_order(dependencies, collect, encoder):
    ingest_id, (message,) = collect(shards=1, rows=1200)
    Processor(dependencies).process(message)
    assert sorted(encoder.calls) == [176, 512, 512]
    served = read_served(dependencies.artefacts, layout.analysis_shard("m1", ingest_id, 0))
    vectors = np.load(
        io.BytesIO(dependencies.artefacts.get(layout.embedding_shard("m1", ingest_id, 0))[0])
    )
    title = served["title"][1199].as_py()
    text = f"{title}. {served['text'][1199].as_py()}"
    assert vectors[1199] == pytest.approx(encoder.encode([text]).embeddings[0], abs=1e-3)


def test_only_the_last_shard_requests_an_index(dependencies, collect):
    ingest_id, messages = collect(shards=3)
    for message in messages[:2]:
        Processor(dependencies).process(message)
    report = dependencies.ledger.report(ingest_id)
    assert (report.status, report.shards_processed) == (IngestStatus.COLLECTED, 2)
    assert dependencies.index_queue.take() == []
    Processor(dependencies).process(messages[2])
    assert dependencies.ledger.report(ingest_id).status is IngestStatus.PROCESSED
    assert [BuildIndex.model_validate_json(body) for body in dependencies.index_queue.take()]


def test_shards_that_finish_concurrently_request_one_index(dependencies, collect):
    for attempt in range(5):
        ingest_id, messages = collect(key=f"uploads/{attempt}", shards=4)
        barrier = Barrier(4)

        class SynchronisedEncoder(WordEncoder):
            def encode(self, texts, barrier=barrier):
                barrier.wait()
                return super().encode(texts)

        synchronised = replace(
            dependencies, current_model=lambda kind=SynchronisedEncoder: Model(kind(), "m1")
        )
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Processor(synchronised).process, messages))
        assert dependencies.ledger.report(ingest_id).status is IngestStatus.PROCESSED
        assert len(dependencies.index_queue.take()) == 1


def test_a_second_delivery_only_repeats_the_index_request(dependencies, collect, encoder):
    _, messages = collect(shards=2)
    Processor(dependencies).process(messages[0])
    Processor(dependencies).process(messages[0])
    assert len(encoder.calls) == 1
    assert dependencies.index_queue.take() == []
    Processor(dependencies).process(messages[1])
    dependencies.index_queue.take()
    Processor(dependencies).process(messages[1])
    assert len(encoder.calls) == 2
    assert len(dependencies.index_queue.take()) == 1


def test_an_interrupted_shard_is_processed_again(dependencies, collect, rows):
    class FailingStore(type(dependencies.artefacts)):
        def put(self, key, body, **conditions):
            if key.endswith(".parquet"):
                raise UnavailableError("down")
            return super().put(key, body, **conditions)

    ingest_id, (message,) = collect(shards=1)
    with pytest.raises(UnavailableError):
        Processor(replace(dependencies, artefacts=FailingStore())).process(message)
    assert dependencies.ledger.report(ingest_id).shards_processed == 0
    Processor(dependencies).process(message)
    assert rows("SELECT count(*) FROM analyses") == [(5,)]


def test_a_shard_has_one_worker_at_a_time(dependencies, collect):
    _, (message,) = collect(shards=1)
    name = process_lock(message.ingest_id, 0)
    with dependencies.database.lock(name), pytest.raises(UnavailableError):
        Processor(dependencies).process(message)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_shard_replaced_during_processing_stays_open(
    dependencies, collect, encoder, rows, replaced
):
    ingest_id, (message,) = collect(shards=1, finish=False)

    class ReplacingEncoder(WordEncoder):
        def encode(self, texts):
            dependencies.ledger.delete_batches(ingest_id, 0, 1)
            if replaced:
                with dependencies.database.transaction() as connection:
                    batch = StoredBatch(0, "another", 5, 0, 5, message.key)
                    record_batch(connection, ingest_id, batch)
            return super().encode(texts)

    Processor(
        replace(dependencies, current_model=lambda: Model(ReplacingEncoder(), "m1", 2))
    ).process(message)
    assert rows("SELECT count(*) FROM analyses") == [(0,)]
    assert rows("SELECT model_version FROM shards") == ([(None,)] if replaced else [])
    assert list(dependencies.artefacts.list(layout.EMBEDDINGS)) == []


def test_a_batch_cannot_be_removed_while_its_pair_is_written(dependencies, collect):
    class WatchingStore(type(dependencies.artefacts)):
        refused = 0

        def put(self, key, body, **conditions):
            query = "SELECT FROM shards FOR UPDATE NOWAIT"
            if key.startswith(layout.EMBEDDINGS):
                with pytest.raises(UnavailableError) as caught:
                    dependencies.database.fetch_dicts(query)
                assert isinstance(caught.value.__cause__, errors.LockNotAvailable)
                self.refused += 1
            return super().put(key, body, **conditions)

    _, (message,) = collect(shards=1)
    store = WatchingStore()
    Processor(replace(dependencies, artefacts=store)).process(message)
    assert store.refused == 2


def test_shards_may_be_processed_before_the_dump_is_fully_read(dependencies, collect):
    ingest_id, messages = collect(shards=2, finish=False)
    for message in messages:
        Processor(dependencies).process(message)
    assert dependencies.ledger.report(ingest_id).status is IngestStatus.COLLECTING
    assert dependencies.index_queue.take() == []
    assert dependencies.ledger.finish(ingest_id) is True
    assert dependencies.ledger.report(ingest_id).status is IngestStatus.PROCESSED


def test_shards_of_a_failed_ingest_are_processed_and_it_stays_failed(dependencies, collect):
    ingest_id, messages = collect(shards=1, finish=False)
    assert dependencies.ledger.fail(ingest_id, "decompression_limit", "too much") is False
    Processor(dependencies).process(messages[0])
    assert dependencies.ledger.report(ingest_id).status is IngestStatus.FAILED
    assert len(dependencies.index_queue.take()) == 1


def test_a_newer_model_adds_its_own_analyses(dependencies, collect, rows, encoder):
    _, (message,) = collect(shards=1)
    Processor(dependencies).process(message)
    with dependencies.database.transaction() as connection:
        connection.execute("UPDATE shards SET model_version = NULL")
    Processor(replace(dependencies, current_model=lambda: Model(encoder, "m2"))).process(message)
    assert rows("SELECT model_version, count(*) FROM analyses GROUP BY 1 ORDER BY 1") == [
        ("m1", 5),
        ("m2", 5),
    ]


def test_an_unknown_shard_is_ignored(dependencies, encoder):
    Processor(dependencies).process(ProcessShard(ingest_id="ing_x", part=0, key="k", rows=1))
    assert encoder.calls == []


@pytest.mark.parametrize("body", [None, b"", b"PAR1", "truncated"])
def test_a_damaged_clean_shard_has_its_dump_read_again(dependencies, collect, rows, body):
    ingest_id, (message,) = collect(shards=1)
    clean = dependencies.clean
    if body is None:
        clean.delete(message.key)
    else:
        clean.put(message.key, clean.get(message.key)[0][:-9] if body == "truncated" else body)
    Processor(dependencies).process(message)
    report = dependencies.ledger.report(ingest_id)
    assert (report.status, report.shards_processed) == (IngestStatus.RECEIVED, 0)
    assert rows("SELECT now() - updated_at > interval '2 minutes' FROM ingests") == [(True,)]
    (record,) = quarantine.open_records(dependencies.artefacts)
    assert (record.key, record.action) == (message.key, "its dump is read again")
    assert [info.key for info in clean.list("reviews/")] == []
    assert (record.copy_key is None) == (body is None)


def test_a_clean_shard_whose_dump_is_lost_says_so(dependencies, collect):
    ingest_id, (message,) = collect(shards=1)
    dependencies.ledger.fail(ingest_id, "object_corrupt", "damaged")
    dependencies.clean.delete(message.key)
    Processor(dependencies).process(message)
    assert dependencies.ledger.report(ingest_id).status is IngestStatus.FAILED
    (record,) = quarantine.open_records(dependencies.artefacts)
    assert "upload the dump again" in record.action


def test_a_shard_stored_with_more_rows_at_this_moment_is_tried_again(dependencies, collect):
    _, (message,) = collect(shards=1, rows=5)

    class Earlier(type(dependencies.ledger)):
        def shard(self, ingest_id, part):
            return replace(super().shard(ingest_id, part), rows=4)

    ledger = Earlier(dependencies.database)
    with pytest.raises(UnavailableError):
        Processor(replace(dependencies, ledger=ledger)).process(message)
    assert quarantine.open_records(dependencies.artefacts) == []


@pytest.mark.parametrize("key", [layout.embedding_shard, layout.analysis_shard])
def test_a_processed_shard_whose_pair_is_lost_is_processed_again(
    dependencies, collect, encoder, rows, key
):
    ingest_id, (message,) = collect(shards=1)
    Processor(dependencies).process(message)
    store, lost = dependencies.artefacts, key("m1", ingest_id, 0)
    before = store.get(lost)[0]
    store.delete(lost)
    dependencies.index_queue.take()
    Processor(dependencies).process(message)
    assert store.get(lost)[0] == before
    assert len(encoder.calls) == 2
    assert rows("SELECT count(*) FROM analyses") == [(5,)]
    assert dependencies.ledger.report(ingest_id).status is IngestStatus.PROCESSED
    assert len(dependencies.index_queue.take()) == 1
