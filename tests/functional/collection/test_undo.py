"""An upload that is undone leaves nothing, and what other uploads have is as if it never came."""

import io
import json

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from lambdas.collection import handler as entry
from lambdas.collection.api import create_app
from lambdas.collection.sweep import sweep
from lambdas.collection.undo import worker
from lambdas.collection.undo.requests import request_undo
from shared.db.ingest import undo
from shared.db.insights import rollups
from shared.errors import ConflictError, UnavailableError
from shared.schemas.damage import Damage
from shared.schemas.ingest import IngestStatus, ingest_id_of
from shared.schemas.messages import MAX_RECEIVES, UndoIngest
from shared.storage import artefacts, quarantine
from tests.fakes.objects import MemoryStore
from tests.functional.collection.shop_stack import (
    KEYS,
    RIGHT,
    Stack,
    answers,
    as_csv,
    dumps,
    shop_row,
    stopped,
)

SECRET = "unmistakable"
_KNOWN: dict = {}  # the same for all tests
ONLY_HERE = [
    shop_row(n, opinion=f"my {SECRET} words {n}", sku=f"{SECRET}{n}", item=f"An {SECRET} item")
    for n in range(200, 230)
] + [shop_row(300, opinion="", heading=f"{SECRET} heading of a row without a text")]


def bodies_of(extra):
    """The overlapping dumps; the one with ``extra`` has rows that no other has."""
    bodies = dumps()
    bodies[extra] += as_csv(ONLY_HERE).partition(b"\n")[2]
    return bodies


def ingest_of(stack, key):
    (report,) = [each for each in stack.reports() if each.key == key]
    return report.ingest_id


def forget(stack, key):
    """Request it as the API does; returns the id of the ingest."""
    ingest_id = ingest_of(stack, key)
    assert request_undo(stack.world.dependencies, ingest_id).status is IngestStatus.UNDOING
    return ingest_id


def receipt(stack, ingest_id):
    state = undo.undo_state(stack.world.dependencies.database, ingest_id)
    assert state.status is IngestStatus.UNDONE
    assert state.undo.undone_at >= state.undo.requested_at
    return state.undo


def texts_of(body):
    """What an object says, also where it is compressed."""
    yield body.decode("utf-8", "replace")
    if body[:4] == b"PAR1":
        yield str(pq.read_table(io.BytesIO(body)).to_pydict())


def places_of(stack, rows, text):
    """Where a text still is: in a bucket, or in any column of a table."""
    places = [
        name
        for name, store in stack.stores.items()
        for body in store.bodies()
        if any(text in each for each in texts_of(body))
    ]
    for (table,) in rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND"
        " relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
    ):
        query = f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE %s"
        if rows(query, f"%{text}%") != [(0,)]:
            places.append(table)
    return places


@pytest.fixture
def only(world, rows, empty_tables, tmp_path):
    """``only(key, …)``: the answers of a stack that only ever saw these; leaves tables empty."""

    def expect(*keys):
        if keys not in _KNOWN:
            stack = Stack(world)
            for key in keys:
                stack.read(key, RIGHT)
            stack.finish()
            _KNOWN[keys] = answers(stack, rows, tmp_path / "only")
            empty_tables()
        return _KNOWN[keys]

    return expect


def read_all(world, extra, **stores):
    stack, bodies = Stack(world, **stores), bodies_of(extra)
    for key in KEYS:
        stack.read(key, RIGHT, bodies[key])
    stack.finish()
    return stack


def assert_equal(actual, expected):
    for name, value in expected.items():
        assert actual[name] == value, name


@pytest.mark.parametrize("key", KEYS[:2])
def test_an_undone_upload_leaves_what_the_others_alone_would_give(world, rows, only, tmp_path, key):
    expected = only(*(each for each in KEYS if each != key))
    stack = read_all(world, key)
    assert {"raw", "clean", "artefacts", "reviews", "rejects", "products"} <= set(
        places_of(stack, rows, SECRET)
    )
    ingest_id = forget(stack, key)
    stack.finish()
    assert_equal(answers(stack, rows, tmp_path / "undone"), expected)
    assert places_of(stack, rows, SECRET) == []
    removed = receipt(stack, ingest_id).removed
    assert removed.rows >= 30
    assert (removed.rejects, removed.products) == (1, 30)
    assert removed.clean_shards == removed.embeddings["m1"] > 0
    assert removed.index_versions
    assert (removed.raw_versions, removed.mappings) == (1, 1)


@pytest.mark.parametrize("stops", [0, 1, 5, 30, 38])
def test_it_survives_a_kill_anywhere(world, rows, only, tmp_path, stops):
    expected = only(*KEYS[1:])
    stack = read_all(world, KEYS[0])
    ingest_id = forget(stack, KEYS[0])
    dependencies, stores = stack.world.dependencies, stack.stores
    writes = [
        *((stores["artefacts"], name) for name in ("put", "delete")),
        *((undo, name) for name in ("update_receipt", "_delete_last_batches", "finish")),
        (stores["raw"], "delete_version"),
        (dependencies.index_queue, "send"),
        (rollups, "refresh"),
    ]
    with stopped(stack, *writes, after=stops), pytest.raises(UnavailableError, match="stopped"):
        worker.undo_ingest(dependencies, ingest_id)
    dependencies.collection_queue.take()  # the message is lost
    sweep(dependencies, force=True)
    stack.collect(twice=True)
    stack.finish()
    assert_equal(answers(stack, rows, tmp_path / "undone"), expected)
    assert places_of(stack, rows, SECRET) == []
    removed = receipt(stack, ingest_id).removed
    assert (removed.rejects, removed.products, removed.raw_versions) == (1, 30, 1)
    assert removed.clean_shards == removed.embeddings["m1"] > 0


@pytest.mark.parametrize("deliveries", [1, MAX_RECEIVES - 1, MAX_RECEIVES])
def test_an_undo_that_only_waited_is_no_dead_letter(world, monkeypatch, deliveries):
    stack = read_all(world, KEYS[0])
    ingest_id = forget(stack, KEYS[0])
    dependencies = stack.world.dependencies
    monkeypatch.setattr(entry, "build_dependencies", lambda: dependencies)
    record = {
        "eventSource": "aws:sqs",
        "messageId": "m",
        "body": UndoIngest(ingest_id=ingest_id).model_dump_json(),
        "attributes": {"ApproximateReceiveCount": str(deliveries)},
    }
    with dependencies.database.lock(f"collect:{ingest_id}") as acquired:
        assert acquired
        failed = entry.handler({"Records": [record]}, None)["batchItemFailures"]
    assert len(failed) == (1 if deliveries < MAX_RECEIVES else 0)
    dependencies.collection_queue.take()
    sweep(dependencies, force=True)
    queued = map(json.loads, dependencies.collection_queue.take())
    assert ingest_id in {body["ingest_id"] for body in queued if body["type"] == "undo_ingest"}


def test_where_nothing_remains_no_index_remains(world, rows):
    stack = Stack(world)
    stack.read(KEYS[0], RIGHT, as_csv(ONLY_HERE))
    stack.finish()
    store = stack.stores["artefacts"]
    assert artefacts.current(store, "index") is not None
    forget(stack, KEYS[0])
    stack.finish("empty")
    assert artefacts.current(store, "index") is None
    assert list(store.list("indexes/")) == []
    assert places_of(stack, rows, SECRET) == []
    assert rows("SELECT count(*) FROM products") == [(0,)]


def test_the_same_bytes_are_collected_anew(world, rows, assert_counts):
    stack = Stack(world)
    body = as_csv(ONLY_HERE)
    stack.read(KEYS[0], RIGHT, body)
    stack.finish()
    ingest_id = forget(stack, KEYS[0])
    stack.finish("empty")
    sweep(stack.world.dependencies, force=True)
    stack.finish("empty")  # nothing comes back by itself
    assert rows("SELECT count(*) FROM reviews") == [(0,)]
    stack.world.raw.put(f"{KEYS[0]}.mapping.json", json.dumps(RIGHT).encode())
    stack.world.raw.put(KEYS[0], body)
    sweep(stack.world.dependencies, force=True)  # as its event would
    stack.finish()
    report = assert_counts(stack.reports()[0])
    assert (report.ingest_id, report.stored, report.rejected) == (ingest_id, 30, 1)
    assert report.status is IngestStatus.PROCESSED
    assert undo.undo_state(stack.world.dependencies.database, ingest_id) is None
    current = artefacts.current(stack.stores["artefacts"], "index")
    manifest = artefacts.read_manifest(stack.stores["artefacts"], "index", current.version)
    assert manifest.count == 30


def test_an_upload_that_is_still_collected_is_undone_as_well(world, rows, monkeypatch):
    stack = Stack(world)
    clean, ids = stack.stores["clean"], []
    put = clean.put

    def put_and_undo(key, body):
        ids[:] = [key.split("/")[1]]
        request_undo(stack.world.dependencies, ids[0])
        with pytest.raises(UnavailableError, match="another worker"):
            worker.undo_ingest(stack.world.dependencies, ids[0])
        return put(key, body)

    monkeypatch.setattr(clean, "put", put_and_undo)
    with pytest.raises(ConflictError, match="being undone"):
        stack.read(KEYS[0], RIGHT, as_csv(ONLY_HERE))
    monkeypatch.undo()
    stack.world.collector.collect(stack.world.put(KEYS[0], as_csv(ONLY_HERE)))  # its message again
    assert rows("SELECT count(*) FROM reviews") == [(0,)]
    stack.finish("empty")
    assert receipt(stack, ids[0]).removed.raw_versions == 1
    assert places_of(stack, rows, SECRET) == []


def test_older_versions_models_and_damaged_copies_go_as_well(world, rows):
    raw = MemoryStore("raw", versioned=True)
    stack = Stack(world, raw=raw)
    first, second = as_csv(ONLY_HERE), as_csv([shop_row(n) for n in range(20)])
    stack.read(KEYS[0], RIGHT, first)
    stack.read(KEYS[0], RIGHT, second)
    stack.finish()
    ingest_id = ingest_id_of("raw", KEYS[0], raw.versions(KEYS[0])[1].etag)
    store, clean = stack.stores["artefacts"], stack.stores["clean"]
    for key in [info.key for info in store.list(f"embeddings/m1/{ingest_id}/")]:
        store.copy(key, key.replace("m1", "m0"))
    key = f"reviews/{ingest_id}/part-00000.parquet"
    damage = Damage(bucket="clean", key=key, problem="corrupt", reason="for a test")
    quarantine.set_aside(store, clean, damage, "its dump is read again")
    prefix = f"indexes/{artefacts.current(store, 'index').version}/"
    quarantine.set_aside_folder(store, prefix, [], "for a test")

    request_undo(stack.world.dependencies, ingest_id)
    stack.finish()
    removed = receipt(stack, ingest_id).removed
    assert removed.embeddings == {"m0": 2, "m1": 2}
    assert (removed.raw_versions, removed.mappings, removed.quarantined) == (1, 0, 5)
    assert places_of(stack, rows, SECRET) == []
    assert raw.get(KEYS[0])[0] == second  # another version keeps object and mapping
    assert raw.get(f"{KEYS[0]}.mapping.json")
    assert quarantine.open_records(store) == []


def test_the_routes_of_an_undone_upload(world):
    stack = Stack(world.replace(old_version_days=30, backup_days=7))
    stack.read(KEYS[0], RIGHT, as_csv(ONLY_HERE))
    stack.finish()
    ingest_id = ingest_of(stack, KEYS[0])
    with TestClient(create_app(lambda: stack.world.dependencies)) as http:
        path = f"/collect/{ingest_id}"
        assert http.get(path).json()["undo"] is None
        first, again = http.delete(path), http.delete(path)
        assert (first.status_code, again.status_code) == (202, 202)
        assert first.json() == again.json()
        assert first.json()["status"] == "undoing"
        refused = http.post("/collect", json={"key": KEYS[0], "mapping": RIGHT})
        assert refused.status_code == 409
        stack.finish("empty")
        after = http.delete(path).json()
        assert after["status"] == "undone"
        assert stack.world.dependencies.collection_queue.take() == []
        report = http.get(path).json()
        assert report["undo"] == after["undo"]
        assert (report["status"], report["rows_read"], report["rejects"]) == ("undone", 0, [])
        later = [each["until"] is not None for each in report["undo"]["later"]]
        assert later[:2] == [True, True]
        assert "reviewlens backup" in report["undo"]["not_reached"][0]


@pytest.mark.parametrize(
    "ingest_id",
    ["ing_0", "ing_" + "0" * 24, "%00", "ing%00", "%27%3B--", "a%20b", "%F0%9F%98%80", "%FF", "*"],
)
def test_an_unknown_or_hostile_id_is_not_found(world, rows, ingest_id):
    with TestClient(create_app(lambda: world.dependencies)) as http:
        answer = http.delete(f"/collect/{ingest_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    worker.undo_ingest(world.dependencies, "ing_unknown")
    assert world.dependencies.collection_queue.take() == []
    assert list(world.dependencies.artefacts.list("")) == []
