"""Checking and repairing a stopped state folder with the samples."""

import psycopg
import pytest

from local.aws.reader import BucketReader
from local.aws.records import record_name
from local.backup.places import FolderPlace
from local.backup.read import restore
from local.checking import Checker
from local.errors import LocalStackError
from local.names import ARTEFACT_BUCKET, CLEAN_BUCKET, RAW_BUCKET
from local.repairing import repair
from local.stack.cluster import stop_leftover_processes
from local.stack.offline import offline_database
from local.state import FolderLock, StateFolder
from shared.db.connection import connection_arguments
from shared.storage import artefacts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def ignore(_step):
    pass


@pytest.fixture
def state(backup, shared_path):
    """A stopped folder with the data of the samples."""
    folder = StateFolder(shared_path / "state")
    restore(FolderPlace(backup), folder.root, ignore)
    yield folder
    stop_leftover_processes(folder.postgres, timeout=0)


def problems(state):
    return {report.name: report.problems for report in Checker(state).run(ignore)}


def bytes_of(state, bucket, ending):
    """The file with the bytes of an object whose key ends so, and the key.

    The first one of clean shards, otherwise the last one, so that they are of different ingests.
    """
    reader = BucketReader(state.s3, bucket)
    keys = sorted(key for key in reader.records if key.endswith(ending))
    key = keys[0 if bucket == CLEAN_BUCKET else -1]
    name = reader.records[key]["blob"]
    return next(path for path in state.s3.rglob(name) if path.parent.name == "data"), key


def current_index(state):
    return artefacts.current(BucketReader(state.s3, ARTEFACT_BUCKET).store, "index").version


def lose_record(state, bucket, ending):
    """Delete the record of an object and its copy; returns the key."""
    reader = BucketReader(state.s3, bucket)
    key = next(key for key in sorted(reader.records) if key.endswith(ending))
    for path in state.s3.rglob(f"{record_name(key)}.json"):
        path.unlink()
    return key


def test_every_kind_of_damage_is_found_and_mended(state):
    reports = Checker(state).run(ignore)
    assert [report.problems for report in reports if report.problems] == []
    assert all(report.checked for report in reports), reports

    flipped = {}
    for bucket, ending in (
        (RAW_BUCKET, "kitchen.tsv"),
        (CLEAN_BUCKET, ".parquet"),
        (ARTEFACT_BUCKET, ".npy"),
        (ARTEFACT_BUCKET, f"{current_index(state)}/index.faiss"),
    ):
        path, key = bytes_of(state, bucket, ending)
        body = bytearray(path.read_bytes())
        body[len(body) // 2] ^= 1
        path.write_bytes(body)
        flipped[key] = bytes(body)
    with (
        offline_database(state) as postgres,
        psycopg.connect(**connection_arguments(postgres.secret)) as connection,
    ):
        connection.execute(
            "DELETE FROM rejects WHERE (ingest_id, record) IN"
            " (SELECT ingest_id, record FROM rejects LIMIT 1)"
        )
        connection.execute(
            "DELETE FROM review_facts WHERE review_id IN"
            " (SELECT review_id FROM review_facts LIMIT 1)"
        )
        hide = (
            "UPDATE pg_index SET indisready = %s WHERE indexrelid = 'products_by_brand'::regclass"
        )
        connection.execute(hide, (False,))
        connection.commit()
        connection.execute("UPDATE products SET brand = 'a brand without an entry'")
        connection.commit()
        connection.execute(hide, (True,))
    found = problems(state)
    assert len(found["objects"]) == len(flipped)
    assert all(any(key in problem for problem in found["objects"]) for key in flipped)
    assert any("SHA-256" in problem for problem in found["indexes"])
    assert sum("rejected rows" in problem for problem in found["ledger"]) == 1
    assert any("figures count" in problem for problem in found["ledger"])

    (problem,) = found["indexes of tables"]
    assert "index products_by_brand has" in problem

    lost = lose_record(state, RAW_BUCKET, "outdoor.csv")
    damaged_index = current_index(state)

    report = repair(state, ignore)
    assert f"Object {lost} in bucket {RAW_BUCKET} was brought back" in " ".join(report.mended)
    assert {path.read_bytes() for path in state.quarantine.folder.iterdir()} >= set(
        flipped.values()
    )
    assert any("kitchen.tsv is damaged: upload it again" in each for each in report.left)
    assert any("is embedded again" in each for each in report.mended)
    assert any("figures are counted again" in each for each in report.mended)
    assert any("index products_by_brand has" in each for each in report.mended)
    assert any("index pointer was damaged" in each for each in report.mended)
    pointer = artefacts.current(BucketReader(state.s3, ARTEFACT_BUCKET).store, "index")
    assert pointer is None or pointer.version != damaged_index
    again = repair(state, ignore)
    assert again.mended == []
    found = problems(state)
    assert found["objects"] == found["indexes of tables"] == []
    assert all(damaged_index in problem for problem in found["indexes"])


def test_a_running_stack_is_checked_but_not_repaired(stack, samples, state):
    assert all(report.checked for report in Checker(stack.folder).run(ignore))
    with pytest.raises(LocalStackError, match="already running"):
        repair(stack.folder, ignore)
    with FolderLock(state.root), pytest.raises(LocalStackError, match="already running"):
        repair(state, ignore)
    with pytest.raises(LocalStackError, match="is not a Reviewlens state folder"):
        Checker(StateFolder(state.root.parent)).run(ignore)
