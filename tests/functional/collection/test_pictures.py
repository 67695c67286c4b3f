"""Pictures of reviews: queued in batches, counted, and removed with what they belong to."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from lambdas.collection.pictures import sweep_pictures
from lambdas.collection.undo.worker import undo_ingest
from lambdas.review_pictures.embedder import Embedder
from shared.db.ingest import pictures, undo
from shared.errors import UnavailableError
from shared.storage import layout
from shared.storage.review_pictures import forget_reviews, read_results, read_vectors
from tests.corpus import publish_manifest_only
from tests.fakes.queues import MemoryQueue
from tests.functional.collection.pictured import PICTURE, collected, dump_of, taken, url, work


def totals(pictured, ingest_id):
    report = pictured.dependencies.ledger.report(ingest_id)
    return tuple(report.pictures.model_dump().values())


def test_pictures_are_queued_fetched_and_counted(pictured, worker, encoder):
    urls = [url("1"), "https://b.example/1"], [], [url("bad"), url("other"), url("1")]
    ingest_id, (message,) = collected(pictured, *urls)
    assert [each.url for each in message.pictures] == [*urls[0], *urls[2]]
    assert totals(pictured, ingest_id) == (0, 0, 0, 5)
    work(worker, pictured.dependencies, [message])
    assert totals(pictured, ingest_id) == (3, 1, 1, 0)
    assert sorted(worker.reader.urls) == sorted([url("1"), url("bad"), url("other")])
    assert encoder.calls == 2
    artefacts = pictured.dependencies.artefacts
    results = read_results(artefacts, layout.picture_results(ingest_id, message.first))
    assert [(each.outcome, each.reason) for each in results.pictures] == [
        ("fetched", ""),
        ("refused", "its host is not on the list of hosts"),
        ("failed", "its server answered with status 404"),
        ("fetched", ""),
        ("fetched", ""),
    ]
    vectors = read_vectors(artefacts, layout.picture_vectors(ingest_id, "m1", message.first))
    assert vectors[:, 0].tolist() == [0.5, 0.25, 0.5]
    file = artefacts.get(layout.picture_file(ingest_id, PICTURE.sha256))[0]
    assert file.startswith(b"\xff\xd8")


def test_a_repeated_message_fetches_nothing_again(pictured, worker):
    ingest_id, messages = collected(pictured, [url("1")])
    for _ in range(2):
        work(worker, pictured.dependencies, messages)
    assert len(worker.reader.urls) == 1
    assert totals(pictured, ingest_id) == (1, 0, 0, 0)
    assert sweep_pictures(pictured.dependencies, force=True) == 0


def test_nothing_is_queued_unless_it_is_switched_on_and_then_everything(world, pictured):
    ingest_id = world.collect("uploads/a.jsonl", dump_of([url("1")])).ingest_id
    assert sweep_pictures(world.dependencies, force=True) == 0
    later = replace(world.dependencies, picture_queue=MemoryQueue())
    assert sweep_pictures(later, force=False) == 1
    assert [each.ingest_id for each in taken(later)] == [ingest_id]
    assert sweep_pictures(later, force=False) == 0
    assert sweep_pictures(later, force=True) == 1, "its message may be lost"


def test_batches_are_small_and_pictures_beyond_the_limit_are_refused(pictured):
    ingest_id, messages = collected(
        pictured, *([url(f"{n}/{m}") for m in range(6)] for n in range(20))
    )
    assert [len(each.pictures) for each in messages] == [36, 36, 24]
    assert [each.first for each in messages] == [1, 7, 13]
    assert totals(pictured, ingest_id) == (0, 24, 0, 96)
    assert sweep_pictures(pictured.dependencies, force=False) == 0


def test_a_picture_that_cannot_be_read_now_is_tried_again_and_at_last_fails(pictured, worker):
    ingest_id, (message,) = collected(pictured, [url("down"), url("1")])
    with pytest.raises(UnavailableError, match="cannot be read now"):
        worker.fetch(message)
    assert worker.reports.take() == []
    worker.fetch(message, patient=False)
    work(worker, pictured.dependencies, [])
    assert totals(pictured, ingest_id) == (1, 0, 1, 0)


def test_an_undone_upload_takes_its_pictures_along_also_those_on_their_way(pictured, worker):
    ingest_id, messages = collected(pictured, [url("1")], [url("other")])
    artefacts = pictured.dependencies.artefacts
    work(worker, pictured.dependencies, messages)
    undo.request_undo(pictured.dependencies.database, ingest_id)
    undo_ingest(pictured.dependencies, ingest_id)
    state = undo.undo_state(pictured.dependencies.database, ingest_id)
    assert state.undo.removed.pictures == 2
    (messages_until,) = (each.until for each in state.undo.later if "addresses" in each.what)
    assert (messages_until - state.undo.undone_at).days == 14
    assert list(artefacts.list(layout.PICTURES)) == []
    work(worker, pictured.dependencies, messages)
    assert list(artefacts.list(layout.PICTURES)) == []


def test_nothing_is_fetched_for_an_undone_upload_until_it_is_collected_anew(pictured, worker):
    ingest_id, messages = collected(pictured, [url("1")])
    undo.request_undo(pictured.dependencies.database, ingest_id)
    undo_ingest(pictured.dependencies, ingest_id)
    artefacts = pictured.dependencies.artefacts
    # what a worker stored that was killed before it stored the results of its batch
    artefacts.put(layout.picture_file(ingest_id, PICTURE.sha256), b"a picture")
    work(worker, pictured.dependencies, messages)
    assert worker.reader.urls == []
    assert list(artefacts.list(layout.PICTURES)) == []
    assert collected(pictured, [url("1")]) == (ingest_id, messages)
    work(worker, pictured.dependencies, messages)
    assert totals(pictured, ingest_id) == (1, 0, 0, 0)


def test_forgotten_pictures_take_the_vectors_of_their_batch_along(pictured, worker):
    ingest_id, messages = collected(pictured, [url("1"), url("other")], [url("bad"), url("1")])
    work(worker, pictured.dependencies, messages)
    artefacts, first = pictured.dependencies.artefacts, messages[0].first
    gone = messages[0].pictures[0].review_id
    assert forget_reviews(artefacts, ingest_id, {gone}) == 2
    results = read_results(artefacts, layout.picture_results(ingest_id, first))
    assert [each.url for each in results.pictures] == [url("bad"), url("1")]
    assert list(artefacts.list(layout.PICTURE_VECTORS)) == []
    files = [info.key for info in artefacts.list(layout.picture_prefixes(ingest_id)[0])]
    assert files == [layout.picture_file(ingest_id, PICTURE.sha256)]
    assert forget_reviews(artefacts, ingest_id, {gone}) == 0


@pytest.mark.parametrize("done", range(3))
def test_an_interrupted_removal_of_pictures_is_completed(pictured, worker, monkeypatch, done):
    ingest_id, messages = collected(pictured, [url("other")], [url("1")])
    work(worker, pictured.dependencies, messages)
    artefacts, changes = pictured.dependencies.artefacts, count()
    gone = messages[0].pictures[0].review_id

    def until_killed(change):
        def call(*arguments):
            if next(changes) == done:
                raise KeyboardInterrupt
            change(*arguments)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(artefacts, "put", until_killed(artefacts.put))
        patch.setattr(artefacts, "delete", until_killed(artefacts.delete))
        with pytest.raises(KeyboardInterrupt):
            forget_reviews(artefacts, ingest_id, {gone})
    forget_reviews(artefacts, ingest_id, {gone})
    results = read_results(artefacts, layout.picture_results(ingest_id, messages[0].first))
    assert [each.url for each in results.pictures] == [url("1")]
    assert list(artefacts.list(layout.PICTURE_VECTORS)) == []
    files = [info.key for info in artefacts.list(layout.picture_prefixes(ingest_id)[0])]
    assert files == [layout.picture_file(ingest_id, PICTURE.sha256)]


def test_what_is_left_of_a_batch_is_embedded_again_and_not_fetched(pictured, worker):
    ingest_id, messages = collected(pictured, [url("other")], [url("1")])
    work(worker, pictured.dependencies, messages)
    artefacts, database = pictured.dependencies.artefacts, pictured.dependencies.database
    publish_manifest_only(artefacts, "m1", 4)
    gone = messages[0].pictures[0].review_id
    with database.transaction() as connection:
        assert not pictures.embed_again(connection, ingest_id, [99])
        assert pictures.embed_again(connection, ingest_id, [1])
        connection.execute("DELETE FROM reviews WHERE review_id = %s", (gone,))
        connection.execute("UPDATE picture_batches SET queued_at = now() - interval '1 hour'")
    forget_reviews(artefacts, ingest_id, {gone})
    assert sweep_pictures(pictured.dependencies, force=False) == 1
    work(worker, pictured.dependencies, taken(pictured.dependencies))
    assert len(worker.reader.urls) == 2
    key = layout.picture_vectors(ingest_id, "m1", messages[0].first)
    assert read_vectors(artefacts, key)[:, 0].tolist() == pytest.approx([0.5], abs=1e-3)


def test_a_message_that_returns_does_not_bring_a_forgotten_picture_back(pictured, worker):
    ingest_id, messages = collected(pictured, [url("other")], [url("1")])
    work(worker, pictured.dependencies, messages)
    artefacts, database = pictured.dependencies.artefacts, pictured.dependencies.database
    gone = messages[0].pictures[0].review_id
    with database.transaction() as connection:
        connection.execute("DELETE FROM reviews WHERE review_id = %s", (gone,))
    forget_reviews(artefacts, ingest_id, {gone})
    work(worker, pictured.dependencies, messages)
    results = read_results(artefacts, layout.picture_results(ingest_id, messages[0].first))
    assert [each.url for each in results.pictures] == [url("1")]
    files = [info.key for info in artefacts.list(layout.picture_prefixes(ingest_id)[0])]
    assert files == [layout.picture_file(ingest_id, PICTURE.sha256)]


def test_a_dump_that_is_read_again_in_another_way_gets_new_batches(pictured, worker):
    ingest_id, messages = collected(pictured, [url("1")])
    work(worker, pictured.dependencies, messages)
    pictured.dependencies.ledger.delete_batches(ingest_id, 0, 1)
    assert totals(pictured, ingest_id) == (0, 0, 0, 0)
    work(worker, pictured.dependencies, messages)
    assert totals(pictured, ingest_id) == (0, 0, 0, 0)
    results = layout.picture_results(ingest_id, messages[0].first)
    assert read_results(pictured.dependencies.artefacts, results) is None


def test_after_a_change_of_the_model_stored_pictures_are_embedded_and_not_fetched_again(
    pictured, worker
):
    ingest_id, messages = collected(pictured, [url("1"), url("bad"), url("other")])
    work(worker, pictured.dependencies, messages)
    artefacts, database = pictured.dependencies.artefacts, pictured.dependencies.database
    publish_manifest_only(artefacts, "m2", 4)
    assert sweep_pictures(pictured.dependencies, force=False) == 0, "it was queued just now"
    with database.transaction() as connection:
        connection.execute("UPDATE picture_batches SET queued_at = now() - interval '1 hour'")
    assert sweep_pictures(pictured.dependencies, force=False) == 1
    newer = replace(worker, embedder=lambda: Embedder("m2", lambda _: np.full(4, 0.1)))
    work(newer, pictured.dependencies, taken(pictured.dependencies))
    assert len(worker.reader.urls) == 3
    for model, first in (("m1", 0.5), ("m2", 0.1)):
        key = layout.picture_vectors(ingest_id, model, messages[0].first)
        assert read_vectors(artefacts, key)[:, 0].tolist()[0] == pytest.approx(first, abs=1e-3)
    assert totals(pictured, ingest_id) == (2, 0, 1, 0)
    with database.transaction() as connection:
        connection.execute("UPDATE picture_batches SET queued_at = now() - interval '1 hour'")
    assert sweep_pictures(pictured.dependencies, force=False) == 0
