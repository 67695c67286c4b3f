"""Versions are immutable and complete; pointers move for one writer at a time."""

import json
import os
import threading
import time
from datetime import UTC, datetime

import pytest

from shared.errors import ArtefactError, ConflictError, NotFoundError
from shared.schemas.formats import FormatError
from shared.schemas.manifest import FileEntry, Manifest
from shared.storage import artefacts
from shared.storage.layout import pointer_key, version_prefix
from shared.storage.objects import S3Store
from tests.fakes.objects import MemoryStore


@pytest.fixture(params=["memory", "s3"])
def store(request):
    if request.param == "memory":
        return MemoryStore()
    client = request.getfixturevalue("aws_client")("s3")
    return S3Store(client, request.getfixturevalue("new_bucket")())


def version_in(folder, name="v1", files=None, kind="index", parameters=None):
    """Files on disk and the manifest that describes them."""
    entries = {}
    for file, body in (files or {"a.bin": b"alpha", "sub/b.bin": b"beta"}).items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        entries[file] = FileEntry(sha256=artefacts.file_sha256(path), bytes=len(body))
    return Manifest(
        kind=kind,
        version=name,
        created_at=datetime.now(UTC),
        files=entries,
        dimension=4,
        parameters=parameters or {},
    )


def publish(store, folder, name="v1", **parts):
    folder = folder / f"source-{name}"
    manifest = version_in(folder, name, **parts)
    artefacts.publish(store, folder, manifest)
    return manifest


def test_what_was_published_comes_back_verified(store, tmp_path):
    manifest = publish(store, tmp_path)
    fetched = artefacts.fetch(store, "index", "v1", tmp_path / "cache")
    assert fetched.manifest == manifest
    assert (fetched.folder / "a.bin").read_bytes() == b"alpha"
    assert (fetched.folder / "sub" / "b.bin").read_bytes() == b"beta"
    assert artefacts.read_folder(fetched.folder, kind="index") == fetched


def test_a_second_fetch_loads_nothing_again(store, tmp_path):
    publish(store, tmp_path)
    artefacts.fetch(store, "index", "v1", tmp_path / "cache")
    store.delete(version_prefix("index", "v1") + "a.bin")
    assert artefacts.fetch(store, "index", "v1", tmp_path / "cache").folder.is_dir()


def test_a_damaged_cache_is_replaced(store, tmp_path):
    publish(store, tmp_path)
    folder = artefacts.fetch(store, "index", "v1", tmp_path / "cache").folder
    (folder / "a.bin").write_bytes(b"alphA")
    fetched = artefacts.fetch(store, "index", "v1", tmp_path / "cache")
    assert (fetched.folder / "a.bin").read_bytes() == b"alpha"


def test_publishing_the_same_again_does_nothing_and_other_content_is_refused(store, tmp_path):
    publish(store, tmp_path)
    publish(store, tmp_path)
    with pytest.raises(ConflictError):
        publish(store, tmp_path / "other", files={"a.bin": b"another"})
    fetched = artefacts.fetch(store, "index", "v1", tmp_path / "cache")
    assert (fetched.folder / "a.bin").read_bytes() == b"alpha"


def rules(factor, **fields):
    return {"decisions": {**fields, "review": {"neutral_factor": factor, "sure_above": None}}}


def test_the_rules_of_a_model_are_published_and_other_rules_are_another_version(store, tmp_path):
    for _ in range(2):
        publish(store, tmp_path, kind="model", parameters=rules(2.5))
    decisions = artefacts.fetch(store, "model", "v1", tmp_path / "cache").manifest.decisions
    assert (decisions.review.neutral_factor, decisions.review.sure_above) == (2.5, None)
    assert (decisions.sentence.neutral_factor, decisions.sentence.sure_above) == (1.0, 0.71)
    with pytest.raises(ConflictError):
        publish(store, tmp_path / "other", kind="model", parameters=rules(2.6))


@pytest.mark.parametrize("wrong", [rules(0), rules("much"), {"decisions": [1]}])
def test_a_model_with_rules_that_cannot_be_read_is_refused(tmp_path, wrong):
    body = version_in(tmp_path, kind="model").model_dump(mode="json") | {"parameters": wrong}
    with pytest.raises(ArtefactError):
        artefacts.parse_manifest(json.dumps(body).encode())


def test_newer_rules_are_named_with_their_format(tmp_path):
    body = version_in(tmp_path, kind="model").model_dump(mode="json")
    body["parameters"] = rules(2.5, format=2)
    with pytest.raises(FormatError, match=r"decisions has format version 2; .* version 1"):
        artefacts.parse_manifest(json.dumps(body).encode())


def test_a_folder_that_is_not_what_its_manifest_says_is_not_published(store, tmp_path):
    manifest = version_in(tmp_path / "source")
    (tmp_path / "source" / "a.bin").write_bytes(b"ALPHA")
    with pytest.raises(ArtefactError, match=r"a\.bin"):
        artefacts.publish(store, tmp_path / "source", manifest)
    assert list(store.list("")) == []


@pytest.mark.parametrize("body", [b"alphb", b"alph", b""])
def test_a_corrupt_file_is_refused_and_leaves_nothing_behind(store, tmp_path, body):
    publish(store, tmp_path)
    store.put(version_prefix("index", "v1") + "a.bin", body)
    with pytest.raises(ArtefactError):
        artefacts.fetch(store, "index", "v1", tmp_path / "cache")
    assert list((tmp_path / "cache" / "indexes").iterdir()) == []


def test_a_version_without_its_manifest_does_not_exist(store, tmp_path):
    publish(store, tmp_path)
    store.delete(version_prefix("index", "v1") + "manifest.json")
    with pytest.raises(NotFoundError):
        artefacts.fetch(store, "index", "v1", tmp_path / "cache")


def test_a_version_that_is_not_there_is_called_by_its_name(store):
    with pytest.raises(NotFoundError, match="there is no model garden-1"):
        artefacts.read_manifest(store, "model", "garden-1")


def test_a_missing_file_is_told(store, tmp_path):
    publish(store, tmp_path)
    store.delete(version_prefix("index", "v1") + "sub/b.bin")
    with pytest.raises(NotFoundError):
        artefacts.fetch(store, "index", "v1", tmp_path / "cache")


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "a/../../x", "a//b", ".", "", "a\\b", "c:x", "manifest.json", "a\n", "./a"],
)
def test_a_manifest_cannot_name_files_outside_its_folder(name):
    manifest = {
        "kind": "index",
        "version": "v1",
        "created_at": "2026-01-01T00:00:00Z",
        "files": {name: {"sha256": "0" * 64, "bytes": 1}},
        "dimension": 4,
    }
    with pytest.raises(ArtefactError):
        artefacts.parse_manifest(json.dumps(manifest).encode())


def test_a_model_that_would_read_ends_alone_is_refused():
    manifest = {
        "kind": "model",
        "version": "v1",
        "created_at": "2026-01-01T00:00:00Z",
        "files": {},
        "dimension": 4,
        "max_tokens": 64,
    }
    assert artefacts.parse_manifest(json.dumps(manifest).encode()).tail_tokens == 1
    with pytest.raises(ArtefactError):
        artefacts.parse_manifest(json.dumps(manifest | {"tail_tokens": 64}).encode())


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff"])
def test_a_manifest_that_is_none_is_refused(store, body):
    store.put(version_prefix("model", "v1") + "manifest.json", body)
    with pytest.raises(ArtefactError):
        artefacts.read_manifest(store, "model", "v1")


def test_a_manifest_of_another_version_is_refused(store, tmp_path):
    manifest = publish(store, tmp_path)
    body = manifest.model_dump_json().encode()
    store.put(version_prefix("index", "v2") + "manifest.json", body)
    with pytest.raises(ArtefactError):
        artefacts.read_manifest(store, "index", "v2")


def test_the_pointer_moves_from_what_was_read(store, tmp_path):
    publish(store, tmp_path, "v1")
    publish(store, tmp_path, "v2")
    assert artefacts.current(store, "index") is None
    first = artefacts.move_pointer(store, "index", "v1", if_match=None)
    assert artefacts.current(store, "index") == artefacts.Current("v1", first)
    artefacts.move_pointer(store, "index", "v2", if_match=first)
    assert artefacts.current(store, "index").version == "v2"
    for stale in (first, None):
        with pytest.raises(ConflictError):
            artefacts.move_pointer(store, "index", "v1", if_match=stale)
    assert artefacts.current(store, "index").version == "v2"


def test_a_pointer_never_names_what_is_not_published(store):
    with pytest.raises(NotFoundError):
        artefacts.move_pointer(store, "index", "v9", if_match=None)
    assert artefacts.current(store, "index") is None


def test_a_pointer_that_cannot_be_read_is_an_artefact_error(store):
    store.put(pointer_key("model"), b"not json")
    with pytest.raises(ArtefactError):
        artefacts.current(store, "model")


def test_of_many_writers_one_moves_the_pointer(tmp_path):
    store = MemoryStore()
    publish(store, tmp_path)
    outcomes = []

    def move():
        try:
            outcomes.append(artefacts.move_pointer(store, "index", "v1", if_match=None))
        except ConflictError:
            outcomes.append(None)

    threads = [threading.Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcome is not None for outcome in outcomes) == 1


def test_processes_that_fetch_at_once_all_get_a_whole_version(store, tmp_path):
    publish(store, tmp_path)
    folders, errors = [], []

    def fetch():
        try:
            folders.append(artefacts.fetch(store, "index", "v1", tmp_path / "cache").folder)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            errors.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(set(folders)) == 1
    assert [path.name for path in folders[0].parent.iterdir()] == ["v1"]


def test_the_cache_keeps_the_last_versions_only(store, tmp_path):
    for name in ("v1", "v2", "v3", "v4", "v5"):
        publish(store, tmp_path, name)
        artefacts.fetch(store, "index", name, tmp_path / "cache")
    kept = sorted(path.name for path in (tmp_path / "cache" / "indexes").iterdir())
    assert kept == ["v3", "v4", "v5"]


def test_what_a_kill_left_half_fetched_is_removed_and_a_fetch_in_progress_is_not(store, tmp_path):
    cache = tmp_path / "cache" / "indexes"
    for name, age in ((".v0-left", 3700), (".v1-going", 3000)):
        (cache / name / "sub").mkdir(parents=True)
        (cache / name / "sub" / "file").write_text("x")
        os.utime(cache / name, (time.time() - age,) * 2)
    publish(store, tmp_path)
    artefacts.fetch(store, "index", "v1", tmp_path / "cache")
    assert {path.name for path in cache.iterdir()} == {".v1-going", "v1"}


def test_a_discarded_version_is_gone_whole(store, tmp_path):
    publish(store, tmp_path, "v1")
    publish(store, tmp_path, "v10")
    artefacts.discard(store, "index", "v1")
    assert {info.key.split("/")[1] for info in store.list("indexes/")} == {"v10"}
