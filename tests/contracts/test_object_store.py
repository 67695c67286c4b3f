"""The behaviour of every ObjectStore: S3 (moto) and in memory."""

import json
from base64 import b64decode

import pytest

from shared.errors import ConflictError, NotFoundError
from shared.storage.objects import S3Store
from tests.fakes.objects import MemoryStore


@pytest.fixture(params=["s3", "memory"])
def store(request):
    if request.param == "memory":
        return MemoryStore()
    bucket = request.getfixturevalue("new_bucket")()
    return S3Store(request.getfixturevalue("aws_client")("s3"), bucket)


@pytest.fixture(params=["s3", "memory"])
def versioned_store(request):
    """A bucket that keeps overwritten and deleted objects."""
    if request.param == "memory":
        return MemoryStore(versioned=True)
    bucket, s3 = (
        request.getfixturevalue("new_bucket")(),
        request.getfixturevalue("aws_client")("s3"),
    )
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return S3Store(s3, bucket)


def read(store, key, **conditions):
    with store.open(key, **conditions) as stream:
        return stream.read()


def test_get_returns_the_object_that_was_put(store):
    put = store.put("a/b c+ü.txt", b"body")
    body, info = store.get("a/b c+ü.txt")
    assert body == b"body"
    assert info == put == store.head("a/b c+ü.txt")
    assert (info.key, info.size) == ("a/b c+ü.txt", 4)
    assert '"' not in info.etag


def test_a_stream_reads_forward_in_pieces(store):
    store.put("k", b"0123456789")
    with store.open("k") as stream:
        assert [stream.read(4), stream.read(4), stream.read(4), stream.read(4)] == [
            b"0123",
            b"4567",
            b"89",
            b"",
        ]


@pytest.mark.parametrize(("start", "rest"), [(0, b"0123"), (3, b"3"), (4, b""), (9, b"")])
def test_a_stream_may_begin_at_a_later_byte(store, start, rest):
    etag = store.put("k", b"0123").etag
    assert read(store, "k", etag=etag, start=start) == rest
    with pytest.raises(NotFoundError):
        read(store, "missing", start=start)


@pytest.mark.parametrize(("start", "end"), [(0, 2), (1, 3), (2, 4), (4, 4)])
def test_a_stream_may_end_at_an_earlier_byte(store, start, end):
    etag = store.put("k", b"0123").etag
    assert read(store, "k", etag=etag, start=start, end=end) == b"0123"[start:end]
    with pytest.raises(NotFoundError):
        read(store, "k", etag="0" * 32, start=0, end=1)


def test_later_bytes_are_requested_range_by_range(store, monkeypatch):
    monkeypatch.setattr("shared.storage.later_bytes._RANGE_BYTES", 4)
    store.put("k", b"0123456789ab")
    assert read(store, "k", start=1) == b"123456789ab"
    with store.open("k", start=2) as stream:
        pieces = list(iter(lambda: stream.read(3), b""))
    assert b"".join(pieces) == b"23456789ab"


def test_a_stream_that_begins_later_is_of_the_same_version(store):
    old = store.put("k", b"0123").etag
    store.put("k", b"4567")
    with pytest.raises(NotFoundError):
        read(store, "k", etag=old, start=2)


def test_open_with_an_etag_returns_that_version_or_nothing(store):
    old = store.put("k", b"old").etag
    assert read(store, "k", etag=old) == b"old"
    store.put("k", b"new")
    with pytest.raises(NotFoundError):
        read(store, "k", etag=old)


@pytest.mark.parametrize("method", ["get", "head", "open", "download"])
def test_a_missing_key_is_not_found(store, method, tmp_path):
    calls = {
        "open": lambda: read(store, "missing"),
        "download": lambda: store.download("missing", tmp_path / "file"),
        "get": lambda: store.get("missing"),
        "head": lambda: store.head("missing"),
    }
    with pytest.raises(NotFoundError):
        calls[method]()


def test_only_the_first_conditional_put_wins(store):
    store.put("pointer", b"1", if_absent=True)
    with pytest.raises(ConflictError):
        store.put("pointer", b"2", if_absent=True)
    first = store.head("pointer").etag
    store.put("pointer", b"3", if_match=first)
    with pytest.raises(ConflictError):
        store.put("pointer", b"4", if_match=first)
    assert store.get("pointer")[0] == b"3"


def test_a_conditional_put_on_a_missing_key_does_not_create_it(store):
    with pytest.raises((ConflictError, NotFoundError)):
        store.put("pointer", b"1", if_match="0" * 32)
    with pytest.raises(NotFoundError):
        store.head("pointer")


def test_list_returns_all_objects_under_a_prefix_in_order(store):
    for key in ("b/2", "b/10", "a/1", "b"):
        store.put(key, b"x")
    assert [info.key for info in store.list("b/")] == ["b/10", "b/2"]
    assert [info.size for info in store.list("")] == [1, 1, 1, 1]
    assert list(store.list("none/")) == []
    assert [info.key for info in store.list("b/", after="b/10")] == ["b/2"]
    assert [info.key for info in store.list("", after="a/1")] == ["b", "b/10", "b/2"]
    assert list(store.list("b/", after="b/2")) == []


def test_a_file_is_uploaded_and_downloaded_unchanged(store, tmp_path):
    (tmp_path / "up").write_bytes(b"\0" * 1000)
    assert store.upload("k", tmp_path / "up").size == 1000
    store.download("k", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == b"\0" * 1000


def test_deleting_an_object_twice_is_not_an_error(store):
    store.put("k", b"x")
    store.delete("k")
    store.delete("k")
    assert list(store.list("")) == []


def test_a_copy_leaves_the_object_and_a_missing_one_is_not_found(store):
    store.put("a b+\u00fc/k", b"body")
    store.copy("a b+\u00fc/k", "quarantine/a b+\u00fc/k")
    assert store.get("a b+\u00fc/k")[0] == store.get("quarantine/a b+\u00fc/k")[0] == b"body"
    with pytest.raises(NotFoundError):
        store.copy("missing", "quarantine/missing")


def test_a_signed_upload_is_valid_for_one_key_up_to_a_size(store):
    signed = store.sign_upload("uploads/web/x/a b+\u00fc.csv", max_bytes=1000, seconds=60)
    assert store.bucket in signed.url
    assert signed.fields["key"] == "uploads/web/x/a b+\u00fc.csv"
    conditions = json.loads(b64decode(signed.fields["policy"]))["conditions"]
    assert ["content-length-range", 1, 1000] in conditions
    assert {"key": "uploads/web/x/a b+\u00fc.csv"} in conditions


def test_a_bucket_without_versions_has_the_current_one(store):
    assert store.versions("a b+\u00fc/k") == []
    etag = store.put("a b+\u00fc/k", b"body").etag
    store.put("a b+\u00fc/k.mapping.json", b"other")
    (version,) = store.versions("a b+\u00fc/k")
    assert version.etag == etag
    store.delete_version("a b+\u00fc/k", version.version_id)
    store.delete_version("a b+\u00fc/k", version.version_id)
    assert store.versions("a b+\u00fc/k") == []
    assert [info.key for info in store.list("")] == ["a b+\u00fc/k.mapping.json"]


def test_overwritten_and_deleted_versions_are_kept_until_each_is_deleted(versioned_store):
    store = versioned_store
    first, second = store.put("k", b"first").etag, store.put("k", b"second").etag
    store.put("k", b"first")
    store.put("kk", b"another object")
    assert [version.etag for version in store.versions("k")] == [first, second, first]
    for version in store.versions("k"):
        if version.etag == first:
            store.delete_version("k", version.version_id)
    assert store.get("k")[0] == b"second"
    store.delete("k")
    (version,) = store.versions("k")
    store.delete_version("k", version.version_id)
    assert store.versions("k") == []
    assert [info.key for info in store.list("k")] == ["kk"]


def test_deleting_the_only_version_leaves_nothing(versioned_store):
    versioned_store.put("k", b"body")
    (version,) = versioned_store.versions("k")
    versioned_store.delete_version("k", version.version_id)
    assert versioned_store.versions("k") == []
    assert list(versioned_store.list("")) == []
