"""An excluded reviewer or product leaves nothing, and does not come back with later dumps."""

import json
import logging

import pytest
from fastapi.testclient import TestClient

from lambdas.collection.api import create_app
from lambdas.collection.exclude import requests, worker
from lambdas.collection.sweep import sweep
from shared.db.ingest import exclusions
from shared.db.insights import rollups
from shared.errors import ConflictError, NotFoundError, UnavailableError
from shared.schemas.damage import Damage
from shared.schemas.exclusions import ExclusionStatus
from shared.schemas.ingest import IngestStatus
from shared.storage import artefacts, forgotten, quarantine
from tests.fakes.objects import MemoryStore
from tests.functional.collection.shop_stack import (
    KEYS,
    LONG,
    RIGHT,
    Stack,
    answers,
    as_csv,
    dumps,
    shop_row,
    stopped,
)
from tests.functional.collection.test_undo import assert_equal, places_of

WHO, WHAT = "Ann O'Example/7", "sku-of nothing/9"
SECRET = "unmistakable"
_KNOWN: dict = {}  # the same for all tests


def rows_of(number, **values):
    """What they wrote: texts that nobody else has, one with a copy, one without a text."""
    common = {"heading": f"a fine thing, heading of {SECRET}", "item": "Item 1", "maker": "Maker 1"}
    rows = [
        shop_row(n, **{**common, "opinion": f"a lovely thing, {SECRET} words {n}", **values})
        for n in range(number, number + 12)
    ]
    rows.append(shop_row(number + 12, **{**common, "opinion": LONG, **values}))
    rows.append(shop_row(number + 13, **{**common, "opinion": "", **values}))
    return rows


def bodies(kind):
    """The overlapping dumps, with rows to exclude in the first two, some of them in both."""
    values = {"user": WHO, "sku": "P1"} if kind == "reviewer" else {"sku": WHAT}
    own, extra = dumps(), rows_of(400, **values)
    for key, rows in zip(KEYS, (extra, extra[:8] + extra[13:]), strict=False):
        lines = own[key].splitlines(keepends=True)
        added = as_csv(rows).splitlines(keepends=True)[1:]
        own[key] = b"".join([*lines[:30], *added, *lines[30:]])
    return own


def read_all(world, kind, **stores):
    stack, own = Stack(world, **stores), bodies(kind)
    for key in KEYS:
        stack.read(key, RIGHT, own[key])
    stack.finish()
    return stack


def exclude(stack, kind):
    dependencies = stack.world.dependencies
    if kind == "reviewer":
        return requests.exclude_reviewer(dependencies, WHO).exclusion_id
    return requests.exclude_product(dependencies, WHAT).exclusion_id


def receipt(stack, exclusion_id):
    exclusion = requests.require_exclusion(stack.world.dependencies, exclusion_id)
    assert exclusion.status is ExclusionStatus.REMOVED
    return exclusion.receipt


@pytest.fixture
def never(world, rows, empty_tables, tmp_path):
    """The answers of a stack that never saw such rows; leaves tables empty."""
    if not _KNOWN:
        stack = Stack(world)
        for key in KEYS:
            stack.read(key, RIGHT)
        stack.finish()
        _KNOWN.update(visible(answers(stack, rows, tmp_path / "never")))
        empty_tables()
    return _KNOWN


def visible(state):
    """Without the counts of the ledger, where such rows are rejected.

    Of equal texts, a search shows the one of the first ingest; the order of ingests depends on the
    bytes of their dumps.
    """
    search = {"search": sorted({text for _, text, _ in state["search"]})}
    return {name: value for name, value in (state | search).items() if name != "ingests"}


def places(stack, rows):
    return set(places_of(stack, rows, SECRET)) - {"raw"}


def assert_counts_hold(stack):
    for report in stack.reports():
        assert report.rows_read == report.stored + report.duplicates + report.rejected
        assert sum(report.rejects_by_reason.values()) == report.rejected


KINDS = pytest.mark.parametrize("kind", ["reviewer", "product"])


@KINDS
def test_what_is_excluded_was_never_there(world, rows, never, tmp_path, kind):
    stack = read_all(world, kind)
    assert {"clean", "artefacts", "reviews", "rejects"} <= places(stack, rows)
    exclusion_id = exclude(stack, kind)
    stack.finish()
    assert_equal(visible(answers(stack, rows, tmp_path / "now")), never)
    assert places(stack, rows) == set()
    assert_counts_hold(stack)
    removed = receipt(stack, exclusion_id).removed
    assert (removed.rows, removed.rejects) == (13, 2)
    assert removed.products == (kind == "product")
    assert removed.clean_shards == removed.embeddings["m1"] == 2
    assert removed.index_versions
    uploads = {each.key: each.rows for each in receipt(stack, exclusion_id).uploads}
    assert uploads[KEYS[0]] + uploads[KEYS[1]] == 13
    assert "DELETE /collect" in receipt(stack, exclusion_id).what_to_do
    statuses = {report.status for report in stack.reports()}
    assert statuses == {IngestStatus.PROCESSED}


@KINDS
def test_later_uploads_do_not_bring_it_back(world, rows, never, tmp_path, kind):
    stack, own = Stack(world), bodies(kind)
    exclude(stack, kind)
    stack.finish("empty")
    for key in KEYS:
        stack.read(key, RIGHT, own[key])
    stack.finish()
    assert_equal(visible(answers(stack, rows, tmp_path / "now")), never)
    assert places(stack, rows) == set()
    assert_counts_hold(stack)
    by_key = {report.key: report.rejects_by_reason for report in stack.reports()}
    assert by_key[KEYS[0]] == {"excluded": 14}
    (reject,) = rows("SELECT raw, detail FROM rejects WHERE reason = 'excluded' LIMIT 1")
    assert reject == ("", "its reviewer or product is excluded")


@pytest.mark.parametrize("stops", [0, 1, 2, 3, 5, 8, 11, 14])
def test_it_survives_a_kill_anywhere(world, rows, never, tmp_path, stops):
    stack = read_all(world, "reviewer")
    exclusion_id = exclude(stack, "reviewer")
    dependencies, stores = stack.world.dependencies, stack.stores
    writes = [
        *((stores["artefacts"], name) for name in ("put", "delete")),
        *((exclusions, name) for name in ("change_receipt", "finish_removal")),
        (dependencies.index_queue, "send"),
        (rollups, "refresh"),
    ]
    with stopped(stack, *writes, after=stops), pytest.raises(UnavailableError, match="stopped"):
        worker.remove_excluded(dependencies, exclusion_id)
    dependencies.collection_queue.take()  # the message is lost
    sweep(dependencies, force=True)
    stack.collect(twice=True)
    stack.finish()
    assert_equal(visible(answers(stack, rows, tmp_path / "now")), never)
    assert places(stack, rows) == set()
    assert_counts_hold(stack)
    removed = receipt(stack, exclusion_id).removed
    assert (removed.rows, removed.rejects) == (13, 2)


def test_it_needs_no_upload(world, rows, never, tmp_path):
    stack = read_all(world, "reviewer")
    for key in KEYS:
        stack.world.raw.delete(key)
    exclusion_id = exclude(stack, "reviewer")
    stack.finish()
    assert_equal(visible(answers(stack, rows, tmp_path / "now")), never)
    assert places_of(stack, rows, SECRET) == []
    assert receipt(stack, exclusion_id).uploads == []
    assert receipt(stack, exclusion_id).what_to_do is None


def test_a_batch_that_is_being_stored_does_not_slip_through(world, rows, monkeypatch):
    stack, own = Stack(world), bodies("reviewer")
    clean, put = stack.stores["clean"], stack.stores["clean"].put
    arrival = stack.world.put(KEYS[0], own[KEYS[0]])
    stack.world.raw.put(f"{KEYS[0]}.mapping.json", json.dumps(RIGHT).encode())

    def put_and_exclude(key, body):
        exclude(stack, "reviewer")
        monkeypatch.undo()
        return put(key, body)

    monkeypatch.setattr(clean, "put", put_and_exclude)
    with pytest.raises(UnavailableError, match="has changed"):
        stack.world.collector.collect(arrival)
    stack.finish("empty", "published")
    stack.world.collector.collect(arrival)  # its message again
    stack.finish()
    assert places(stack, rows) == set()
    assert rows("SELECT count(*) FROM rejects WHERE reason = 'excluded'") == [(14,)]


def test_a_reading_of_an_earlier_release_goes_on_without_it(world, rows, never, tmp_path):
    """An ingest that is read again for another reason is read with the list."""
    stack = read_all(world, "reviewer")
    exclude(stack, "reviewer")
    stack.finish()
    for info in list(stack.stores["clean"].list("reviews/")):
        stack.stores["clean"].delete(info.key)
    for report in stack.reports():
        rows(
            "UPDATE ingests SET status = 'received', updated_at = now() - interval '1 hour'"
            " WHERE ingest_id = %s RETURNING 1",
            report.ingest_id,
        )
    sweep(stack.world.dependencies, force=True)
    stack.finish()
    assert_equal(visible(answers(stack, rows, tmp_path / "now")), never)
    assert places(stack, rows) == set()
    assert_counts_hold(stack)


def test_damaged_shards_and_their_copies_go_as_well(world, rows, never, tmp_path):
    stack = read_all(world, "reviewer")
    store, clean = stack.stores["artefacts"], stack.stores["clean"]
    ids = rows("SELECT DISTINCT ingest_id FROM reviews WHERE strpos(text, %s) > 0", SECRET)
    prefix = f"indexes/{artefacts.current(store, 'index').version}/"
    quarantine.set_aside_folder(store, prefix, [], "for a test")
    keys = [key for (key,) in rows("SELECT key FROM shards WHERE ingest_id = %s", ids[0][0])]
    damage = Damage(bucket="clean", key=keys[2], problem="corrupt", reason="for a test")
    quarantine.set_aside(store, clean, damage, "its dump is read again")
    assert places(stack, rows)
    exclusion_id = exclude(stack, "reviewer")
    stack.finish()
    sweep(stack.world.dependencies, force=True)
    stack.finish()
    assert_equal(visible(answers(stack, rows, tmp_path / "now")), never)
    assert places(stack, rows) == set()
    assert receipt(stack, exclusion_id).removed.quarantined >= 3


def test_embeddings_of_an_earlier_model_go_as_well(world, rows):
    stack = read_all(world, "reviewer")
    store = stack.stores["artefacts"]
    for info in list(store.list("embeddings/m1/")):
        store.copy(info.key, info.key.replace("m1", "m0"))
    exclusion_id = exclude(stack, "reviewer")
    stack.finish()
    assert places(stack, rows) == set()
    embeddings = receipt(stack, exclusion_id).removed.embeddings
    assert embeddings["m0"] == embeddings["m1"] == 2


def test_where_nothing_remains_no_index_remains(world, rows):
    stack = Stack(world)
    stack.read(KEYS[0], RIGHT, as_csv(rows_of(400, user=WHO, sku="P1")))
    stack.finish()
    exclude(stack, "reviewer")
    stack.finish("empty")
    store = stack.stores["artefacts"]
    assert artefacts.current(store, "index") is None
    assert list(store.list("indexes/")) == []
    assert list(store.list("embeddings/")) == list(stack.stores["clean"].list("")) == []
    assert rows("SELECT count(*) FROM products") == [(0,)]


def test_an_exclusion_can_be_ended(world, rows):
    stack = Stack(world)
    exclusion_id = exclude(stack, "reviewer")
    with pytest.raises(ConflictError, match="still being removed"):
        requests.end_exclusion(stack.world.dependencies, exclusion_id)
    stack.finish("empty")
    ended = requests.end_exclusion(stack.world.dependencies, exclusion_id)
    assert ended.status is ExclusionStatus.ENDED
    with pytest.raises(NotFoundError):
        requests.end_exclusion(stack.world.dependencies, exclusion_id)
    assert rows("SELECT count(*) FROM exclusions") == [(0,)]
    stack.read(KEYS[0], RIGHT, bodies("reviewer")[KEYS[0]])
    stack.finish()
    assert rows("SELECT count(*) FROM reviews WHERE strpos(text, %s) > 0", SECRET) == [(12,)]
    store = stack.stores["artefacts"]
    sweep(stack.world.dependencies, force=True)
    assert forgotten.marked_exclusions(store) == frozenset()


def test_the_id_of_a_reviewer_is_nowhere(world, rows, caplog):
    stack = read_all(world, "reviewer", raw=MemoryStore("raw"))
    caplog.set_level(logging.DEBUG)
    with TestClient(create_app(lambda: stack.world.dependencies)) as http:
        path = "/reviewers/Ann%20O%27Example%2F7"
        first, again = http.delete(path), http.delete(path)
        assert first.status_code == again.status_code == 202
        assert first.json() == again.json()
        assert (first.json()["status"], first.json()["product_id"]) == ("removing", None)
        stack.finish()
        shown = http.get(f"/exclusions/{first.json()['exclusion_id']}")
        assert shown.json()["status"] == "removed"
        listed = http.get("/exclusions").json()
        assert listed == {"exclusions": [shown.json()], "next_cursor": None}
        ended = http.delete(f"/exclusions/{first.json()['exclusion_id']}")
        assert (ended.status_code, ended.json()["status"]) == (200, "ended")
        answers = (first.text, shown.text, ended.text)
    assert not any("Example" in text for text in answers)
    # httpx, which calls the application here, logs addresses; no function of ours does
    logged = [each.getMessage() for each in caplog.records if "httpx" not in each.name]
    assert not any("Example" in each for each in logged)
    assert set(places_of(stack, rows, "Example")) == {"raw"}


def test_an_id_that_no_dump_has_is_excluded_for_later_ones(world):
    stack = Stack(world)
    with TestClient(create_app(lambda: stack.world.dependencies)) as http:
        answer = http.delete("/reviewers/nobody").json()
        stack.finish("empty")
        shown = http.get(f"/exclusions/{answer['exclusion_id']}").json()
    assert shown["status"] == "removed"
    assert (shown["receipt"]["removed"]["rows"], shown["receipt"]["uploads"]) == (0, [])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/reviewers/null", 422),
        ("/reviewers/%20", 422),
        ("/reviewers/-", 422),
        ("/products/n%2Fa", 422),
        ("/products/%00", 422),
        ("/reviewers/%00", 202),
        ("/reviewers/%27%3B--", 202),
        ("/reviewers/a%2F..%2Fb", 202),
        ("/reviewers/%FF", 202),
        ("/reviewers/" + "x" * 5000, 202),
        ("/products/" + "x" * 5000, 202),
        ("/products/" + "%CC%81" * 200, 422),
        ("/products/%F0%9F%98%80", 202),
        ("/exclusions/%00", 404),
        ("/exclusions/exc_unknown", 404),
    ],
    ids=lambda value: str(value)[:24],
)
def test_hostile_ids(world, path, status):
    with TestClient(create_app(lambda: world.dependencies)) as http:
        answer = http.delete(path)
        assert answer.status_code == status, answer.text
        if status >= 400:
            assert answer.json()["code"] in ("not_found", "invalid_input", "validation_error")
    worker.remove_excluded(world.dependencies, "exc_unknown")


def test_a_removal_that_takes_an_hour_is_shown(world, rows):
    exclusion_id = requests.exclude_reviewer(world.dependencies, WHO).exclusion_id
    with TestClient(create_app(lambda: world.dependencies)) as http:
        assert "exclusions" not in http.get("/health").json()["checks"]
        long_ago = '{"requested_at": "2026-01-01T00:00:00Z"}'
        rows("UPDATE exclusions SET receipt = receipt || %s::jsonb RETURNING 1", long_ago)
        health = http.get("/health").json()
        assert health["status"] == health["checks"]["exclusions"]["status"] == "degraded"
        worker.remove_excluded(world.dependencies, exclusion_id)
        assert "exclusions" not in http.get("/health").json()["checks"]
