"""A clean shard in: embeddings, analyses and, after an ingest's last, an index build."""

import io
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import numpy as np
import pytest

from lambdas.processing.dependencies import Model
from lambdas.processing.service import Processor
from shared.db.ingest.shards import StoredBatch, process_lock, record_batch
from shared.errors import NotFoundError, UnavailableError
from shared.observability.logs import JsonFormatter
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import BuildIndex, ProcessShard
from shared.schemas.sentiment import LABELS
from shared.storage import layout
from shared.storage.shards import SERVED_SCHEMA, read_served
from tests.fakes.encoder import WordEncoder


def test_vectors_and_what_answers_show_stand_row_by_row(ports, collect, encoder):
    ingest_id, (message,) = collect(shards=1, rows=5)
    Processor(ports).process(message)
    vectors = np.load(
        io.BytesIO(ports.artefacts.get(layout.embedding_shard("m1", ingest_id, 0))[0])
    )
    served = read_served(ports.artefacts, layout.analysis_shard("m1", ingest_id, 0))
    assert (vectors.dtype, vectors.shape) == (np.float16, (5, 8))
    assert served.schema.equals(SERVED_SCHEMA)
    assert served["review_id"].to_pylist() == [f"uploads/a:0:{n}" for n in range(5)]
    assert served["sentiment"].to_pylist() == [
        *("positive", "negative", "neutral", "positive", "negative")
    ]
    assert served["confidence"].to_pylist() == pytest.approx([0.9, 0.8, 0.7, 0.9, 0.8])
    # the title belongs to what the model reads
    expected = encoder.encode(["lovely thing 0", "Title. bad thing 1"]).embeddings
    assert vectors[:2] == pytest.approx(expected, abs=1e-3)


def test_the_database_says_what_the_shard_says(ports, collect, rows):
    _, (message,) = collect(shards=1, rows=3)
    Processor(ports).process(message)
    got = rows(
        "SELECT review_id, model_version, sentiment, confidence, negative, neutral, positive"
        " FROM analyses ORDER BY 1"
    )
    assert [row[:3] for row in got] == [
        ("uploads/a:0:0", "m1", "positive"),
        ("uploads/a:0:1", "m1", "negative"),
        ("uploads/a:0:2", "m1", "neutral"),
    ]
    assert got[1][3:] == pytest.approx((0.8, 0.8, 0.15, 0.05))


def test_the_log_says_of_each_shard_what_drift_is_seen_by(ports, collect, caplog):
    _, (message,) = collect(shards=1, rows=5)
    with caplog.at_level(logging.INFO, logger="lambdas.processing"):
        Processor(ports).process(message)
    (record,) = [each for each in caplog.records if each.message == "shard processed"]
    line = json.loads(JsonFormatter("processing").format(record))
    assert (line["message"], line["rows"]) == ("shard processed", 5)
    shares = [line[f"{label.value}_share"] for label in LABELS]
    assert shares == [0.4, 0.2, 0.4]
    assert line["mean_confidence"] == pytest.approx((2 * 0.9 + 2 * 0.8 + 0.7) / 5, abs=1e-4)


def test_long_shards_are_encoded_in_pieces_and_keep_their_order(ports, collect, encoder):
    ingest_id, (message,) = collect(shards=1, rows=1200)
    Processor(ports).process(message)
    assert sorted(encoder.calls) == [176, 512, 512]
    served = read_served(ports.artefacts, layout.analysis_shard("m1", ingest_id, 0))
    vectors = np.load(
        io.BytesIO(ports.artefacts.get(layout.embedding_shard("m1", ingest_id, 0))[0])
    )
    title = served["title"][1199].as_py()
    text = f"{title}. {served['text'][1199].as_py()}"
    assert vectors[1199] == pytest.approx(encoder.encode([text]).embeddings[0], abs=1e-3)


def test_only_the_last_shard_asks_for_an_index(ports, collect):
    ingest_id, messages = collect(shards=3)
    for message in messages[:2]:
        Processor(ports).process(message)
    report = ports.ledger.report(ingest_id)
    assert (report.status, report.shards_processed) == (IngestStatus.COLLECTED, 2)
    assert ports.index_queue.take() == []
    Processor(ports).process(messages[2])
    assert ports.ledger.report(ingest_id).status is IngestStatus.PROCESSED
    assert [BuildIndex.model_validate_json(body) for body in ports.index_queue.take()]


def test_shards_that_finish_at_once_ask_for_an_index(ports, collect):
    for attempt in range(5):
        ingest_id, messages = collect(key=f"uploads/{attempt}", shards=4)
        together = Barrier(4)

        class Slow(WordEncoder):
            def encode(self, texts, meet=together):
                meet.wait()
                return super().encode(texts)

        waiting = replace(ports, models=lambda made=Slow: Model(made(), "m1"))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Processor(waiting).process, messages))
        assert ports.ledger.report(ingest_id).status is IngestStatus.PROCESSED
        assert len(ports.index_queue.take()) == 1


def test_a_second_delivery_does_no_work_but_repeats_a_lost_request(ports, collect, encoder):
    _, messages = collect(shards=2)
    Processor(ports).process(messages[0])
    Processor(ports).process(messages[0])
    assert len(encoder.calls) == 1
    assert ports.index_queue.take() == []
    Processor(ports).process(messages[1])
    ports.index_queue.take()
    Processor(ports).process(messages[1])
    assert len(encoder.calls) == 2
    assert len(ports.index_queue.take()) == 1


def test_a_worker_that_died_midway_is_followed_by_another(ports, collect, rows):
    class Full(type(ports.artefacts)):
        def put(self, key, body, **conditions):
            if key.endswith(".parquet"):
                raise UnavailableError("down")
            return super().put(key, body, **conditions)

    ingest_id, (message,) = collect(shards=1)
    with pytest.raises(UnavailableError):
        Processor(replace(ports, artefacts=Full())).process(message)
    assert ports.ledger.report(ingest_id).shards_processed == 0
    Processor(ports).process(message)
    assert rows("SELECT count(*) FROM analyses") == [(5,)]


def test_a_shard_has_one_worker_at_a_time(ports, collect):
    _, (message,) = collect(shards=1)
    name = process_lock(message.ingest_id, 0)
    with ports.database.lock(name), pytest.raises(UnavailableError):
        Processor(ports).process(message)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_shard_that_is_read_anew_while_it_is_processed_stays_open(
    ports, collect, encoder, rows, replaced
):
    ingest_id, (message,) = collect(shards=1, finish=False)

    class Overtaken(WordEncoder):
        def encode(self, texts):
            ports.ledger.forget(ingest_id, 0, 1)
            if replaced:
                with ports.database.transaction() as connection:
                    batch = StoredBatch(0, "another", 5, 0, 5, message.key)
                    record_batch(connection, ingest_id, batch)
            return super().encode(texts)

    Processor(replace(ports, models=lambda: Model(Overtaken(), "m1", 2))).process(message)
    assert rows("SELECT count(*) FROM analyses") == [(0,)]
    assert rows("SELECT model_version FROM shards") == ([(None,)] if replaced else [])


def test_shards_may_be_done_before_the_dump_is_read_to_its_end(ports, collect):
    ingest_id, messages = collect(shards=2, finish=False)
    for message in messages:
        Processor(ports).process(message)
    assert ports.ledger.report(ingest_id).status is IngestStatus.COLLECTING
    assert ports.index_queue.take() == []
    assert ports.ledger.finish(ingest_id) is True
    assert ports.ledger.report(ingest_id).status is IngestStatus.PROCESSED


def test_what_a_failed_ingest_stored_is_processed_and_it_stays_failed(ports, collect):
    ingest_id, messages = collect(shards=1, finish=False)
    assert ports.ledger.fail(ingest_id, "decompression_limit", "too much") is False
    Processor(ports).process(messages[0])
    assert ports.ledger.report(ingest_id).status is IngestStatus.FAILED
    assert len(ports.index_queue.take()) == 1


def test_a_newer_model_adds_its_own_analyses(ports, collect, rows, encoder):
    _, (message,) = collect(shards=1)
    Processor(ports).process(message)
    with ports.database.transaction() as connection:
        connection.execute("UPDATE shards SET model_version = NULL")
    Processor(replace(ports, models=lambda: Model(encoder, "m2"))).process(message)
    assert rows("SELECT model_version, count(*) FROM analyses GROUP BY 1 ORDER BY 1") == [
        ("m1", 5),
        ("m2", 5),
    ]


def test_a_shard_that_nobody_knows_is_let_go(ports, encoder):
    Processor(ports).process(ProcessShard(ingest_id="ing_x", part=0, key="k", rows=1))
    assert encoder.calls == []


def test_a_clean_shard_that_is_gone_is_an_error(ports, collect):
    ingest_id, (message,) = collect(shards=1)
    ports.clean.delete(message.key)
    with pytest.raises(NotFoundError):
        Processor(ports).process(message)
    assert ports.ledger.report(ingest_id).shards_processed == 0
