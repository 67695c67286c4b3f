"""Bytes whose record is lost are brought back if their checksum is known."""

from hashlib import md5, sha256

import pytest

from local.aws.disk import DiskBuckets
from local.aws.reader import BucketReader
from local.quarantine import Quarantine
from local.recovering import bring_back


@pytest.fixture
def root(tmp_path):
    """A folder in which three objects lost their records, and one did not."""
    buckets = DiskBuckets(tmp_path / "s3")
    buckets.create_bucket("raw", {"region": "us-east-1"})
    for key in ("uploads/a.csv", "model.onnx", "unknown", "whole"):
        buckets.put("raw", key, key.encode())
    for folder in ("meta", "copies"):
        for path in (tmp_path / "s3" / "raw" / folder).iterdir():
            if b'"whole"' not in path.read_bytes():
                path.unlink()
    return tmp_path / "s3"


def test_objects_are_recognised_by_their_checksum(root):
    quarantine = Quarantine(root.with_name("quarantine"))
    buckets = DiskBuckets(root, quarantine)
    assert len(list(quarantine.entries())) == 3
    known = {
        md5(b"uploads/a.csv").hexdigest(): ("raw", "uploads/a.csv"),
        sha256(b"model.onnx").hexdigest(): ("raw", "model.onnx"),
    }
    assert sorted(bring_back(quarantine, buckets, known)) == [
        "Object model.onnx in bucket raw was brought back from quarantine.",
        "Object uploads/a.csv in bucket raw was brought back from quarantine.",
    ]
    reader = BucketReader(root, "raw")
    assert reader.get("uploads/a.csv")[0] == b"uploads/a.csv"
    assert reader.head("uploads/a.csv").etag == md5(b"uploads/a.csv").hexdigest()
    assert {key: reader.get(key)[0] for key in reader.records} == {
        key: key.encode() for key in ("uploads/a.csv", "model.onnx", "whole")
    }
    (left,) = quarantine.entries()
    assert (quarantine.folder / left.name).read_bytes() == b"unknown"
    assert list(bring_back(quarantine, buckets, known)) == []
