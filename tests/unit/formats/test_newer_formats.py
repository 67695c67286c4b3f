"""A format that this release does not know is named, and never makes an index smaller."""

import json
import sqlite3
import time

import numpy as np
import pyarrow as pa
import pytest

from lambdas.retrieval import service
from lambdas.retrieval.dependencies import Dependencies
from shared.errors import ArtefactError
from shared.index import build as building
from shared.index import stops
from shared.index.build import build_index, publish_index
from shared.index.reader import IndexReader
from shared.schemas.formats import FORMATS, INDEX, FormatError
from shared.serving.state import ServingState
from shared.storage import artefacts
from shared.storage.layout import analysis_shard, embedding_shard, pointer_key, version_prefix
from shared.storage.shard_schemas import CLEAN_SCHEMA, SERVED_SCHEMA
from shared.storage.shards import read_clean, read_served, to_parquet
from tests.corpus import (
    made_up_reviews,
    npy,
    publish_manifest_only,
    publish_model,
    put_shard,
    random_vectors,
)
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue
from tests.models import model_folder

DIMENSION = 16
MODEL = "tiny-1"
NEWER = 9


@pytest.fixture
def store():
    """A current index of 30 reviews in three shards, and a fourth shard that it does not hold."""
    made = MemoryStore()
    publish_manifest_only(made, MODEL, DIMENSION)
    for part in range(3):
        add(made, part)
    assert build_index(made).count == 30
    add(made, 3)
    return made


def add(store, part):
    put_shard(store, MODEL, made_up_reviews(10, part), random_vectors(10, DIMENSION), part=part)


def analyses(part):
    return analysis_shard(MODEL, "ing_made", part)


def rewrite(store, key, schema):
    """Write a shard again with another schema."""
    rows = read_served(store, key).to_pylist()
    store.put(key, to_parquet(pa.Table.from_pylist(rows, schema=schema)))


def newer_shard(store):
    rewrite(store, analyses(1), SERVED_SCHEMA.with_metadata({"reviewlens.format": str(NEWER)}))
    return analyses(1)


def newer_shard_with_a_damaged_array(store):
    store.put(embedding_shard(MODEL, "ing_made", 1), npy(random_vectors(3, 4)))
    return newer_shard(store)


def shard_without_a_required_column(store):
    rewrite(store, analyses(1), SERVED_SCHEMA.remove(SERVED_SCHEMA.get_field_index("text")))
    return analyses(1)


def shard_with_a_column_of_another_type(store):
    place = SERVED_SCHEMA.get_field_index("rating")
    rewrite(store, analyses(1), SERVED_SCHEMA.set(place, pa.field("rating", pa.float64())))
    return analyses(1)


def newer_index(store):
    version = artefacts.current(store, "index").version
    return newer_json(store, version_prefix("index", version) + "manifest.json")


def newer_pointer(store):
    return newer_json(store, pointer_key("index"))


def newer_json(store, key):
    fields = json.loads(store.get(key)[0]) | {"format": NEWER, "a_new_field": []}
    store.put(key, json.dumps(fields).encode())
    return key


@pytest.mark.parametrize(
    "change",
    [
        newer_shard,
        newer_shard_with_a_damaged_array,
        shard_without_a_required_column,
        shard_with_a_column_of_another_type,
        newer_index,
        newer_pointer,
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_an_unknown_format_stops_the_build_and_keeps_the_index(store, caplog, change, force):
    versions = artefacts.versions(store, "index")
    file = change(store)
    before = store.get(pointer_key("index"))[0]
    report = build_index(store, force=force)
    assert report.outcome == "stopped"
    assert file in report.reason
    assert report.reason in caplog.text
    assert store.get(pointer_key("index"))[0] == before
    assert artefacts.versions(store, "index") == versions
    assert stops.read(store).reason == report.reason


def test_a_stopped_build_reports_the_index_that_stays(store):
    version = artefacts.current(store, "index").version
    newer_shard(store)
    report = build_index(store)
    assert (report.version, report.count, report.shards) == (version, 30, 0)


def test_the_index_stays_while_a_truncated_shard_is_repaired(store):
    body = store.get(analyses(1))[0]
    store.put(analyses(1), body[: len(body) // 2])
    report = build_index(store)
    assert (report.outcome, report.count) == ("waiting", 30)
    assert [skipped.stem for skipped in report.skipped] == [analyses(1).removesuffix(".parquet")]


def test_a_build_that_goes_on_clears_the_record(store):
    body = store.get(analyses(1))[0]
    newer_shard(store)
    build_index(store)
    since = stops.read(store).since
    build_index(store)
    assert stops.read(store).since == since
    store.put(analyses(1), body)
    assert build_index(store).count == 40
    assert stops.read(store) is None


def test_an_index_of_an_unknown_format_that_wins_a_race_is_not_replaced(store, monkeypatch):
    move, moves = artefacts.move_pointer, []

    def late(*arguments, **conditions):
        moves.append(arguments)
        if len(moves) == 1:
            build_index(store)
            newer_index(store)
        return move(*arguments, **conditions)

    monkeypatch.setattr(building.artefacts, "move_pointer", late)
    report = build_index(store)
    assert report.outcome == "stopped"
    winner = artefacts.current(store, "index").version
    assert report.version == winner
    assert artefacts.versions(store, "index")[-1] == winner


def test_an_index_for_an_activation_is_not_published_without_a_shard(store):
    file = newer_shard(store)
    versions = artefacts.versions(store, "index")
    with pytest.raises(FormatError, match=file):
        publish_index(store, MODEL)
    assert artefacts.versions(store, "index") == versions


def test_health_of_retrieval_says_why_the_index_is_not_newer(store, tmp_path):
    state = ServingState(store, tmp_path / "cache")
    ports = Dependencies(state, store, MemoryQueue())
    assert "index_build" not in service.health(ports).checks
    file = newer_shard(store)
    build_index(store)
    check = service.health(ports).checks["index_build"]
    assert check.status == "degraded"
    assert file in check.detail
    assert f"format version {NEWER}" in check.detail


@pytest.mark.parametrize("read", [read_clean, read_served])
def test_an_error_names_the_file_its_version_and_the_supported_ones(read):
    store = MemoryStore()
    schema = CLEAN_SCHEMA if read is read_clean else SERVED_SCHEMA
    table = schema.with_metadata({"reviewlens.format": str(NEWER)}).empty_table()
    store.put("a/part-00000.parquet", to_parquet(table))
    with pytest.raises(FormatError) as caught:
        read(store, "a/part-00000.parquet")
    assert "a/part-00000.parquet has format version 9" in caught.value.message
    assert "versions 1 and 2" in caught.value.message
    assert isinstance(caught.value, ArtefactError)


def test_columns_of_a_later_release_are_ignored(store):
    schema = SERVED_SCHEMA.append(pa.field("colour", pa.string()))
    rewrite(store, analyses(1), schema)
    assert read_served(store, analyses(1)).schema.equals(SERVED_SCHEMA)
    assert build_index(store).count == 40


def test_a_shard_that_is_not_parquet_is_corrupt_not_new():
    store = MemoryStore()
    store.put("part", b"PAR1 but nothing else")
    with pytest.raises(ArtefactError, match="part is truncated") as caught:
        read_clean(store, "part")
    assert not isinstance(caught.value, FormatError)


@pytest.mark.parametrize("stored_format", FORMATS, ids=lambda each: each.name)
def test_every_format_reads_its_version_and_the_one_before(stored_format):
    current = stored_format.version
    stored_format.check("file", current)
    stored_format.check("file", max(1, current - 1))
    for version in (0, -1, current + 1, str(current), None, 1.5):
        with pytest.raises(FormatError, match="file has format version"):
            stored_format.check("file", version)


def test_rows_of_a_newer_format_are_refused_by_name(store, tmp_path):
    version = artefacts.current(store, "index").version
    fetched = artefacts.fetch(store, "index", version, tmp_path)
    with sqlite3.connect(fetched.folder / "rows.sqlite") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (INDEX.version,)
        connection.execute(f"PRAGMA user_version = {NEWER}")
    connection.close()
    with pytest.raises(FormatError, match=r"rows\.sqlite has format version 9"):
        IndexReader(fetched)


def test_rows_without_a_column_read_it_as_null(store, tmp_path):
    version = artefacts.current(store, "index").version
    fetched = artefacts.fetch(store, "index", version, tmp_path)
    with sqlite3.connect(fetched.folder / "rows.sqlite") as connection:
        connection.execute("ALTER TABLE reviews DROP COLUMN title")
    connection.close()
    hits = IndexReader(fetched).search(np.ones(DIMENSION, np.float32), 5)
    assert [hit.row.title for hit in hits] == [None] * 5


def test_serving_keeps_the_last_good_pair(tmp_path):
    store = MemoryStore()
    model = publish_model(store, model_folder())
    put_shard(store, model.version, made_up_reviews(10), random_vectors(10, 384), part=1)
    good = build_index(store).version
    state = ServingState(store, tmp_path / "cache", refresh_seconds=3600)
    assert state.snapshot().index.version == good
    put_shard(store, model.version, made_up_reviews(10, 2), random_vectors(10, 384), part=2)
    time.sleep(0.001)
    build_index(store)
    file = newer_index(store)
    state.refresh()
    assert state.snapshot().index.version == good
    assert file in state.checks()["index"].detail
    # a new process answers from the version before
    fresh = ServingState(store, tmp_path / "other", refresh_seconds=3600)
    assert fresh.snapshot().index.version == good


def test_what_has_not_changed_is_written_as_before(store):
    """An earlier release still reads pointers and model manifests."""
    assert set(json.loads(store.get(pointer_key("index"))[0])) == {"kind", "version", "moved_at"}
    manifest = json.loads(store.get(version_prefix("model", MODEL) + "manifest.json")[0])
    assert "format" not in manifest
    version = artefacts.current(store, "index").version
    index = json.loads(store.get(version_prefix("index", version) + "manifest.json")[0])
    assert index["format"] == INDEX.version
