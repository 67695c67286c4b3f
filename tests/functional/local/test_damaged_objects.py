"""A damaged file of the buckets stops nothing, and no bytes are deleted because of it."""

import json
import random
import shutil

import pytest
from botocore.exceptions import ClientError

from local.aws.blobs import DamagedBytesError
from local.aws.disk import DiskBuckets
from local.aws.records import record_name
from local.checked import encode
from local.quarantine import Quarantine
from tests.damage import DAMAGES

BODIES = {"uploads/a.csv": b"text,stars\nFits,5\n", "empty": b"", "b": bytes(range(256)) * 40}
ATTRIBUTES = {
    "last_modified": "2026-01-02T03:04:05+00:00",
    "metadata": {"Content-Type": "text/csv", "x-amz-meta-source": "shop"},
    "storage_class": "STANDARD",
    "tags": {"colour": "red"},
}


def put(buckets, key, body, **attributes):
    blob, etag = buckets.stage(body)
    buckets.commit("bucket", key, blob, ATTRIBUTES | {"etag": etag} | attributes)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A folder with three objects; one was replaced, and one was deleted."""
    root = tmp_path_factory.mktemp("template") / "s3"
    buckets = DiskBuckets(root)
    buckets.create_bucket("bucket", {"region": "us-east-1"})
    for key, body in {"b": b"replaced", "deleted": b"deleted", **BODIES}.items():
        put(buckets, key, body)
    buckets.remove("bucket", "deleted")
    return root


@pytest.fixture
def root(template, tmp_path):
    shutil.copytree(template, tmp_path / "s3")
    return tmp_path / "s3"


def read_all(root):
    """Bytes and records of all objects, by key; the quarantine."""
    quarantine = Quarantine(root.with_name("quarantine"))
    buckets = DiskBuckets(root, quarantine)
    assert [bucket["name"] for bucket in buckets.buckets()] == ["bucket"]
    records = {record["key"]: record for record in buckets.objects("bucket")}
    bodies = {}
    for key, record in records.items():
        try:
            bodies[key] = bytes(buckets.blob("bucket", record).open())
        except DamagedBytesError:
            bodies[key] = None
    return bodies, records, quarantine


def assert_nothing_is_lost(root, damaged_blob=None):
    """Check that each object is complete, or that exactly its damaged bytes are set apart."""
    bodies, records, quarantine = read_all(root)
    kept = {path.read_bytes() for path in quarantine.folder.glob("*")}
    for key, body in BODIES.items():
        if key not in bodies or bodies[key] is None:
            assert damaged_blob is not None
            continue
        assert bodies[key] == body
        assert records[key].items() >= ATTRIBUTES.items()
    if damaged_blob is None:
        assert bodies == BODIES
    elif damaged_blob:
        assert damaged_blob in kept | {path.read_bytes() for path in root.glob("*/data/*")}
    assert read_all(root)[0] == bodies
    return quarantine


def files(root):
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_nothing_is_reported_for_an_undamaged_folder(root):
    assert assert_nothing_is_lost(root).sentences == []
    assert len(list(root.glob("bucket/data/*"))) == len(BODIES)


@pytest.mark.parametrize("damage", DAMAGES)
def test_any_damaged_file_leaves_all_other_objects(template, tmp_path, damage):
    rng = random.Random(7)
    for number, original in enumerate(files(template)):
        for attempt in range(DAMAGES[damage].attempts):
            root = tmp_path / f"{number}-{attempt}" / "s3"
            shutil.copytree(template, root)
            path = root / original.relative_to(template)
            DAMAGES[damage].apply(path, rng)
            is_blob = path.parent.name == "data" and not path.name.endswith(".retired")
            remains = path.read_bytes() if path.exists() else b""
            assert_nothing_is_lost(root, remains if is_blob else None)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_without_a_copy_keeps_its_bytes(template, tmp_path, damage):
    rng = random.Random(8)
    for attempt in range(DAMAGES[damage].attempts * 5):
        root = tmp_path / str(attempt) / "s3"
        shutil.copytree(template, root)
        shutil.rmtree(root / "bucket" / "copies")
        DAMAGES[damage].apply(root / "bucket" / "meta" / f"{record_name('b')}.json", rng)
        bodies, _, quarantine = read_all(root)
        kept = {path.read_bytes() for path in quarantine.folder.glob("*")}
        assert bodies.get("b", BODIES["b"]) == BODIES["b"]
        assert "b" in bodies or BODIES["b"] in kept
        assert "b" in bodies or quarantine.sentences


def test_records_of_earlier_releases_are_read_and_get_a_copy(root):
    meta = root / "bucket" / "meta"
    for path in meta.iterdir():
        record = json.loads(path.read_bytes())
        for field in ("content_md5", "checksum"):
            del record[field]
        path.write_text(json.dumps(record))
    shutil.rmtree(root / "bucket" / "copies")
    assert assert_nothing_is_lost(root).sentences == []
    assert len(list((root / "bucket" / "copies").iterdir())) == len(BODIES)


def test_an_interrupted_commit_or_deletion_is_settled(root):
    """Kills between the steps of a commit leave staged or retired bytes that a record names."""
    (record,) = [r for r in DiskBuckets(root).objects("bucket") if r["key"] == "b"]
    data = root / "bucket" / "data" / record["blob"]
    data.rename(root / ".staged" / record["blob"])
    assert assert_nothing_is_lost(root).sentences == []
    data.rename(data.with_name(f"{data.name}.retired"))
    assert assert_nothing_is_lost(root).sentences == []
    (root / ".staged" / ("0" * 32)).write_bytes(b"never committed")
    assert assert_nothing_is_lost(root).sentences == []
    assert list((root / ".staged").iterdir()) == []


def test_a_deletion_that_was_killed_before_its_last_step_stays_deleted(root):
    copy = root / "bucket" / "copies" / f"{record_name('b')}.json"
    body = copy.read_bytes()
    DiskBuckets(root).remove("bucket", "b")
    copy.write_bytes(body)
    bodies, _, quarantine = read_all(root)
    assert "b" not in bodies
    assert quarantine.sentences == []


def test_a_lost_object_is_named(root):
    (record,) = [r for r in DiskBuckets(root).objects("bucket") if r["key"] == "b"]
    (root / "bucket" / "data" / record["blob"]).write_bytes(b"cut")
    quarantine = read_all(root)[2]
    assert quarantine.sentences == [
        "Object b in bucket bucket has 3 of 10240 bytes, and was put into quarantine."
    ]
    assert {entry.reason for entry in quarantine.entries()} == {
        "object b in bucket bucket has 3 of 10240 bytes"
    }


def test_damaged_bytes_are_a_clear_error_and_can_be_replaced(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    aws.stop()
    (aws.root / bucket / "data" / aws.records(bucket)["k"]["blob"]).write_bytes(b"bodx")
    aws.start()
    with pytest.raises(ClientError, match="k is damaged: its bytes do not match") as caught:
        aws.s3.get_object(Bucket=bucket, Key="k")
    assert caught.value.response["Error"]["Code"] == "NoSuchKey"
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    assert aws.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


def test_a_record_damaged_while_the_stack_runs_can_be_replaced(aws, bucket):
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    (record,) = (aws.root / bucket / "meta").iterdir()
    record.write_bytes(b"{")
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    aws.restart()
    assert aws.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


def test_a_record_must_match_its_file_name(root):
    path = root / "bucket" / "meta" / f"{record_name('b')}.json"
    other = root / "bucket" / "meta" / f"{record_name('empty')}.json"
    path.write_bytes(other.read_bytes())
    assert_nothing_is_lost(root)
    path.write_bytes(encode({"key": "b", "blob": "../../secrets", "size": 1}))
    assert_nothing_is_lost(root)
